/** Processes and their descendants, as the host sees them in /proc. */
import * as Fs from "node:fs"

const numbersIn = (text: string) => text.split(" ").filter(Boolean).map(Number)

/** Children of any thread of the process. */
export const childrenOf = (pid: number): ReadonlyArray<number> => {
  try {
    return Fs.readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      numbersIn(Fs.readFileSync(`/proc/${pid}/task/${task}/children`, "utf8"))
    )
  } catch {
    return []
  }
}

/**
 * The process and all its descendants. In a PID namespace orphans become children of its init process, so none is missed.
 */
export const processTree = (pid: number): ReadonlyArray<number> => {
  const found = [pid]
  for (let at = 0; at < found.length; at++) found.push(...childrenOf(found[at]!))
  return found
}
