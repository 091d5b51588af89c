/** What this process may see of the processes that it starts under other user ids. */
import * as Fs from "node:fs"

const CAP_SYS_PTRACE = 19

/**
 * Whether this process may read what the processes of its sandboxes have mapped and opened. Root of most containers may
 * not, where sandboxes have user ids of their own.
 */
export const canInspectSandboxes = (): boolean => {
  if (process.getuid?.() !== 0) return true
  try {
    const held = /^CapEff:\s*([0-9a-f]+)$/m.exec(Fs.readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0"
    return (BigInt(`0x${held}`) >> BigInt(CAP_SYS_PTRACE) & 1n) === 1n
  } catch {
    return true
  }
}
