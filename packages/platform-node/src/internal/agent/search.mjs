// @ts-check
/** Finding files by name. */
import * as fs from "node:fs"
import { resolve } from "node:path"
import { path, text, texts } from "./args.mjs"
import { about, Failure } from "./failure.mjs"
import { compileGlob } from "./glob.mjs"
import { walk } from "./walk.mjs"

const mostVisited = 100_000
const mostFound = 10_000
const longestMs = 10_000

/** @type {import("./operation.mjs").Operation} */
export const searchFiles = async ({ args, signal }) => {
  const root = resolve(path(args, "path"))
  if (!about(root, () => fs.statSync(root)).isDirectory()) throw new Failure("ENOTDIR", `Not a directory: ${root}`)
  const base = root === "/" ? "" : root
  const wanted = matcher(text(args, "pattern"), base)
  const unwanted = texts(args, "excludePatterns").map((pattern) => matcher(pattern, base))
  const until = performance.now() + longestMs
  /** @type {Array<string>} */
  const paths = []
  let visited = 0
  let truncated = false

  await walk(base, (found) => {
    truncated = ++visited > mostVisited || signal.aborted || performance.now() > until
    if (truncated) return "stop"
    if (unwanted.some((matches) => matches(found))) return "skip"
    if (!wanted(found)) return "enter"
    truncated = paths.length === mostFound
    if (truncated) return "stop"
    paths.push(`${base}/${found.path}`)
    return "enter"
  })
  return { value: { paths: paths.sort(), truncated } }
}

/**
 * A pattern without a slash is about names, one with a slash about paths below the root.
 *
 * @param {string} pattern
 * @param {string} base
 * @returns {(found: import("./walk.mjs").Found) => boolean}
 */
const matcher = (pattern, base) => {
  const matches = compileGlob(pattern.replace(/^\.\//, "").replace(/(?<=.)\/$/, ""))
  if (pattern.startsWith("/")) return (found) => matches(`${base}/${found.path}`)
  return pattern.includes("/") ? (found) => matches(found.path) : (found) => matches(found.name)
}
