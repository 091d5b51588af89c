/** The processes of sessions without a PID namespace, by what identifies their session. */
import * as Fs from "node:fs"
import { setImmediate as nextTurn } from "node:timers/promises"
import { lastPidIn, visitForked } from "../../agentWire/forks.js"
import { callMark, marksPerSession, sessionMark } from "../../agentWire/marks.js"
import { readText } from "../../readText.js"

/** What the processes of a session have in common. */
export interface Strays {
  /** The entry `HOME` of their environment, with the NUL at its end. */
  readonly environment: string
  readonly firstMark: number
}

const callGroup = (mark: number): number => Math.floor(mark / marksPerSession)

const limitsOf = (pid: number): string => readText(`/proc/${pid}/limits`) ?? ""

const environmentOf = (pid: number): string => readText(`/proc/${pid}/environ`) ?? ""

const allPids = (): ReadonlyArray<number> => Fs.readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).map(Number)

const lastPid = (): number => lastPidIn(readText("/proc/loadavg") ?? "")

/** Whether it is gone, or only its parent has not noticed. It goes on if its first thread alone has ended. */
export const hasEnded = (pid: number): boolean => {
  const stat = readText(`/proc/${pid}/stat`)
  if (stat === undefined) return true
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return /^[ZX]$/.test(fields[0] ?? "") && Number(fields[17]) <= 1
}

/** Read anew, the mark first: it is all that most have to be asked for. */
export const isOf = ({ environment, firstMark }: Strays, pid: number): boolean => {
  const limits = limitsOf(pid)
  return sessionMark(limits) === firstMark || callGroup(callMark(limits)) === callGroup(firstMark) - 1 ||
    `\0${environmentOf(pid)}`.includes(`\0${environment}`)
}

/** The only entries that are asked for. */
const homes = /(?<![^\0])HOME=[^\0]*\0/g

/** The running processes by what identifies the session of each. */
class Processes {
  readonly #byKey = new Map<string, Set<number>>()

  /** What has a higher id was started after the reading. */
  last = 0

  add(pid: number): void {
    const environment = environmentOf(pid)
    if (environment === "" && hasEnded(pid)) return
    const limits = limitsOf(pid)
    for (const [entry] of environment.matchAll(homes)) this.#put(entry, pid)
    this.#put(`session ${sessionMark(limits)}`, pid)
    this.#put(`call ${callGroup(callMark(limits))}`, pid)
  }

  of({ environment, firstMark: first }: Strays): ReadonlyArray<number> {
    const keys = [environment, `session ${first}`, `call ${callGroup(first) - 1}`]
    return [...new Set(keys.flatMap((key) => [...this.#byKey.get(key) ?? []]))]
  }

  #put(key: string, pid: number) {
    const known = this.#byKey.get(key)
    if (known === undefined) this.#byKey.set(key, new Set([pid]))
    else known.add(pid)
  }
}

/** Processes that are read before others may use the event loop. */
const readAtOnce = 20

/** For how long those that were started meanwhile are read. Others cannot use the event loop. */
const maxFollowMs = 20

/** Visits what was started since that id was given, at once. Returns whether nothing was missed. */
export const visitSince = (pid: number, visit: (pid: number) => void): boolean => {
  const until = performance.now() + maxFollowMs
  return visitForked(pid, lastPid, visit, () => performance.now() < until)
}

/** Adds all that run. Returns whether it has missed none. */
const readInto = async (found: Processes): Promise<boolean> => {
  const before = lastPid()
  for (const [index, pid] of allPids().entries()) {
    if (index % readAtOnce === 0) await nextTurn()
    found.add(pid)
  }
  found.last = lastPid()
  return visitSince(before, (pid) => found.add(pid))
}

const maxReads = 3

export const readProcesses = async (): Promise<Processes> => {
  const found = new Processes()
  for (let reads = 0; reads < maxReads && !await readInto(found); reads++);
  return found
}
