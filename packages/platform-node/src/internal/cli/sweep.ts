/** `agb-local --sweep`: removes what runtimes have left behind that were killed or had no time to end in order. */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
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

export const sweep = async (): Promise<void> => {
  const before = Number(process.env[awaited] ?? 0)
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
