/** What the kernel says of a process in its stat line. */
import * as Fs from "node:fs"

export interface ProcessStat {
  readonly name: string
  readonly parent: number
  /** The process whose session it is in: itself after `setsid`. */
  readonly session: number
  /** With its pid it names a process for as long as this machine is up: pids are given out again. */
  readonly startTime: string
  /** Dead, but nobody has asked how it ended: where process 1 reaps nobody, for ever. */
  readonly isZombie: boolean
}

/** Undefined where there is no such process, or no /proc. The name may hold spaces and parentheses. */
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
