/** The process name: `pkill node` in a session must not kill the agent or the kernel. */
import { writeFileSync } from "node:fs"

/** At most 15 characters. */
export const nameProcess = (name: string) => {
  try {
    writeFileSync("/proc/self/comm", name)
  } catch { /* without /proc nobody can find it by name either */ }
}
