/** A running interpreter: its pipes, the requests it is sent and the replies it gives. */
import * as Fs from "node:fs"
import * as Net from "node:net"
import { decodeFields, encodeFields, lines } from "../../src/internal/agentWire/fields.js"
import { type Agent, workdirOf } from "../operation.js"
import { type CallOutput, type Capture, makeCapture } from "../process/capture.js"
import { interruptSince, latestProcess } from "../process/interrupt.js"
import type { Pipe, Pipes } from "../process/pipes.js"
import { checkDirectory, describeExit, type Exit, limitTime, startOnPipes } from "../process/processes.js"
import { maxBodyBytes } from "../wire/connection.js"
import { Failure } from "../wire/failure.js"
import { type Interpreter, startFailure } from "./languages.js"

/** The longest reply of a kernel: it shares a frame with the output of the run. */
const maxReplyBytes = maxBodyBytes / 2 - 1024 * 1024

/** The longest result a kernel is to send, so that several of them fit a reply. */
const maxResultBytes = Math.floor(maxReplyBytes / 6)

/** Reads of a pipe in a row: more than the largest pipe holds. */
const mostReads = 32

/** Not the one that sockets read into: a reply that stands there is being read while output is drained. */
const drainBuffer = Buffer.allocUnsafeSlow(64 * 1024)

const startMs = 60_000

type Outcome = { readonly reply: ReadonlyArray<string> } | { readonly exit: Exit }

/** what a run shows beside its output */
export interface OnResult {
  /** Whether the run waits at each result until what it wrote before has been passed on. */
  readonly ordered: boolean
  readonly take: (fields: ReadonlyArray<string>, proceed: () => void) => void
}

export interface Kernel {
  readonly exited: Promise<Exit>
  readonly run: (count: number, code: string, output: CallOutput, onResult: OnResult) => Promise<Outcome>
  readonly interrupt: () => void
  readonly kill: () => void
}

/** Starts an interpreter and waits until it is ready to run code. */
export const startKernel = async (interpreter: Interpreter, agent: Agent, signal: AbortSignal): Promise<Kernel> => {
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
  const run: Kernel["run"] = async (count, code, output, { ordered, take }) => {
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

const connect = async ({ args, file }: Interpreter, agent: Agent) => {
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
 */
const makeInbox = (exited: Promise<Exit>) => {
  let gone: { readonly exit: Exit } | undefined
  let accept: (fields: ReadonlyArray<string>) => boolean = () => false
  let settle: (outcome: Outcome) => void = () => {}
  let show: (fields: ReadonlyArray<string>) => void = () => {}
  void exited.then((exit) => {
    gone = { exit }
    settle(gone)
  })

  const take = (line: string) => {
    const reply = decodeFields(line)
    if (reply[0] === "result") show(reply)
    else if (accept(reply)) settle({ reply })
  }

  const answer = (wanted: (fields: ReadonlyArray<string>) => boolean): Promise<Outcome> =>
    new Promise((resolve) => {
      if (gone !== undefined) return resolve(gone)
      accept = wanted
      settle = resolve
    })
  return { take, answer, onResult: (given: typeof show) => void (show = given) }
}

const writer = (pipes: Pipes, pipe: Pipe, exited: Promise<unknown>) => {
  const socket = new Net.Socket({ fd: pipe.ours, readable: false, writable: true })
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
 */
const makeStream = (pipes: Pipes, pipe: Pipe, limit: number) => {
  let early = makeCapture(limit)
  let target = early

  const push = (chunk: Buffer) => {
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

  const begin = (capture: Capture) => {
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

/** Reads what waits in a pipe. That nothing does is the rule, and an error without a stack costs a fifth. */
const readWaiting = (fd: number) => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return Fs.readSync(fd, drainBuffer)
  } catch {
    return 0
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
