import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { packageFolder } from "./packageFolder.js"

/** Undefined in bundles of CommonJS. */
const moduleUrl: string | undefined = import.meta.url

/**
 * The program of the fork server: beside this module, or in the installed package where this module has become part of a
 * bundle. Empty where there is neither.
 */
export const forkServerFile = (): string => {
  if (moduleUrl === undefined) return ""
  const beside = fileURLToPath(new URL("forkServer.cjs", moduleUrl))
  if (Fs.existsSync(beside)) return beside
  const root = packageFolder(moduleUrl)
  const installed = root && Path.join(root, "dist", "internal", "sandbox", "process", "forkServer.cjs")
  return installed !== undefined && Fs.existsSync(installed) ? installed : ""
}
