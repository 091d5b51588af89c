// @ts-check
"use strict"

/** A running interpreter: its pipes, the requests it is sent and the replies it gives. */
const fs = require("node:fs")
const net = require("node:net")
const { makeCapture } = require("./capture.cjs")
const { maxBodyBytes } = require("./connection.cjs")
const { Failure } = require("./failure.cjs")
const { decodeFields, encodeFields, lines } = require("./fields.cjs")
const { interruptSince, latestProcess } = require("./interrupt.cjs")
const { startFailure } = require("./languages.cjs")
const { workdirOf } = require("./operation.cjs")
const { checkDirectory, describeExit, limitTime, startOnPipes } = require("./processes.cjs")

/** The longest reply of a kernel: it shares a frame with the output of the run. */
const maxReplyBytes = maxBodyBytes / 2 - 1024 * 1024

/** The longest result a kernel is to send, so that several of them fit a reply. */
const maxResultBytes = Math.floor(maxReplyBytes / 6)

/** Reads of a pipe in a row: more than the largest pipe holds. */
const mostReads = 32

/** Not the one that sockets read into: a reply that stands there is being read while output is drained. */
const drainBuffer = Buffer.allocUnsafeSlow(64 * 1024)

const startMs = 60_000

/**
 * @typedef {import("./processes.cjs").Exit} Exit
 * @typedef {import("./capture.cjs").Capture} Capture
 * @typedef {import("./capture.cjs").CallOutput} CallOutput
 * @typedef {{ readonly reply: ReadonlyArray<string> } | { readonly exit: Exit }} Outcome
 * @typedef {object} OnResult what a run shows beside its output
 * @property {boolean} ordered whether the run waits at each result until what it wrote before has been passed on
 * @property {(fields: ReadonlyArray<string>, proceed: () => void) => void} take
 */

/**
 * @typedef {object} Kernel
 * @property {Promise<Exit>} exited
 * @property {(count: number, code: string, output: CallOutput, onResult: OnResult) => Promise<Outcome>} run
 * @property {() => void} interrupt
 * @property {() => void} kill
 */

/**
 * Starts an interpreter and waits until it is ready to run code.
 *
 * @param {import("./languages.cjs").Interpreter} interpreter
 * @param {import("./operation.cjs").Agent} agent
 * @param {AbortSignal} signal
 * @returns {Promise<Kernel>}
 */
const startKernel = async (interpreter, agent, signal) => {
  const { control, inbox, job, requests, stderr, stdout } = await connect(interpreter, agent)
  const { exited, killGroup: kill } = job
  const limit = limitTime(startMs, kill)
  signal.addEventListener("abort", kill)
  const first = await inbox.answer(([kind]) => kind === "ready")
  signal.removeEventListener("abort", kill)
  limit.stop()
  if ("exit" in first) {
    if (signal.aborted) throw new Failure("EFAIL", `Cancelled while ${interpreter.title} was starting`)
    throw startFailure(interpreter, describeExit(first.exit), stderr.early())
  }

  let running = 0
  let latest = 0
  /** @type {Kernel["run"]} */
  const run = async (count, code, output, { ordered, take }) => {
    running = count
    latest = latestProcess()
    output.from(stdout.socket, stderr.socket)
    stdout.begin(output.stdout)
    stderr.begin(output.stderr)
    // A kernel that does not wait for its results to be passed on gives them the number 0.
    inbox.onResult(([, id, number, ...fields]) => {
      if (id !== String(count)) return
      stdout.drain()
      stderr.drain()
      take(fields, () => ordered && number !== "0" && control.write(encodeFields(["shown", number ?? ""])))
    })
    requests.write(encodeFields(["run", count, ordered ? 1 : 0, maxResultBytes, code]))
    const outcome = await inbox.answer(([kind, id]) => kind === "done" && id === String(count))
    stdout.end()
    stderr.end()
    return outcome
  }

  const interrupt = () => {
    if (interpreter.interrupts.includes("control")) control.write(encodeFields(["interrupt", running]))
    if (interpreter.interrupts.includes("signal")) interruptSince(job.child.pid, latest)
  }
  return { exited, run, interrupt, kill }
}

/**
 * @param {import("./languages.cjs").Interpreter} interpreter
 * @param {import("./operation.cjs").Agent} agent
 */
