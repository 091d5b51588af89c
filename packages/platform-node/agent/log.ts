/** Unexpected errors, on descriptor 2. */
import { writeSync } from "node:fs"

export const log = (error: unknown) => {
  try {
    writeSync(2, `${error instanceof Error ? error.stack : String(error)}\n`)
  } catch { /* the host no longer reads it */ }
}
