// @ts-check
/** A running interpreter: its pipes, the requests it is sent and the replies it gives. */
import { randomBytes } from "node:crypto"
import * as net from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { makeCapture } from "./capture.mjs"
import { maxBodyBytes } from "./connection.mjs"
import { Failure } from "./failure.mjs"
import { decodeFields, encodeFields, lines } from "./fields.mjs"
import { startFailure } from "./languages.mjs"
import { makeMarked } from "./marks.mjs"
import { workdirOf } from "./operation.mjs"
import { checkDirectory, describeExit, limitTime, startOnPipes } from "./processes.mjs"

/** The longest reply of a kernel: it shares a frame with the output of the run. */
const maxReplyBytes = maxBodyBytes / 2 - 1024 * 1024

/** The longest result a kernel is to send, so that several of them fit a reply. */
const maxResultBytes = Math.floor(maxReplyBytes / 6)

/** How long output is waited for after the reply of a run, or after the end of the process. */
const drainMs = 50

const startMs = 60_000

/**
 * @typedef {import("./processes.mjs").Exit} Exit
 * @typedef {import("./capture.mjs").CallOutput} CallOutput
 * @typedef {{ readonly reply: ReadonlyArray<string> } | { readonly exit: Exit }} Outcome
 */

/**
 * @typedef {object} Kernel
 * @property {Promise<Exit>} exited
 * @property {(count: number, code: string, output: CallOutput) => Promise<Outcome>} run
 * @property {() => void} interrupt
 * @property {() => void} kill
 */

/**
 * Starts an interpreter and waits until it is ready to run code.
 *
 * @param {import("./languages.mjs").Interpreter} interpreter
 * @param {import("./operation.mjs").Agent} agent
 * @param {AbortSignal} signal
 * @returns {Promise<Kernel>}
 */
export const startKernel = async (interpreter, agent, signal) => {
  const { answer, control, job, requests, stderr, stdout } = await connect(interpreter, agent)
  const { exited, killGroup: kill, signalGroup } = job
  const limit = limitTime(startMs, kill)
  signal.addEventListener("abort", kill)
  const first = await answer(([kind]) => kind === "ready")
  signal.removeEventListener("abort", kill)
  limit.stop()
  if ("exit" in first) {
    await sleep(drainMs)
    if (signal.aborted) throw new Failure("EFAIL", `Cancelled while ${interpreter.title} was starting`)
    throw startFailure(interpreter, describeExit(first.exit), stderr.early())
  }

  let running = 0
  /** @type {Kernel["run"]} */
  const run = async (count, code, output) => {
    running = count
    const mark = `\u001e${randomBytes(16).toString("hex")}\u001e`
    output.from(stdout.socket, stderr.socket)
    const marks = [stdout.begin(output.stdout, mark), stderr.begin(output.stderr, mark)]
    requests.write(encodeFields(["run", count, mark, maxResultBytes, code]))
    const outcome = await answer(([kind, id]) => kind === "done" && id === String(count))
    await output.settle(Promise.all(marks), drainMs)
    stdout.end()
    stderr.end()
    return outcome
  }

  const interrupt = () => {
    if (interpreter.interrupts.includes("control")) control.write(encodeFields(["interrupt", running]))
    if (interpreter.interrupts.includes("signal")) signalGroup()
  }
  return { exited, run, interrupt, kill }
}

/**
 * @param {import("./languages.mjs").Interpreter} interpreter
 * @param {import("./operation.mjs").Agent} agent
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
    answer: inbox.answer,
    stdout: makeStream(pipes, out, config.limits.maxOutputBytes),
    stderr: makeStream(pipes, err, config.limits.maxOutputBytes),
    requests: writer(pipes, ins, job.exited),
    control: writer(pipes, control, job.exited)
  }
}

/**
 * Where the lines of a kernel arrive: one reply is waited for at a time, or else the end of the process. (Racing each
 * reply against the promise of the end would keep every reply alive until that end.)
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
  void exited.then((exit) => {
    gone = { exit }
    settle(gone)
  })

  /** @param {string} line */
  const take = (line) => {
    const reply = decodeFields(line)
    if (accept(reply)) settle({ reply })
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
  return { take, answer }
}

/**
 * @param {import("./pipes.mjs").Pipes} pipes
 * @param {import("./pipes.mjs").Pipe} pipe
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
 * One output stream of a kernel. What it carries between two runs, from threads and timers, belongs to the next one.
 *
 * @param {import("./pipes.mjs").Pipes} pipes
 * @param {import("./pipes.mjs").Pipe} pipe
 * @param {number} limit
 */
const makeStream = (pipes, pipe, limit) => {
  let early = makeCapture(limit)
  let target = early
  let closed = false
  let onMarked = () => {}

  const rest = () => {
    target = early = makeCapture(limit)
    onMarked()
  }
  const marked = makeMarked((chunk) => {
    target.push(chunk)
    if (target === early && early.truncated()) socket.pause()
  }, rest)
  const socket = pipes.read(pipe, marked.push, () => {
    closed = true
    onMarked()
  })

  /**
   * @param {import("./capture.mjs").Capture} capture
   * @param {string} mark
   * @returns {Promise<void>} resolves when the mark has come or nothing can come any more
   */
  const begin = (capture, mark) => {
    target = capture
    for (const chunk of early.chunks()) capture.push(chunk)
    marked.expect(Buffer.from(mark))
    socket.resume()
    return new Promise((resolve) => {
      onMarked = resolve
      if (closed) resolve()
    })
  }

  const end = () => {
    marked.flush()
    if (target !== early) rest()
  }

  return { socket, begin, end, early: () => Buffer.concat(early.chunks()).toString("utf8") }
}
