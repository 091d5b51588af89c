/** The processes of a sandbox, as the host sees them. */
import * as Fs from "node:fs"

const words = (text: string) => text.split(" ").filter(Boolean).map(Number)

/** A thread may have children of its own. */
export const childrenOf = (pid: number): ReadonlyArray<number> => {
  try {
    return Fs.readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      words(Fs.readFileSync(`/proc/${pid}/task/${task}/children`, "utf8"))
    )
  } catch {
    return []
  }
}

/**
 * A process and all that descend from it. Inside a process namespace an orphan becomes a child of its first process, so
 * none is missed.
 */
export const treeOf = (pid: number): ReadonlyArray<number> => {
  const found = [pid]
  for (let at = 0; at < found.length; at++) found.push(...childrenOf(found[at]!))
  return found
}
