/** A running kernel: its pipes, the requests that it is sent and the replies that it sends. */
import { Socket } from "node:net"
import { resultsBytes } from "../../src/internal/agentWire/answerSizes.js"
import { decodeFields, encodeFields, lines } from "../../src/internal/agentWire/fields.js"
import type { CallOutput } from "../process/capture.js"
import { interruptSince } from "../process/interrupt.js"
import type { Pipe, Pipes } from "../process/pipes.js"
import { describeExit, type Exit, type Launcher, limitTime, startOnPipes } from "../process/processes.js"
import { type Moment, now } from "../process/processTable.js"
import { checkDirectory, workdirOf } from "../process/workdir.js"
import { maxBodyBytes } from "../wire/connection.js"
import { Failure } from "../wire/failure.js"
import type { Config } from "../wire/operation.js"
import { makeKernelStream } from "./kernelStream.js"
import { type Interpreter, startFailure } from "./languages.js"

/** The longest reply of a kernel: it shares a frame with the output of the run. */
const maxReplyBytes = maxBodyBytes / 2 - 1024 * 1024

/** The longest result that a kernel may send: six of them fit into an answer, beside what holds them. */
const maxResultBytes = ({ limits }: Config) => Math.floor(resultsBytes(limits.maxOutputBytes) * 31 / 32 / 6)

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
  /** Kills what the last run has started and what still runs. */
  readonly killStarted: () => void
}

/** Starts an interpreter and waits until it is ready to run code. */
export const startKernel = async (
  interpreter: Interpreter,
  config: Config,
  launcher: Launcher,
  signal: AbortSignal
): Promise<Kernel> => {
  const { control, inbox, job, requests, stderr, stdout } = await connect(interpreter, config, launcher)
  const { exited, killGroup } = job
  const limit = limitTime(startTimeoutMs, killGroup)
  signal.addEventListener("abort", killGroup)
  const first = await inbox.reply(([kind]) => kind === "ready")
  signal.removeEventListener("abort", killGroup)
  limit.stop()
  if ("exit" in first) {
    if (signal.aborted) throw new Failure("EFAIL", `Cancelled while ${interpreter.title} was starting`)
    throw startFailure(interpreter, describeExit(first.exit), stderr.readUnclaimed())
  }

  let running = 0
  let began: Moment = now()
  const run: Kernel["run"] = async (count, code, output, { ordered, take }) => {
    const before = running
    running = count
    began = now()
    output.pauseWhenFull(stdout.socket, stderr.socket)
    tellLate(before, [...stdout.begin(output.stdout), ...stderr.begin(output.stderr)], output.stderr.push)
    // A kernel that does not wait for a result to be sent gives it the number 0.
    inbox.onResult(([, id, number, ...fields]) => {
      if (id !== String(count)) return
      stdout.drain()
      stderr.drain()
      take(fields, () => ordered && number !== "0" && control.write(encodeFields(["shown", number ?? ""])))
    })
    requests.write(encodeFields(["run", count, ordered ? 1 : 0, maxResultBytes(config), code]))
    const outcome = await inbox.reply(([kind, id]) => kind === "done" && id === String(count))
    stdout.end()
    stderr.end()
    return outcome
  }

  const interrupt = () => {
    if (interpreter.interrupts.includes("control")) control.write(encodeFields(["interrupt", running]))
    if (interpreter.interrupts.includes("signal")) interruptSince(job.child.pid, began)
  }
  // Not its group, where jobs of earlier runs may be.
  const kill = () => void job.child.kill("SIGKILL")
  return { exited, run, interrupt, kill, killStarted: () => job.killSince(began) }
}

/** Output that came too late for its own run is not lost, and not taken for that of the next one. */
const tellLate = (run: number, chunks: ReadonlyArray<Buffer>, push: (chunk: Buffer) => void) => {
  if (chunks.length === 0) return
  push(Buffer.from(run === 0 ? "[from before the first run]\n" : `[from after run ${run} had ended]\n`))
  for (const chunk of chunks) push(chunk)
  if (chunks.at(-1)?.at(-1) !== newline) push(Buffer.of(newline))
}

const newline = 10

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
