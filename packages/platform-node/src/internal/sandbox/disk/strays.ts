/**
 * Kills processes that escaped the process group of a session without a PID namespace, on Linux only. They are found by an
 * entry in their environment, which a process can clear, and by marks, which it cannot shed where a system call filter is
 * in force.
 */
import * as Effect from "effect/Effect"
import * as GlobalValue from "effect/GlobalValue"
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises"
import { callMark, firstMark, marksPerSession, sessionMark } from "../../agentWire/marks.js"
import { processStat } from "../../node/processStat.js"
import { readText } from "../../readText.js"
import { ownPass } from "../channel/eventLoopTurns.js"
import { sharedRead } from "./sharedRead.js"

/** What the processes of a session have in common. */
export interface Strays {
  /** The entry `HOME` of their environment, with the NUL at its end. */
  readonly environment: string
  readonly firstMark: number
}

/** The first mark of the session whose workspace this is: in most cases that of no other. */
export const firstMarkOf = (root: string): number =>
  firstMark(createHash("sha256").update(root).digest().readUInt32BE(0))

const callGroup = (mark: number): number => Math.floor(mark / marksPerSession)

/** The only entries that are asked for. */
const homes = /(?<![^\0])HOME=[^\0]*\0/g

/** The running processes by what identifies the session of each. */
class Processes {
  readonly #byKey = new Map<string, Set<number>>()

  add(pid: number, environment: string, limits: string): void {
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

const readProcesses = async (): Promise<Processes> => {
  const found = new Processes()
  const pids = Fs.readdirSync("/proc").filter((pid) => /^\d+$/.test(pid))
  for (const [index, pid] of pids.entries()) {
    if (index % readAtOnce === 0) await nextTurn()
    found.add(Number(pid), readText(`/proc/${pid}/environ`) ?? "", readText(`/proc/${pid}/limits`) ?? "")
  }
  return found
}

/** A thousand sessions that end at once read the processes together, and not each for itself. */
const processes = GlobalValue.globalValue("@effect-agb/platform-node/strays", () => sharedRead(readProcesses))

const isAlive = (pid: number): boolean => processStat(pid)?.isZombie === false

const kill = (pid: number): boolean => {
  try {
    return pid !== process.pid && isAlive(pid) && process.kill(pid, "SIGKILL")
  } catch {
    // It has exited, or belongs to another user.
    return false
  }
}

/** Kills those that are not among the `killed`, adds them, and returns whether there were any. */
const killNew = async (strays: Strays, killed: Set<number>): Promise<boolean> => {
  const others = (await processes()).of(strays).filter((pid) => !killed.has(pid))
  if (others.length > 0) await ownPass()
  const found = others.filter(kill)
  for (const pid of found) killed.add(pid)
  return found.length > 0
}

const maxRounds = 50

/** What is killed takes its time on a busy machine, but does nothing any more: it is waited for half a second. */
const maxExitDelayMs = 256

const exited = async (killed: ReadonlySet<number>): Promise<void> => {
  for (let waited = 1; waited <= maxExitDelayMs && [...killed].some(isAlive); waited *= 2) await delay(waited)
}

/** Kills until no other is found: some may fork while others are killed. */
export const killStrays = (strays: Strays): Effect.Effect<void> =>
  process.platform !== "linux"
    ? Effect.void
    : Effect.promise(async () => {
      const killed = new Set<number>()
      for (let round = 0; round < maxRounds && await killNew(strays, killed); round++);
      await exited(killed)
    })
