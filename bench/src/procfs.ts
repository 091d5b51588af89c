// What processes hold, as Linux tells it: descendants, memory, descriptors, processor time.
import { readdirSync, readFileSync } from "node:fs"

interface Stat {
  readonly pid: number
  readonly parent: number
  /** `Z`: it has ended, and nobody has waited for it yet. */
  readonly state: string
  /** Of the process itself and of the children that it has waited for. */
  readonly ticks: number
}

const ticksPerSecond = 100

const statOf = (pid: number): Stat | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
    const at = (index: number): number => Number(fields[index] ?? 0)
    return { pid, parent: at(1), state: fields[0] ?? "", ticks: at(11) + at(12) + at(13) + at(14) }
  } catch {
    return undefined
  }
}

const allStats = (): ReadonlyArray<Stat> =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => statOf(Number(name)) ?? [])

/** All processes below one, nearest first. */
export const descendants = (root: number): ReadonlyArray<number> => {
  const children = new Map<number, Array<number>>()
  for (const { parent, pid } of allStats()) {
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [pid])
    else siblings.push(pid)
  }
  const found: Array<number> = []
  const waiting = [root]
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const pids = children.get(next) ?? []
    found.push(...pids)
    waiting.push(...pids)
  }
  return found
}

export const exists = (pid: number): boolean => statOf(pid) !== undefined

/** Whether it still runs: one that has ended is seen until its parent, in the end process 1, has waited for it. */
export const isAlive = (pid: number): boolean => !["", "Z", "X"].includes(statOf(pid)?.state ?? "")

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

/** Seconds of processor time of these processes, and of what they have waited for. */
export const processorSeconds = (pids: ReadonlyArray<number>): number =>
  sum(pids.map((pid) => statOf(pid)?.ticks ?? 0)) / ticksPerSecond

/** The proportional share of memory of these processes in MiB; `unread` of them belong to others. */
export const proportionalMemory = (pids: ReadonlyArray<number>): { readonly mebibytes: number; unread: number } => {
  let [kibibytes, unread] = [0, 0]
  for (const pid of pids) {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")
      kibibytes += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
    } catch {
      if (isAlive(pid)) unread += 1
    }
  }
  return { mebibytes: kibibytes / 1024, unread }
}

/** The most memory in MiB that a process has had resident since it started. */
export const residentPeak = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024

/** Those of these processes that run a program of this name. */
export const running = (pids: ReadonlyArray<number>, program: string): ReadonlyArray<number> =>
  pids.filter((pid) => {
    try {
      const [command = "", script = ""] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
      return command.endsWith("node") && script.endsWith(`/${program}`)
    } catch {
      return false
    }
  })

export const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

export const availableMebibytes = (): number =>
  Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) / 1024
