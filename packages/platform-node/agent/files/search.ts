/** Finding files by name. */
import { resolve } from "node:path"
import type { Operation } from "../operation.js"
import { type Args, path, text, texts } from "../wire/args.js"
import { Failure, failureOf } from "../wire/failure.js"
import { compileGlob } from "./glob.js"
import { type Found, walk } from "./walk.js"

const mostVisited = 200_000
const mostFound = 10_000
const mostPatterns = 256
const longestMs = 10_000

export const searchFiles: Operation = async ({ args, signal }) => {
  const root = resolve(path(args, "path"))
  const base = root === "/" ? "" : root
  const wanted = matcher(text(args, "pattern"), base)
  const unwanted = excluded(args, base)
  const until = performance.now() + longestMs
  const paths: Array<string> = []
  let visited = 0
  let limit: string | undefined

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

const excluded = (args: Args, base: string) => {
  const patterns = texts(args, "excludePatterns")
  if (patterns.length > mostPatterns) {
    throw new Failure("EINVAL", `Invalid argument: excludePatterns has at most ${mostPatterns} patterns`)
  }
  return patterns.map((pattern) => matcher(pattern, base))
}

/**
 * A pattern without a slash is about names, one with a slash about paths below the root; one that ends with a slash is
 * about directories.
 */
const matcher = (pattern: string, base: string): (found: Found) => boolean => {
  const entry = pattern.replace(/(?<=.)\/$/, "")
  const matches = compileGlob(entry.replace(/^\.\//, ""))
  const subject: (found: Found) => string = entry.startsWith("/")
    ? (found) => `${base}/${found.path}`
    : entry.includes("/")
    ? (found) => found.path
    : (found) => found.name
  return (found) => (found.isDirectory || entry === pattern) && matches(subject(found))
}
