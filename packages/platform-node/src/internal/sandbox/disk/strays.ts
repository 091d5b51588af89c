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
import { sharedRead } from "./sharedRead.js"

/** What the processes of a session have in common. */
export interface Strays {
  /** An entry of their environment, with the NUL at its end. */
  readonly environment: string
  readonly firstMark: number
}

/** The first mark of the session whose workspace this is: in most cases that of no other. */
export const firstMarkOf = (root: string): number =>
  firstMark(createHash("sha256").update(root).digest().readUInt32BE(0))

const callGroup = (mark: number): number => Math.floor(mark / marksPerSession)

/** The running processes by what identifies the session of each. */
class Processes {
  readonly #byKey = new Map<string, Set<number>>()

  add(pid: number, environment: string, limits: string): void {
    for (const entry of environment.split("\0")) this.#put(`${entry}\0`, pid)
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

/** Returns how many were killed. */
const killFound = async (strays: Strays): Promise<number> =>
  (await processes()).of(strays).filter((pid) => {
    try {
      return pid !== process.pid && isAlive(pid) && process.kill(pid, "SIGKILL")
    } catch {
      // It has exited, or belongs to another user.
      return false
    }
  }).length

const maxRounds = 50

/** Kills until none is found: some may fork while others are killed. */
export const killStrays = (strays: Strays): Effect.Effect<void> =>
  process.platform !== "linux"
    ? Effect.void
    : Effect.promise(async () => {
      for (let round = 0; round < maxRounds && await killFound(strays) > 0; round++) await delay(2)
    })
