/** The processes that the agent can see: all of the session's, if the session has a PID namespace of its own. */
import { readdirSync, readFileSync } from "node:fs"
import { isConfined } from "../files/beneath.js"
import type { Config } from "../wire/operation.js"

interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  /** Processor time in clock ticks, including that of ended children. */
  readonly ticks: number
  /** Resident memory that is not file-backed or shared. */
  readonly privatePages: number
}

const pids = (): ReadonlyArray<string> => readdirSync("/proc").filter((name) => /^\d+$/.test(name))

/** Every process with this text in its environment. */
export const pidsWithEnvironment = (text: string): ReadonlyArray<number> =>
  pids().filter((pid) => contentsOf(`/proc/${pid}/environ`).includes(text)).map(Number)

/** Every process with an unbroken chain of parents up to `ancestor`. */
export const descendantsOf = (ancestor: number) => {
  const all = pids().flatMap(infoOf)
  const found = new Set([ancestor])
  for (const pid of found) for (const { parent, pid: child } of all) if (parent === pid) found.add(child)
  found.delete(ancestor)
  return [...found]
}

export const sessionProcesses = ({ env }: Config): ReadonlyArray<ProcessInfo> => {
  const sandboxId = env["AGB_SANDBOX"]
  if (!isConfined() || sandboxId === undefined) return pids().flatMap(infoOf)
  return pidsWithEnvironment(`AGB_SANDBOX=${sandboxId}`).map(String).flatMap(infoOf)
}

const infoOf = (pid: string): ReadonlyArray<ProcessInfo> => {
  const stat = contentsOf(`/proc/${pid}/stat`).toString("latin1")
  // The program name before it may contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  if (fields.length < 20) return []
  const [, resident = 0, shared = 0] = contentsOf(`/proc/${pid}/statm`).toString("latin1").split(" ").map(Number)
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return [{ pid: Number(pid), parent: Number(fields[1]), ticks, privatePages: Math.max(0, resident - shared) }]
}

const empty = Buffer.alloc(0)

const contentsOf = (path: string) => {
  try {
    return readFileSync(path)
  } catch {
    return empty
  }
}
