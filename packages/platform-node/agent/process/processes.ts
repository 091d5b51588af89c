/** Starting processes and ending them, with everything that they have started. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process"
import * as Fs from "node:fs"
import { constants } from "node:os"
import { randomHex } from "../files/randomName.js"
import type { Agent } from "../operation.js"
import { about, Failure, failureOf } from "../wire/failure.js"
import type { Direction, Pipe } from "./pipes.js"
import { carriersOf, descendantsOf } from "./processTable.js"

interface Job {
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  /** Interrupts the process group. */
  readonly signalGroup: () => void
  readonly killGroup: () => void
  /** Kills the group and whatever left it, found by its parents and by the tag in its environment: what has neither lives until the session ends. */
  readonly killTree: () => void
}

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

interface Launch {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Descriptors 1, 2, … of the process; its standard input is the null device. */
  readonly fds: ReadonlyArray<number>
}

/** Marks what a call started, wherever in the process tree it ends up. */
const tagName = "AGB_CALL_ID"

const longestHuntMs = 500

export const makeProcesses = () => {
  const session = randomHex(12)
  const leaders = new Set<number>()
  let started = 0

  const start = async ({ args, cwd, env, fds, file }: Launch): Promise<Job> => {
    const tag = `${tagName}=${session}.${++started};`
    const options: SpawnOptions = {
      cwd,
      env: { ...env, [tagName]: tag.slice(tagName.length + 1) },
      detached: true,
      stdio: ["ignore", ...fds]
    }
    const child = about(file, () => offered(() => spawn(file, args, options)))
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
    return {
      child,
      exited,
      signalGroup: () => signal(-pid, "SIGINT"),
      killGroup,
      killTree: () => {
        const family = descendantsOf(pid)
        killGroup()
        for (const member of family) signal(member, "SIGKILL")
        killTagged(tag)
      }
    }
  }

  /** Ends every process of the session that the agent can find. */
  const killAll = () => {
    for (const pid of leaders) signal(-pid, "SIGKILL")
    if (started > 0) killTagged(`${tagName}=${session}.`)
  }

  return { start, killAll }
}

export type Processes = ReturnType<typeof makeProcesses>

/** Starts a process on pipes of its own, one per direction, as its descriptors 1, 2, …. */
export const startOnPipes = async <const Directions extends ReadonlyArray<Direction>>(
  { pipes, processes }: Agent,
  launch: Omit<Launch, "fds">,
  directions: Directions
): Promise<{ readonly job: Job; readonly taken: { readonly [K in keyof Directions]: Pipe } }> => {
  const taken = await pipes.take(...directions)
  try {
    const job = await processes.start({ ...launch, fds: taken.map((pipe) => pipe.theirs) })
    return { job, taken: taken as unknown as { [K in keyof Directions]: Pipe } }
  } catch (error) {
    for (const pipe of taken) {
      Fs.closeSync(pipe.ours)
      pipes.drop(pipe)
    }
    throw error
  } finally {
    for (const pipe of taken) Fs.closeSync(pipe.theirs)
  }
}

/**
 * Calls back once after a time, unless stopped before.
 *
 * @returns `stop` tells whether the time had passed
 */
export const limitTime = (ms: number | undefined, onTime: () => void): { readonly stop: () => boolean } => {
  let passed = false
  const timer = ms === undefined ? undefined : setTimeout(() => {
    passed = true
    onTime()
  }, Math.min(ms, longestTimer))
  return {
    stop: () => {
      clearTimeout(timer)
      return passed
    }
  }
}

const longestTimer = 2 ** 31 - 1

/** The exit code a shell would report: 128 + n for signal n. */
export const exitCodeOf = ({ code, signal: name }: Exit) => code ?? 128 + (name === null ? 0 : constants.signals[name])

export const describeExit = ({ code, signal: name }: Exit) => name === null ? `exit code ${code}` : `signal ${name}`

export const checkDirectory = (cwd: string) => {
  if (!about(`cwd ${cwd}`, () => Fs.statSync(cwd)).isDirectory()) {
    throw new Failure("ENOTDIR", `Not a directory: cwd ${cwd}`)
  }
}

const startFailure = (child: ChildProcess, file: string): Promise<Failure> =>
  new Promise((resolve) => child.once("error", (error) => resolve(failureOf(error, `could not start ${file}`))))

/**
 * Starts a process such that the kernel, where memory runs out, ends it and what it starts rather than the agent. A
 * process inherits the setting at its start, and may have started others before anyone could change it.
 */
const offered = <A>(start: () => A): A => {
  const own = offerOf("1000")
  try {
    return start()
  } finally {
    if (own !== undefined) offerOf(own)
  }
}

const offerFile = "/proc/self/oom_score_adj"

/** Returns the score before. */
const offerOf = (score: string): string | undefined => {
  try {
    const before = Fs.readFileSync(offerFile, "utf8")
    Fs.writeFileSync(offerFile, score)
    return before
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

/** Kills what carries the tag, again until nothing is found, since what is killed last may have forked before. */
const killTagged = (tag: string) => {
  const until = performance.now() + longestHuntMs
  do {
    const found = carriersOf(tag)
    if (found.length === 0) return
    for (const pid of found) signal(pid, "SIGKILL")
  } while (performance.now() < until)
}
