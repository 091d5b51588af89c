/** The processes that the agent can see: all of the session's, if the session has a PID namespace of its own. */
import { openSync, readdirSync, readFileSync, readSync } from "node:fs"
import { lastPidIn } from "../../src/internal/agentWire/forks.js"
import { isConfined } from "../files/beneath.js"
import type { Config } from "../wire/operation.js"

export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  /** Its process group, by the id of the process that leads it. */
  readonly group: number
  /** Whether it has ended, and only its parent has not noticed. */
  readonly isZombie: boolean
  /** When it started, in clock ticks since the machine did. */
  readonly startedAt: number
  /** Processor time in clock ticks, including that of ended children. */
  readonly ticks: number
  /** Resident memory that is not file-backed or shared. */
  readonly privatePages: number
}

export const ticksPerSecond = 100

const pids = (): ReadonlyArray<string> => readdirSync("/proc").filter((name) => /^\d+$/.test(name))

export const hasEnvironment = (pid: number, text: string) => contentsOf(`/proc/${pid}/environ`).includes(text)

export const limitsOf = (pid: number) => contentsOf(`/proc/${pid}/limits`).toString("latin1")

const allProcesses = (): ReadonlyArray<ProcessInfo> => pids().flatMap(infoOf)

/** Processes, and whether one that was started after they were looked for is meant too. */
export interface Found {
  readonly pids: ReadonlyArray<number>
  readonly isMeant: (pid: number) => boolean
}

/** The processes that have not ended yet and of which `test` holds. */
export const where = (test: (pid: number) => boolean) => (): Found => {
  const isMeant = (pid: number) => test(pid) && isAlive(pid)
  return { pids: pids().map(Number).filter(isMeant), isMeant }
}

const isAlive = (pid: number) => infoOf(String(pid)).some(({ isZombie }) => !isZombie)

/** Between the processes that have started before it, and those that start after it. */
export interface Moment {
  /** In clock ticks since the machine started, of which a process knows its own. */
  readonly ticks: number
  /** Where the id of a process is above this, it started later within the same tick. */
  readonly pid: number
}

const line = Buffer.alloc(128)

let loadFile: number | undefined

/** The most recently assigned process id; later processes have higher ones until they start anew. Zero if it cannot be read. */
export const lastPid = (): number => {
  try {
    loadFile ??= openSync("/proc/loadavg", "r")
    const size = readSync(loadFile, line, 0, line.length, 0)
    return lastPidIn(line.toString("latin1", 0, size))
  } catch {
    return 0
  }
}

export const now = (): Moment => ({
  // The file has two digits after the point: what is less than a whole tick comes from the multiplication alone.
  ticks: Math.round(parseFloat(contentsOf("/proc/uptime").toString("latin1")) * ticksPerSecond),
  pid: lastPid()
})

const isAfter = ({ pid, ticks }: Moment) => (process: ProcessInfo) =>
  process.startedAt > ticks || process.startedAt === ticks && process.pid > pid

/** The members of a process group, but for its leader, that are newer than that. */
export const membersSince = (since: Moment, leader: number): ReadonlyArray<number> =>
  allProcesses().filter(({ group, pid }) => group === leader && pid !== leader).filter(isAfter(since)).map(({ pid }) =>
    pid
  )

/** Processes of which `isOfCall` holds that are newer than that, without those of an older one that is not `leader`. */
export const startedSince = (
  since: Moment,
  leader: number,
  isOfCall: (pid: number) => boolean
): Found => {
  const all = allProcesses().filter(({ isZombie, pid }) => !isZombie && pid !== leader)
  const ours = all.filter(({ pid }) => isOfCall(pid))
  const isNew = isAfter(since)
  const older = new Set(ours.filter((process) => !isNew(process)).map(({ pid }) => pid))
  addDescendants(older, all)
  const isMeant = (pid: number) => {
    const [started] = infoOf(`${pid}`)
    if (started === undefined || started.isZombie) return false
    if (older.has(started.parent)) older.add(pid)
    return pid !== leader && !older.has(pid) && isOfCall(pid)
  }
  return { pids: ours.map(({ pid }) => pid).filter((pid) => !older.has(pid)), isMeant }
}

/** Every process with an unbroken chain of parents up to `ancestor`. */
export const descendantsOf = (ancestor: number) => {
  const found = new Set([ancestor])
  addDescendants(found, allProcesses())
  found.delete(ancestor)
  return [...found]
}

/** Adds the children of each, and theirs. */
const addDescendants = (found: Set<number>, all: ReadonlyArray<ProcessInfo>) => {
  for (const pid of found) for (const { parent, pid: child } of all) if (parent === pid) found.add(child)
}

export const sessionProcesses = ({ env }: Config): ReadonlyArray<ProcessInfo> => {
  const sandboxId = env["AGB_SANDBOX"]
  if (!isConfined() || sandboxId === undefined) return allProcesses()
  return pids().filter((pid) => hasEnvironment(Number(pid), `AGB_SANDBOX=${sandboxId}`)).flatMap(infoOf)
}

const infoOf = (pid: string): ReadonlyArray<ProcessInfo> => {
  const stat = contentsOf(`/proc/${pid}/stat`).toString("latin1")
  // The program name before it may contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  if (fields.length < 20) return []
  const [, resident = 0, shared = 0] = contentsOf(`/proc/${pid}/statm`).toString("latin1").split(" ").map(Number)
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return [{
    pid: Number(pid),
    parent: Number(fields[1]),
    group: Number(fields[2]),
    isZombie: fields[0] === "Z" || fields[0] === "X",
    startedAt: Number(fields[19]),
    ticks,
    privatePages: Math.max(0, resident - shared)
  }]
}

const empty = Buffer.alloc(0)

const contentsOf = (path: string) => {
  try {
    return readFileSync(path)
  } catch {
    return empty
  }
}
