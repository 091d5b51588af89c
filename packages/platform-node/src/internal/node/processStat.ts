/** The status of a process, from /proc/<pid>/stat. */
import * as Fs from "node:fs"

export interface ProcessStat {
  readonly name: string
  readonly parent: number
  /** Id of its POSIX session: its own pid after `setsid`. */
  readonly session: number
  /** Together with the pid it identifies a process until the next boot, since pids are reused. */
  readonly startTime: string
  /** Exited but not reaped; forever so where process 1 does not reap. */
  readonly isZombie: boolean
}

/** Undefined where there is no such process, or no /proc. */
export const processStat = (pid: number): ProcessStat | undefined => {
  try {
    const line = Fs.readFileSync(`/proc/${pid}/stat`, "latin1")
    const end = line.lastIndexOf(")")
    const fields = line.slice(end + 2).split(" ")
    return {
      name: line.slice(line.indexOf("(") + 1, end),
      parent: Number(fields[1]),
      session: Number(fields[3]),
      startTime: fields[19] ?? "",
      isZombie: /^[ZX]$/.test(fields[0] ?? "")
    }
  } catch {
    return undefined
  }
}
