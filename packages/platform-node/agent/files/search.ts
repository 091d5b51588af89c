/** Finding files by name pattern. */
import { resolve } from "node:path"
import { type Args, pathArg, stringArg, stringListArg } from "../wire/args.js"
import { Failure, failureOf } from "../wire/failure.js"
import type { Operation } from "../wire/operation.js"
import { compileGlob } from "./glob.js"
import { type Entry, walk } from "./walk.js"

const maxVisited = 200_000
const maxFound = 10_000
const maxPatterns = 256
const maxMs = 10_000

export const searchFiles: Operation = async ({ args, signal }) => {
  const root = resolve(pathArg(args, "path"))
  const base = root === "/" ? "" : root
  const matches = matcher(stringArg(args, "pattern"), base)
  const exclusions = exclusionsOf(args, base)
  const until = performance.now() + maxMs
  const paths: Array<string> = []
  let visited = 0
  let limit: string | undefined

  const limitHit = () => {
    if (++visited > maxVisited) return `${maxVisited} entries were looked at`
    if (performance.now() > until) return `${maxMs} ms have passed`
    return signal.aborted ? "it was cancelled" : undefined
  }
  await walk(root, (entry) => {
    limit = limitHit()
    if (limit !== undefined) return "stop"
    if (exclusions.some((excludes) => excludes(entry))) return "skip"
    if (!matches(entry)) return "enter"
    if (paths.length === maxFound) limit = `${maxFound} were found`
    if (limit !== undefined) return "stop"
    paths.push(`${base}/${entry.path}`)
    return "enter"
  }).catch((error) => {
    throw failureOf(error, root)
  })
  return { value: { paths: paths.sort(), limit: limit ?? null } }
}

const exclusionsOf = (args: Args, base: string) => {
  const patterns = stringListArg(args, "excludePatterns")
  if (patterns.length > maxPatterns) {
    throw new Failure("EINVAL", `Invalid argument: excludePatterns has at most ${maxPatterns} patterns`)
  }
  return patterns.map((pattern) => matcher(pattern, base))
}

/**
 * A pattern without a slash matches names, one with a slash matches paths relative to the root, and one that ends with a
 * slash matches directories only.
 */
const matcher = (pattern: string, base: string): (entry: Entry) => boolean => {
  const glob = pattern.replace(/(?<=.)\/$/, "")
  const matches = compileGlob(glob.replace(/^\.\//, ""))
  const subject: (entry: Entry) => string = glob.startsWith("/")
    ? (entry) => `${base}/${entry.path}`
    : glob.includes("/")
    ? (entry) => entry.path
    : (entry) => entry.name
  return (entry) => (entry.isDirectory || glob === pattern) && matches(subject(entry))
}
