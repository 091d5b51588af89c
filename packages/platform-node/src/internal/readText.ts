import * as Fs from "node:fs"

/** The content of a UTF-8 file, or undefined where it cannot be read. */
export const readText = (path: string): string | undefined => {
  try {
    return Fs.readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}
