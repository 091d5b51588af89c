// @ts-check
"use strict"

/** Finding files by name. */
const { resolve } = require("node:path")
const { path, text, texts } = require("./args.cjs")
const { Failure, failureOf } = require("./failure.cjs")
const { compileGlob } = require("./glob.cjs")
const { walk } = require("./walk.cjs")

const mostVisited = 200_000
const mostFound = 10_000
const mostPatterns = 256
const longestMs = 10_000

/** @type {import("./operation.cjs").Operation} */
const searchFiles = async ({ args, signal }) => {
  const root = resolve(path(args, "path"))
  const base = root === "/" ? "" : root
  const wanted = matcher(text(args, "pattern"), base)
  const unwanted = excluded(args, base)
  const until = performance.now() + longestMs
  /** @type {Array<string>} */
  const paths = []
  let visited = 0
  /** @type {string | undefined} */
  let limit

  const limitHit = () => {
    if (++visited > mostVisited) return `${mostVisited} entries were looked at`
    if (performance.now() > until) return `${longestMs} ms have passed`
    return signal.aborted ? "it was cancelled" : undefined
  }
  await walk(root, (found) => {
    limit = limitHit()
    if (limit !== undefined) return "stop"
    if (unwanted.some((matches) => matches(found))) return "skip"
    if (!wanted(found)) return "enter"
    if (paths.length === mostFound) limit = `${mostFound} were found`
    if (limit !== undefined) return "stop"
    paths.push(`${base}/${found.path}`)
    return "enter"
  }).catch((error) => {
    throw failureOf(error, root)
  })
  return { value: { paths: paths.sort(), limit: limit ?? null } }
}

/**
 * @param {import("./args.cjs").Args} args
 * @param {string} base
 */
const excluded = (args, base) => {
  const patterns = texts(args, "excludePatterns")
  if (patterns.length > mostPatterns) {
    throw new Failure("EINVAL", `Invalid argument: excludePatterns has at most ${mostPatterns} patterns`)
  }
  return patterns.map((pattern) => matcher(pattern, base))
}

/**
 * A pattern without a slash is about names, one with a slash about paths below the root; one that ends with a slash is
 * about directories.
 *
 * @param {string} pattern
 * @param {string} base
 * @returns {(found: import("./walk.cjs").Found) => boolean}
 */
const matcher = (pattern, base) => {
  const entry = pattern.replace(/(?<=.)\/$/, "")
  const matches = compileGlob(entry.replace(/^\.\//, ""))
  /** @type {(found: import("./walk.cjs").Found) => string} */
  const subject = entry.startsWith("/")
    ? (found) => `${base}/${found.path}`
    : entry.includes("/")
    ? (found) => found.path
    : (found) => found.name
  return (found) => (found.isDirectory || entry === pattern) && matches(subject(found))
}

module.exports = { searchFiles }