const connect = async ({ args, file }, agent) => {
  const { config, pipes } = agent
  const cwd = workdirOf(config)
  checkDirectory(cwd)
  const { job, taken: [out, err, ins, replies, control] } = await startOnPipes(
    agent,
    { file, args, cwd, env: config.env },
    ["fromChild", "fromChild", "toChild", "fromChild", "toChild"]
  )
  const inbox = makeInbox(job.exited)
  pipes.read(replies, lines(maxReplyBytes, inbox.take, job.killGroup), () => {})
  return {
    job,
    inbox,
    stdout: makeStream(pipes, out, config.limits.maxOutputBytes),
    stderr: makeStream(pipes, err, config.limits.maxOutputBytes),
    requests: writer(pipes, ins, job.exited),
    control: writer(pipes, control, job.exited)
  }
}

/**
 * Where the lines of a kernel arrive: results, and one reply that is waited for at a time, or else the end of the process.
 * (Racing each reply against the promise of the end would keep every reply alive until that end.)
 *
 * @param {Promise<Exit>} exited
 */
const makeInbox = (exited) => {
  /** @type {{ readonly exit: Exit } | undefined} */
  let gone
  /** @type {(fields: ReadonlyArray<string>) => boolean} */
  let accept = () => false
  /** @type {(outcome: Outcome) => void} */
  let settle = () => {}
  /** @type {(fields: ReadonlyArray<string>) => void} */
  let show = () => {}
  void exited.then((exit) => {
    gone = { exit }
    settle(gone)
  })

  /** @param {string} line */
  const take = (line) => {
    const reply = decodeFields(line)
    if (reply[0] === "result") show(reply)
    else if (accept(reply)) settle({ reply })
  }

  /**
   * @param {(fields: ReadonlyArray<string>) => boolean} wanted
   * @returns {Promise<Outcome>}
   */
  const answer = (wanted) =>
    new Promise((resolve) => {
      if (gone !== undefined) return resolve(gone)
      accept = wanted
      settle = resolve
    })
  return { take, answer, onResult: (/** @type {typeof show} */ given) => void (show = given) }
}

/**
 * @param {import("./pipes.cjs").Pipes} pipes
 * @param {import("./pipes.cjs").Pipe} pipe
 * @param {Promise<unknown>} exited
 */
const writer = (pipes, pipe, exited) => {
  const socket = new net.Socket({ fd: pipe.ours, readable: false, writable: true })
  socket.on("error", () => socket.destroy())
  void exited.then(() => {
    socket.destroy()
    pipes.drop(pipe)
  })
  return socket
}

/**
 * One output stream of a kernel. What a kernel wrote before a reply waits in the pipe when the reply arrives, so that it
 * can be read at once. What comes between two runs, from threads and timers, belongs to the next one.
 *
 * @param {import("./pipes.cjs").Pipes} pipes
 * @param {import("./pipes.cjs").Pipe} pipe
 * @param {number} limit
 */
const makeStream = (pipes, pipe, limit) => {
  let early = makeCapture(limit)
  let target = early

  /** @param {Buffer} chunk */
  const push = (chunk) => {
    target.push(chunk)
    if (target === early && early.truncated()) socket.pause()
  }
  const socket = pipes.read(pipe, push, () => {})

  const drain = () => {
    for (let reads = 0; reads < mostReads && !socket.destroyed; reads++) {
      const size = readWaiting(pipe.ours)
      if (size === 0) return
      push(drainBuffer.subarray(0, size))
    }
  }

  /** @param {Capture} capture */
  const begin = (capture) => {
    target = capture
    for (const chunk of early.chunks()) capture.push(chunk)
    socket.resume()
  }

  const end = () => {
    drain()
    target = early = makeCapture(limit)
    socket.resume()
  }

  const told = () => {
    drain()
    return Buffer.concat(early.chunks()).toString("utf8")
  }

  return { socket, begin, drain, end, early: told }
}

/**
 * Reads what waits in a pipe. That nothing does is the rule, and an error without a stack costs a fifth.
 *
 * @param {number} fd
 */
const readWaiting = (fd) => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return fs.readSync(fd, drainBuffer)
  } catch {
    return 0
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

module.exports = { startKernel }
