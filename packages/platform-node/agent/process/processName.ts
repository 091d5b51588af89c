/** What the process is called: `pkill node` in a session is about the programs of the session. */
import { writeFileSync } from "node:fs"

/**
 * @param name at most 15 characters
 */
export const nameProcess = (name: string) => {
  try {
    writeFileSync("/proc/self/comm", name)
  } catch { /* without /proc nobody can look for it either */ }
}
