/** Marks what the agent starts, and finds processes by their marks. */
import { callMark, type Marks } from "../../src/internal/agentWire/marks.js"
import { limitsOf } from "./processTable.js"

/** Sets the limit and becomes the program; the options of the limit differ between shells. Dash adds PWD. */
const script = (keepsPwd: boolean) =>
  `m=$1; shift; { ulimit -w $m || ulimit -x $m; } 2>/dev/null; unset m${keepsPwd ? "" : " PWD"}; exec "$@"`

export interface Marking {
  readonly next: () => number
  /** The command line that runs `file` with the mark. */
  readonly marked: (
    mark: number,
    file: string,
    args: ReadonlyArray<string>,
    env: Readonly<Record<string, string>>
  ) => { readonly file: string; readonly args: ReadonlyArray<string> }
  /** Whether the process has this mark, or none that was ever given. */
  readonly has: (pid: number, mark: number) => boolean
  /** Whether the process belongs to this session. */
  readonly isOurs: (pid: number) => boolean
}

export const makeMarking = ({ first, floor }: Marks): Marking => {
  const own = callMark(limitsOf(process.pid))
  const top = Math.min(first, own)
  let lowest = top
  const isMark = (mark: number) => mark >= floor && mark < top
  return {
    next: () => lowest = Math.max(floor, lowest - 1),
    marked: (mark, file, args, env) => ({
      file: "/bin/sh",
      args: ["-c", script("PWD" in env), "sh", String(mark), file, ...args]
    }),
    has: (pid, mark) => {
      const found = callMark(limitsOf(pid))
      return found === mark || isMark(found) && found < lowest
    },
    isOurs: (pid) => isMark(callMark(limitsOf(pid)))
  }
}
