/** Starts processes and kills them with everything that they have started. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process"
import { accessSync, closeSync, constants as fsConstants, readFileSync, writeFileSync } from "node:fs"
import { constants } from "node:os"
import { visitForked } from "../../src/internal/agentWire/forks.js"
import type { Marks } from "../../src/internal/agentWire/marks.js"
import { randomHex } from "../files/randomName.js"
import { type Failure, failureOf, mapErrors } from "../wire/failure.js"
import { makeMarking } from "./marking.js"
import type { Direction, Pipe, Pipes } from "./pipes.js"
import { descendantsOf, type Found, hasEnvironment, lastPid, type Moment, startedSince, where } from "./processTable.js"

interface Job {
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  readonly killGroup: () => void
  /** Kills the process group, all descendants, and whatever else has the mark of this call. */
  readonly killTree: () => void
  /** Kills what the process has started since then, but not what earlier jobs in the background have started. */
  readonly killSince: (since: Moment) => void
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

/**
 * An environment variable that identifies what a call has started, wherever in the process tree it ends up, as its mark does
 * too: that one is for those that clear their environment, this one for machines where marks cannot be set.
 */
const tagName = "AGB_CALL_ID"

const maxKillMs = 500

export const makeProcesses = (marks: Marks) => {
  const session = randomHex(12)
  const marking = makeMarking(marks)
  const leaders = new Set<number>()
  let started = 0

  const start = async ({ args, cwd, env, fds, file }: ProcessSpec): Promise<Job> => {
    const tag = `${tagName}=${session}.${++started};`
    const mark = marking.next()
    const options: SpawnOptions = {
      cwd,
      env: { ...env, [tagName]: tag.slice(tagName.length + 1) },
      detached: true,
      stdio: ["ignore", ...fds]
    }
    const run = isProgram(file) ? marking.marked(mark, file, args, env) : { file, args }
    const child = mapErrors(file, () => withHighOomScore(() => spawn(run.file, run.args, options)))
    const pid = child.pid
    if (pid === undefined) throw await startFailure(child, file)
    leaders.add(pid)
    const exited = new Promise((resolve: (exit: Exit) => void) =>
      child.once("exit", (code, signal) => {
        leaders.delete(pid)
        resolve({ code, signal })
      })
    )
    const isOfCall = (other: number) => hasEnvironment(other, tag) || marking.has(other, mark)
    const killGroup = () => signal(-pid, "SIGKILL")
    const killTree = () => {
      // While it is stopped it starts nothing that the search for its descendants would miss.
      signal(-pid, "SIGSTOP")
      const family = descendantsOf(pid)
      killGroup()
      for (const member of family) signal(member, "SIGKILL")
      killUntilGone(where(isOfCall))
    }
    const killSince = (since: Moment) => killUntilGone(() => startedSince(since, pid, isOfCall))
    return { child, exited, killGroup, killTree, killSince }
  }

  /** Kills every process of the session that the agent can find. */
  const killAll = () => {
    for (const pid of leaders) signal(-pid, "SIGKILL")
    if (started === 0) return
    const tag = `${tagName}=${session}.`
    killUntilGone(where((pid) => hasEnvironment(pid, tag) || marking.isOurs(pid)))
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

/** Kills what is found, repeatedly until nothing is found that can be killed, and what is started meanwhile. */
const killUntilGone = (find: () => Found) => {
  const until = performance.now() + maxKillMs
  const lasts = () => performance.now() < until
  let isLeft = true
  while (isLeft && lasts()) {
    isLeft = false
    const kill = (pid: number) => {
      if (signal(pid, "SIGKILL")) isLeft = true
    }
    const before = lastPid()
    const { isMeant, pids } = find()
    pids.forEach(kill)
    const sawAll = visitForked(before, lastPid, (pid) => isMeant(pid) && kill(pid), lasts)
    isLeft ||= !sawAll
  }
}

const isProgram = (file: string) => {
  try {
    accessSync(file, fsConstants.X_OK)
    return true
  } catch {
    return false
  }
}
