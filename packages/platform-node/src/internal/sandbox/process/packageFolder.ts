import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"

export const packageName = "@effect-agb/platform-node"

/** The folder of this package as `from`, a file or its URL, resolves it; undefined where it is not installed. */
export const packageFolder = (from: string): string | undefined => {
  try {
    return Path.dirname(createRequire(from).resolve(`${packageName}/package.json`))
  } catch {
    return undefined
  }
}

/** The version of this package. */
export const packageVersion = (url: string): string => {
  const folder = packageFolder(url)
  return folder === undefined ? "unknown" : JSON.parse(readFileSync(Path.join(folder, "package.json"), "utf8")).version
}
