/**
 * Kills processes that escaped the process group of a session without a PID namespace, on Linux only. They are found by an
 * entry in their environment, which a process can clear, and by marks, which it cannot shed where a system call filter is
 * in force.
 */
import * as Effect from "effect/Effect"
import * as GlobalValue from "effect/GlobalValue"
import { createHash } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import { firstMark } from "../../agentWire/marks.js"
import { ownPass } from "../channel/eventLoopTurns.js"
import { hasEnded, isOf, readProcesses, type Strays, visitSince } from "./sessionProcesses.js"
import { sharedRead } from "./sharedRead.js"

/** The first mark of the session whose workspace this is: in most cases that of no other. */
export const firstMarkOf = (root: string): number =>
  firstMark(createHash("sha256").update(root).digest().readUInt32BE(0))

/** A thousand sessions that end at once read the processes together, and not each for itself. */
const processes = GlobalValue.globalValue("@effect-agb/platform-node/strays", () => sharedRead(readProcesses))

const kill = (pid: number): boolean => {
  try {
    return pid !== process.pid && !hasEnded(pid) && process.kill(pid, "SIGKILL")
  } catch {
    // It has exited, or belongs to another user.
    return false
  }
}

/** Kills what was started since that id was given. Returns whether there was none. */
const killSince = (strays: Strays, pid: number): boolean => {
  let isNone = true
  const sawAll = visitSince(pid, (other) => {
    if (!isOf(strays, other)) return
    isNone = false
    kill(other)
  })
  return sawAll && isNone
}

/** Kills those that are not among the `seen`, adds them, and returns whether more have to be looked for. */
const killNew = async (strays: Strays, seen: Set<number>): Promise<boolean> => {
  const found = await processes()
  const others = found.of(strays).filter((pid) => !seen.has(pid))
  if (others.length === 0) return false
  await ownPass()
  const killed = others.filter(kill)
  for (const pid of others) seen.add(pid)
  return !killSince(strays, found.last) || killed.length > 0
}

const maxKillMs = 2000

/** What is killed takes its time on a busy machine, but does nothing any more: it is waited for half a second. */
const maxExitDelayMs = 256

const exited = async (seen: ReadonlySet<number>): Promise<void> => {
  for (let waited = 1; waited <= maxExitDelayMs && ![...seen].every(hasEnded); waited *= 2) await delay(waited)
}

/** Kills until no other is found: some may fork while others are killed. */
export const killStrays = (strays: Strays): Effect.Effect<void> =>
  process.platform !== "linux"
    ? Effect.void
    : Effect.promise(async () => {
      const seen = new Set<number>()
      const until = performance.now() + maxKillMs
      while (await killNew(strays, seen) && performance.now() < until);
      await exited(seen)
    })
