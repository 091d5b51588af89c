// @ts-check
"use strict"

/** Starting processes and ending them, with everything that they have started. */
const { spawn } = require("node:child_process")
const { randomHex } = require("./randomName.cjs")
const fs = require("node:fs")
const { constants } = require("node:os")
const { about, Failure, failureOf } = require("./failure.cjs")
const { carriersOf, descendantsOf } = require("./processTable.cjs")

/**
 * @typedef {object} Job
 * @property {import("node:child_process").ChildProcess} child
 * @property {Promise<Exit>} exited
 * @property {() => void} signalGroup interrupts the process group
 * @property {() => void} killGroup
 * @property {() => void} killTree kills the group and whatever left it, found by its parents and by the tag in its
 *   environment: what has neither lives until the session ends
 */

/** @typedef {import("./pipes.cjs").Pipe} Pipe */
/** @typedef {{ readonly code: number | null, readonly signal: NodeJS.Signals | null }} Exit */

/**
 * @typedef {object} Launch
 * @property {string} file
 * @property {ReadonlyArray<string>} args
 * @property {string} cwd
 * @property {Readonly<Record<string, string>>} env
 * @property {ReadonlyArray<number>} fds descriptors 1, 2, … of the process; its standard input is the null device
 */

/** Marks what a call started, wherever in the process tree it ends up. */
const tagName = "AGB_CALL_ID"

const longestHuntMs = 500

const makeProcesses = () => {
  const session = randomHex(12)
  /** @type {Set<number>} */
  const leaders = new Set()
  let started = 0

  /**
   * @param {Launch} launch
   * @returns {Promise<Job>}
   */
  const start = async ({ args, cwd, env, fds, file }) => {
    const tag = `${tagName}=${session}.${++started};`
    /** @type {import("node:child_process").SpawnOptions} */
    const options = {
      cwd,
      env: { ...env, [tagName]: tag.slice(tagName.length + 1) },
      detached: true,
      stdio: ["ignore", ...fds]
    }
    const child = about(file, () => offered(() => spawn(file, args, options)))
    const pid = child.pid
    if (pid === undefined) throw await startFailure(child, file)
    leaders.add(pid)
    const exited = new Promise((/** @type {(exit: Exit) => void} */ resolve) =>
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

/** @typedef {ReturnType<typeof makeProcesses>} Processes */

/**
 * Starts a process on pipes of its own, one per direction, as its descriptors 1, 2, ….
 *
 * @template {ReadonlyArray<import("./pipes.cjs").Direction>} const Directions
 * @param {import("./operation.cjs").Agent} agent
 * @param {Omit<Launch, "fds">} launch
 * @param {Directions} directions
 * @returns {Promise<{ readonly job: Job, readonly taken: { readonly [K in keyof Directions]: Pipe } }>}
 */
const startOnPipes = async ({ pipes, processes }, launch, directions) => {
  const taken = await pipes.take(...directions)
  try {
    const job = await processes.start({ ...launch, fds: taken.map((pipe) => pipe.theirs) })
    return { job, taken: /** @type {{ [K in keyof Directions]: Pipe }} */ (/** @type {unknown} */ (taken)) }
  } catch (error) {
    for (const pipe of taken) {
      fs.closeSync(pipe.ours)
      pipes.drop(pipe)
    }
    throw error
  } finally {
    for (const pipe of taken) fs.closeSync(pipe.theirs)
  }
}

/**
 * Calls back once after a time, unless stopped before.
 *
 * @param {number | undefined} ms
 * @param {() => void} onTime
 * @returns {{ readonly stop: () => boolean }} `stop` tells whether the time had passed
 */
const limitTime = (ms, onTime) => {
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

/**
 * The exit code a shell would report: 128 + n for signal n.
 *
 * @param {Exit} exit
 */
const exitCodeOf = ({ code, signal: name }) => code ?? 128 + (name === null ? 0 : constants.signals[name])

/** @param {Exit} exit */
const describeExit = ({ code, signal: name }) => name === null ? `exit code ${code}` : `signal ${name}`

/**
 * @param {string} cwd
 */
const checkDirectory = (cwd) => {
  if (!about(`cwd ${cwd}`, () => fs.statSync(cwd)).isDirectory()) {
    throw new Failure("ENOTDIR", `Not a directory: cwd ${cwd}`)
  }
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {string} file
 * @returns {Promise<Failure>}
 */
const startFailure = (child, file) =>
  new Promise((resolve) => child.once("error", (error) => resolve(failureOf(error, `could not start ${file}`))))

/**
 * Starts a process such that the kernel, where memory runs out, ends it and what it starts rather than the agent. A
 * process inherits the setting at its start, and may have started others before anyone could change it.
 *
 * @template A
 * @param {() => A} start
 * @returns {A}
 */
const offered = (start) => {
  const own = offerOf("1000")
  try {
    return start()
  } finally {
    if (own !== undefined) offerOf(own)
  }
}

const offerFile = "/proc/self/oom_score_adj"

/**
 * @param {string} score
 * @returns {string | undefined} the one before
 */
const offerOf = (score) => {
  try {
    const before = fs.readFileSync(offerFile, "utf8")
    fs.writeFileSync(offerFile, score)
    return before
  } catch {
    return undefined
  }
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} name
 */
const signal = (pid, name) => {
  try {
    process.kill(pid, name)
    return true
  } catch {
    return false
  }
}

/**
 * Kills what carries the tag, again until nothing is found, since what is killed last may have forked before.
 *
 * @param {string} tag
 */
const killTagged = (tag) => {
  const until = performance.now() + longestHuntMs
  do {
    const found = carriersOf(tag)
    if (found.length === 0) return
    for (const pid of found) signal(pid, "SIGKILL")
  } while (performance.now() < until)
}

module.exports = { makeProcesses, startOnPipes, limitTime, exitCodeOf, describeExit, checkDirectory }
