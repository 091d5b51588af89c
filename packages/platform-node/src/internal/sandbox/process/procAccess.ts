/** What this process may read about processes of other user ids. */
import * as Fs from "node:fs"

const CAP_SYS_PTRACE = 19

/**
 * Whether this process may read the memory maps and open files of sandboxed processes. Root without `CAP_SYS_PTRACE`, as in
 * most containers, may not where sandboxes run under user ids of their own.
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
