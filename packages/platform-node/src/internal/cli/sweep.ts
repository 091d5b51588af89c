/** `agb-local --sweep`: removes what runtimes have left behind that were killed or had no time to end in order. */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import * as Os from "node:os"
import { setTimeout as delay } from "node:timers/promises"
import { sweepContexts } from "../contexts/contexts.js"
import { processStat } from "../node/processStat.js"
import { sweepWorkspaces } from "../sandbox/disk/workspace.js"
import { findMemoryController } from "../sandbox/memory/memoryController.js"

const sweepGroups = Effect.flatMap(findMemoryController, ({ drained, sweep }) => Effect.zipRight(sweep, drained))

/** The process whose end is waited for. */
const awaited = "AGB_SWEEP_AFTER"

const [pollMillis, maxPolls] = [20, 1500]

const exitOf = async (pid: number): Promise<void> => {
  for (let poll = 0; poll < maxPolls && processStat(pid)?.isZombie === false; poll++) await delay(pollMillis)
}

/**
 * Takes the processor before all others, where it may: little is left to do, and on a busy machine it would take long.
 * Linux shares the processor between sessions of processes first, so that a priority counts within one alone; what is
 * scheduled in real time goes before all of them. What this process starts does not inherit it.
 */
export const goFirst = (): void => {
  try {
    Os.setPriority(Os.constants.priority.PRIORITY_HIGHEST)
  } catch {
    // Not for this user.
  }
  const realTime = ["--all-tasks", "--reset-on-fork", "--rr", "--pid", "1", `${process.pid}`]
  spawn("chrt", realTime, { stdio: "ignore" }).on("error", () => {})
}

export const sweep = async (): Promise<void> => {
  const before = Number(process.env[awaited] ?? 0)
  if (before !== 0) goFirst()
  await exitOf(before)
  await Effect.runPromise(
    Effect.all([sweepWorkspaces, sweepContexts, sweepGroups], { concurrency: "unbounded", discard: true })
  )
}

/** Starts `agb-local` as a process that outlives this one and sweeps after its end. `program` are the arguments of Node. */
export const sweepAfterExit = (program: ReadonlyArray<string>): void => {
  const { PATH = "", TMPDIR } = process.env
  spawn(process.execPath, [...process.execArgv, ...program, "--sweep"], {
    cwd: "/",
    env: { PATH, ...(TMPDIR === undefined ? {} : { TMPDIR }), [awaited]: `${process.pid}` },
    detached: true,
    stdio: "ignore"
  }).on("error", () => {})
}
