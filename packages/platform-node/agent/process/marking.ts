/** Marks what the agent starts, and finds processes by their marks. */
import { callMark, type Marks } from "../../src/internal/agentWire/marks.js"
import { limitsOf } from "./processTable.js"

/** Sets the limit and becomes the program; the options of the limit differ between shells. Dash adds PWD. */
const script = (keepsPwd: boolean) =>
  `{ ulimit -w "$1" || ulimit -x "$1"; } 2>/dev/null; shift${keepsPwd ? "" : "; unset PWD"}; exec "$@"`

/** A plain shell passes on no variable that it could not name itself: these go around it, as arguments. */
const aroundShell = (env: Readonly<Record<string, string>>): ReadonlyArray<string> => {
  const unnameable = Object.entries(env).filter(([name]) => !/^[A-Za-z_]\w*$/.test(name))
  return unnameable.length === 0 ? [] : ["/usr/bin/env", "--", ...unnameable.map(([name, value]) => `${name}=${value}`)]
}

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
      args: ["-c", script("PWD" in env), "sh", String(mark), ...aroundShell(env), file, ...args]
    }),
    has: (pid, mark) => {
      const found = callMark(limitsOf(pid))
      return found === mark || isMark(found) && found < lowest
    },
    isOurs: (pid) => isMark(callMark(limitsOf(pid)))
  }
}
