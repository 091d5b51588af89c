/** Starts processes and kills them with everything that they have started. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process"
import { closeSync, readFileSync, writeFileSync } from "node:fs"
import { constants } from "node:os"
import { randomHex } from "../files/randomName.js"
import { type Failure, failureOf, mapErrors } from "../wire/failure.js"
import type { Direction, Pipe, Pipes } from "./pipes.js"
import { descendantsOf, pidsWithEnvironment } from "./processTable.js"

interface Job {
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  readonly killGroup: () => void
  /**
   * Kills the process group, all descendants, and whatever else has the tag of this call in its environment. A process
   * that has detached itself and cleared its environment lives until the session ends.
   */
  readonly killTree: () => void
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface ProcessSpec {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Descriptors 1, 2, … of the process; its standard input is the null device. */
  readonly fds: ReadonlyArray<number>
}

/** An environment variable that identifies what a call has started, wherever in the process tree it ends up. */
const tagName = "AGB_CALL_ID"

const maxKillMs = 500

export const makeProcesses = () => {
  const session = randomHex(12)
  const leaders = new Set<number>()
  let started = 0

  const start = async ({ args, cwd, env, fds, file }: ProcessSpec): Promise<Job> => {
    const tag = `${tagName}=${session}.${++started};`
    const options: SpawnOptions = {
      cwd,
      env: { ...env, [tagName]: tag.slice(tagName.length + 1) },
      detached: true,
      stdio: ["ignore", ...fds]
    }
    const child = mapErrors(file, () => withHighOomScore(() => spawn(file, args, options)))
    const pid = child.pid
    if (pid === undefined) throw await startFailure(child, file)
    leaders.add(pid)
    const exited = new Promise((resolve: (exit: Exit) => void) =>
      child.once("exit", (code, signal) => {
        leaders.delete(pid)
        resolve({ code, signal })
      })
    )
    const killGroup = () => signal(-pid, "SIGKILL")
    const killTree = () => {
      const family = descendantsOf(pid)
      killGroup()
      for (const member of family) signal(member, "SIGKILL")
      killTagged(tag)
    }
    return { child, exited, killGroup, killTree }
  }

  /** Kills every process of the session that the agent can find. */
  const killAll = () => {
    for (const pid of leaders) signal(-pid, "SIGKILL")
    if (started > 0) killTagged(`${tagName}=${session}.`)
  }

  return { start, killAll }
}

export type Processes = ReturnType<typeof makeProcesses>

/** What an operation needs to start processes. */
export interface Launcher {
  readonly pipes: Pipes
  readonly processes: Processes
}

/** Starts a process with a new pipe for each direction, as its descriptors 1, 2, …. */
export const startOnPipes = async <const Directions extends ReadonlyArray<Direction>>(
  { pipes, processes }: Launcher,
  spec: Omit<ProcessSpec, "fds">,
  directions: Directions
): Promise<{ readonly job: Job; readonly taken: { readonly [K in keyof Directions]: Pipe } }> => {
  const taken = await pipes.take(...directions)
  try {
    const job = await processes.start({ ...spec, fds: taken.map((pipe) => pipe.theirs) })
    return { job, taken: taken as unknown as { [K in keyof Directions]: Pipe } }
  } catch (error) {
    for (const pipe of taken) {
      closeSync(pipe.ours)
      pipes.drop(pipe)
    }
    throw error
  } finally {
    for (const pipe of taken) closeSync(pipe.theirs)
  }
}

/** Calls `onTime` after `ms`, unless stopped before. `stop` returns whether the time had passed. */
export const limitTime = (ms: number | undefined, onTime: () => void): { readonly stop: () => boolean } => {
  let passed = false
  const timer = ms === undefined ? undefined : setTimeout(() => {
    passed = true
    onTime()
  }, Math.min(ms, maxTimerMs))
  return {
    stop: () => {
      clearTimeout(timer)
      return passed
    }
  }
}

const maxTimerMs = 2 ** 31 - 1

/** The exit code that a shell would report: 128 + n for signal n. */
export const exitCodeOf = ({ code, signal: name }: Exit) => code ?? 128 + (name === null ? 0 : constants.signals[name])

export const describeExit = ({ code, signal: name }: Exit) => name === null ? `exit code ${code}` : `signal ${name}`

const startFailure = (child: ChildProcess, file: string): Promise<Failure> =>
  new Promise((resolve) => child.once("error", (error) => resolve(failureOf(error, `could not start ${file}`))))

/**
 * Starts a process that the OOM killer prefers to the agent, along with everything that it starts. The score is set before
 * the fork because it is inherited: set afterwards it would miss children that were started in between.
 */
const withHighOomScore = <A>(start: () => A): A => {
  const own = setOomScore("1000")
  try {
    return start()
  } finally {
    if (own !== undefined) setOomScore(own)
  }
}

const oomScoreFile = "/proc/self/oom_score_adj"

/** Returns the previous score, or undefined if it cannot be set. */
const setOomScore = (score: string): string | undefined => {
  try {
    const previous = readFileSync(oomScoreFile, "utf8")
    writeFileSync(oomScoreFile, score)
    return previous
  } catch {
    return undefined
  }
}

const signal = (pid: number, name: NodeJS.Signals) => {
  try {
    process.kill(pid, name)
    return true
  } catch {
    return false
  }
}

/** Kills every process with the tag, repeatedly until none is left: a process may fork while it is being killed. */
const killTagged = (tag: string) => {
  const until = performance.now() + maxKillMs
  do {
    const found = pidsWithEnvironment(tag)
    if (found.length === 0) return
    for (const pid of found) signal(pid, "SIGKILL")
  } while (performance.now() < until)
}
