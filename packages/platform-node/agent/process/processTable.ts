/** A look at the processes that the agent can see: all of the session's where it has a namespace of its own. */
import * as Fs from "node:fs"
import { isConfined } from "../files/beneath.js"
import type { Config } from "../operation.js"

interface Entry {
  readonly pid: number
  readonly parent: number
  /** Processor time, that of its ended children included. */
  readonly ticks: number
  /** Resident memory that is not of files. */
  readonly privatePages: number
}

const pids = (): ReadonlyArray<string> => Fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))

/** Every process with this text in its environment. */
export const carriersOf = (text: string): ReadonlyArray<number> =>
  pids().filter((pid) => bytesOf(`/proc/${pid}/environ`).includes(text)).map(Number)

/** Everything that a process has started and that has not lost its parents since. */
export const descendantsOf = (ancestor: number) => {
  const all = pids().flatMap(entryOf)
  const found = new Set([ancestor])
  for (const pid of found) for (const { parent, pid: child } of all) if (parent === pid) found.add(child)
  found.delete(ancestor)
  return [...found]
}

export const sessionProcesses = ({ env }: Config): ReadonlyArray<Entry> => {
  const mark = env["AGB_SANDBOX"]
  if (!isConfined() || mark === undefined) return pids().flatMap(entryOf)
  return carriersOf(`AGB_SANDBOX=${mark}`).map(String).flatMap(entryOf)
}

const entryOf = (pid: string): ReadonlyArray<Entry> => {
  const stat = bytesOf(`/proc/${pid}/stat`).toString("latin1")
  // The name before it may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  if (fields.length < 20) return []
  const [, resident = 0, shared = 0] = bytesOf(`/proc/${pid}/statm`).toString("latin1").split(" ").map(Number)
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return [{ pid: Number(pid), parent: Number(fields[1]), ticks, privatePages: Math.max(0, resident - shared) }]
}

const nothing = Buffer.alloc(0)

const bytesOf = (path: string) => {
  try {
    return Fs.readFileSync(path)
  } catch {
    return nothing
  }
}
