/** A running kernel: its pipes, the requests that it is sent and the replies that it sends. */
import { Socket } from "node:net"
import { decodeFields, encodeFields, lines } from "../../src/internal/agentWire/fields.js"
import type { CallOutput } from "../process/capture.js"
import { interruptSince, lastPid } from "../process/interrupt.js"
import type { Pipe, Pipes } from "../process/pipes.js"
import { describeExit, type Exit, type Launcher, limitTime, startOnPipes } from "../process/processes.js"
import { checkDirectory, workdirOf } from "../process/workdir.js"
import { maxBodyBytes } from "../wire/connection.js"
import { Failure } from "../wire/failure.js"
import type { Config } from "../wire/operation.js"
import { makeKernelStream } from "./kernelStream.js"
import { type Interpreter, startFailure } from "./languages.js"

/** The longest reply of a kernel: it shares a frame with the output of the run. */
const maxReplyBytes = maxBodyBytes / 2 - 1024 * 1024

/** The longest result that a kernel may send: several of them fit into a reply. */
const maxResultBytes = Math.floor(maxReplyBytes / 6)

const startTimeoutMs = 60_000

type Outcome = { readonly reply: ReadonlyArray<string> } | { readonly exit: Exit }

export interface OnResult {
  /** Whether the run waits after each result until its earlier output has been sent. */
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
export const startKernel = async (
  interpreter: Interpreter,
  config: Config,
  launcher: Launcher,
  signal: AbortSignal
): Promise<Kernel> => {
  const { control, inbox, job, requests, stderr, stdout } = await connect(interpreter, config, launcher)
  const { exited, killGroup: kill } = job
  const limit = limitTime(startTimeoutMs, kill)
  signal.addEventListener("abort", kill)
  const first = await inbox.reply(([kind]) => kind === "ready")
  signal.removeEventListener("abort", kill)
  limit.stop()
  if ("exit" in first) {
    if (signal.aborted) throw new Failure("EFAIL", `Cancelled while ${interpreter.title} was starting`)
    throw startFailure(interpreter, describeExit(first.exit), stderr.readUnclaimed())
  }

  let running = 0
  let lastPidBefore = 0
  const run: Kernel["run"] = async (count, code, output, { ordered, take }) => {
    running = count
    lastPidBefore = lastPid()
    output.pauseWhenFull(stdout.socket, stderr.socket)
    stdout.begin(output.stdout)
    stderr.begin(output.stderr)
    // A kernel that does not wait for a result to be sent gives it the number 0.
    inbox.onResult(([, id, number, ...fields]) => {
      if (id !== String(count)) return
      stdout.drain()
      stderr.drain()
      take(fields, () => ordered && number !== "0" && control.write(encodeFields(["shown", number ?? ""])))
    })
    requests.write(encodeFields(["run", count, ordered ? 1 : 0, maxResultBytes, code]))
    const outcome = await inbox.reply(([kind, id]) => kind === "done" && id === String(count))
    stdout.end()
    stderr.end()
    return outcome
  }

  const interrupt = () => {
    if (interpreter.interrupts.includes("control")) control.write(encodeFields(["interrupt", running]))
    if (interpreter.interrupts.includes("signal")) interruptSince(job.child.pid, lastPidBefore)
  }
  return { exited, run, interrupt, kill }
}

const connect = async ({ args, file }: Interpreter, config: Config, launcher: Launcher) => {
  const cwd = workdirOf(config)
  checkDirectory(cwd)
  const { job, taken: [out, err, ins, replies, control] } = await startOnPipes(
    launcher,
    { file, args, cwd, env: config.env },
    ["fromChild", "fromChild", "toChild", "fromChild", "toChild"]
  )
  const { pipes } = launcher
  const inbox = makeInbox(job.exited)
  pipes.read(replies, lines(maxReplyBytes, inbox.take, job.killGroup), () => {})
  return {
    job,
    inbox,
    stdout: makeKernelStream(pipes, out, config.limits.maxOutputBytes),
    stderr: makeKernelStream(pipes, err, config.limits.maxOutputBytes),
    requests: writer(pipes, ins, job.exited),
    control: writer(pipes, control, job.exited)
  }
}

/**
 * Receives the lines of a kernel: results, and the one reply that is awaited, or else the exit of the process. (A
 * `Promise.race` against the exit for each reply would keep all replies in memory until the exit.)
 */
const makeInbox = (exited: Promise<Exit>) => {
  let ended: { readonly exit: Exit } | undefined
  let accepts: (fields: ReadonlyArray<string>) => boolean = () => false
  let settle: (outcome: Outcome) => void = () => {}
  let onResult: (fields: ReadonlyArray<string>) => void = () => {}
  void exited.then((exit) => {
    ended = { exit }
    settle(ended)
  })

  const take = (line: string) => {
    const fields = decodeFields(line)
    if (fields[0] === "result") onResult(fields)
    else if (accepts(fields)) settle({ reply: fields })
  }

  const reply = (isReply: (fields: ReadonlyArray<string>) => boolean): Promise<Outcome> =>
    new Promise((resolve) => {
      if (ended !== undefined) return resolve(ended)
      accepts = isReply
      settle = resolve
    })
  return { take, reply, onResult: (handler: typeof onResult) => void (onResult = handler) }
}

const writer = (pipes: Pipes, pipe: Pipe, exited: Promise<unknown>) => {
  const socket = new Socket({ fd: pipe.ours, readable: false, writable: true })
  socket.on("error", () => socket.destroy())
  void exited.then(() => {
    socket.destroy()
    pipes.drop(pipe)
  })
  return socket
}
