/** Processes of the promise API. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Results from "../../../OperationResult.js"
import type * as model from "../../session/processes/model.js"
import { Cursor } from "../../session/processes/model.js"
import type { Session } from "../../session/session.js"
import * as operations from "../operation.js"
import * as results from "../results.js"
import type { SessionInvoker } from "./sessionInvoker.js"

const startFields = {
  command: Schema.String,
  timeoutMs: Schema.optional(operations.Millis),
  cwd: Schema.optional(Schema.String),
  envs: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })),
  stdin: Schema.optional(Schema.Literal("ignore", "pipe"))
}

/** Options of `startDetached`, all optional. */
export interface StartOptions extends operations.CallOptions {
  /** Time limit in milliseconds, after which the whole process tree is killed. Default: none. */
  readonly timeoutMs?: number | undefined
  /** Absolute working directory. Default: the working directory of the session. */
  readonly cwd?: string | undefined
  /** Environment variables, passed literally. */
  readonly envs?: Readonly<Record<string, string>> | undefined
  /** `pipe` keeps standard input open for `writeInput`. Default: `ignore`, an empty input. */
  readonly stdin?: "ignore" | "pipe" | undefined
}

export const start = operations.make(
  "Command.startDetached",
  { ...startFields, key: Schema.String },
  results.data<model.Process>(),
  ({ command }: Session, { command: line, cwd, envs, key, stdin, timeoutMs }) => {
    const timeout = timeoutMs === undefined ? undefined : Duration.millis(timeoutMs)
    return command.startDetached(line, { key, timeout, cwd, envs, stdin })
  }
)

export const startScoped = operations.lasting(
  "Command.start",
  startFields,
  ({ command }: Session, { command: line, cwd, envs, stdin, timeoutMs }) => {
    const timeout = timeoutMs === undefined ? undefined : Duration.millis(timeoutMs)
    return command.start(line, { timeout, cwd, envs, stdin })
  }
)

export const attach = operations.make(
  "Command.attach",
  { key: Schema.String },
  results.data<model.Process>(),
  ({ command }: Session, { key }) => command.attach(key)
)

export const list = operations.make(
  "Command.listProcesses",
  {},
  results.data<ReadonlyArray<ProcessSummary>>(),
  ({ command }: Session) =>
    Effect.map(
      command.listProcesses,
      (all) =>
        all.map(({ exit, isLost, key }) => ({ key, exit: Option.getOrUndefined(Option.map(exit, plainExit)), isLost }))
    )
)

const Callback = Schema.declare(
  (u): u is (text: string) => void => typeof u === "function",
  { description: "a function" }
)

const Bytes = Schema.Union(
  Schema.String,
  Schema.Uint8ArrayFromSelf,
  Schema.declare(
    (u): u is AsyncIterable<Uint8Array> =>
      typeof u === "object" && u !== null && typeof Reflect.get(u, Symbol.asyncIterator) === "function",
    { description: "an AsyncIterable of bytes" }
  )
)

const plainExit = ({ duration, exitCode, outOfMemory, signal, timedOut }: model.Exit): Exit => ({
  exitCode,
  signal: Option.getOrUndefined(signal),
  timedOut,
  outOfMemory: Option.getOrUndefined(outOfMemory),
  durationMs: Duration.toMillis(duration)
})

type Callbacks = { readonly onStdout?: (text: string) => void; readonly onStderr?: (text: string) => void }

/** Passes on the output as text; characters are not split. */
const tell = (process: model.Process, { onStderr, onStdout }: Callbacks) => {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  const callbacks = { stdout: onStdout, stderr: onStderr }
  const say = (stream: "stdout" | "stderr", text: string) => text === "" ? undefined : callbacks[stream]?.(text)
  return Stream.runForEach(
    process.logs(),
    ({ bytes, stream }) => Effect.sync(() => say(stream, decoders[stream].decode(bytes, { stream: true })))
  ).pipe(
    Effect.zipRight(Effect.sync(() => {
      for (const stream of ["stdout", "stderr"] as const) say(stream, decoders[stream].decode())
    }))
  )
}

const wait = operations.make(
  "Process.exit",
  { onStdout: Schema.optional(Callback), onStderr: Schema.optional(Callback) },
  results.data<Exit>(),
  (process: model.Process, { onStderr, onStdout }) => {
    const callbacks = { ...(onStdout && { onStdout }), ...(onStderr && { onStderr }) }
    const told = onStdout === undefined && onStderr === undefined ? Effect.void : tell(process, callbacks)
    return Effect.zipRight(told, Effect.map(process.exit, plainExit))
  }
)

const kill = operations.make(
  "Process.kill",
  { processSignal: Schema.optional(Schema.String) },
  results.done,
  (process: model.Process, { processSignal }) => process.kill(processSignal)
)

const stop = operations.make("Process.stop", {}, results.done, (process: model.Process) => process.stop)

const waitForLog = operations.make(
  "Process.waitForLog",
  { pattern: Schema.declare((u): u is RegExp => u instanceof RegExp, { description: "a RegExp" }) },
  results.data<model.LogMatch>(),
  (process: model.Process, { pattern }) => process.waitForLog(pattern)
)

const waitForPort = operations.make(
  "Process.waitForPort",
  { port: Schema.Number },
  results.done,
  (process: model.Process, { port }) => process.waitForPort(port)
)

const writeInput = operations.make(
  "Process.stdin",
  { input: Bytes },
  results.done,
  (process: model.Process, { input }) => {
    if (typeof input === "string") return Stream.run(Stream.make(new TextEncoder().encode(input)), process.stdin)
    if (input instanceof Uint8Array) return Stream.run(Stream.make(input), process.stdin)
    return Stream.run(Stream.orDie(Stream.fromAsyncIterable(input, (error) => error)), process.stdin)
  }
)

const logs = operations.source(
  "Process.logs",
  { from: Schema.optional(Cursor) },
  (process: model.Process, { from }) => process.logs(from)
)

const stdout = operations.source("Process.stdout", {}, (process: model.Process) => process.stdout)

const stderr = operations.source("Process.stderr", {}, (process: model.Process) => process.stderr)

/** The outcome of a process, as its session recorded it. */
export interface Exit {
  /** As a shell reports it: 128 + n after signal n. */
  readonly exitCode: number
  /** The signal that ended the process, e.g. `SIGKILL`. */
  readonly signal: string | undefined
  readonly timedOut: boolean
  /** Whether it was killed for want of memory; undefined where the session does not record that. */
  readonly outOfMemory: boolean | undefined
  readonly durationMs: number
}

/** A process of a session, in the list of all. */
export interface ProcessSummary {
  readonly key: string
  /** Absent while it runs. */
  readonly exit: Exit | undefined
  /** Whether its end will never be known. */
  readonly isLost: boolean
}

/** Options of `wait`, all optional. */
export interface WaitOptions extends operations.CallOptions {
  /** Is called with what the process writes to standard output, from the beginning. */
  readonly onStdout?: ((text: string) => void) | undefined
  /** Is called with what the process writes to standard error, from the beginning. */
  readonly onStderr?: ((text: string) => void) | undefined
}

/** Result of a start. `process` is absent on failure. */
export type ProcessResult = Results.Result<{ readonly process: Process }>

/**
 * A process in a session. Its output stays in the session: any number of readers can read it, from any position. `await using`
 * ends it with everything that it has started.
 */
export class Process {
  readonly #calls: SessionInvoker<model.Process>
  readonly key: string
  /** Id of the process in the session, which is also that of its group. */
  readonly pid: number
  /** Whether this call started the process; false if it found one with its key. */
  readonly isNew: boolean

  readonly #end: () => Promise<unknown>

  /** @internal */
  constructor(calls: SessionInvoker, process: model.Process, end?: () => Promise<void>) {
    this.#calls = calls.on(process)
    this.#end = end ?? (() => this.stop())
    this.key = process.ref.key
    this.pid = process.pid
    this.isNew = process.isNew
  }

  /** Waits for the end, which is only ever what the session has recorded; the callbacks get the output meanwhile. */
  wait(options?: WaitOptions): Promise<Results.OperationResult<Exit>> {
    return this.#calls.answer(wait, {}, options)
  }

  /** Output from a position on (default: the beginning), until the process ends. Every piece has the position after it. */
  logs(from?: model.Cursor, options?: operations.CallOptions): AsyncIterableIterator<model.LogChunk> {
    return this.#calls.iterate(logs, { from }, options)
  }

  /** Standard output from its beginning, until the process ends. */
  stdout(options?: operations.CallOptions): AsyncIterableIterator<Uint8Array> {
    return this.#calls.iterate(stdout, {}, options)
  }

  /** Standard error from its beginning, until the process ends. */
  stderr(options?: operations.CallOptions): AsyncIterableIterator<Uint8Array> {
    return this.#calls.iterate(stderr, {}, options)
  }

  /** Writes to standard input and then ends it. The process must have been started with `stdin: "pipe"`. */
  writeInput(
    input: string | Uint8Array | AsyncIterable<Uint8Array>,
    options?: operations.CallOptions
  ): Promise<Results.BoolResult> {
    return this.#calls.answer(writeInput, { input }, options)
  }

  /** Sends a signal to the process group. Default: `SIGTERM`. A process that has ended is a success. */
  kill(processSignal?: model.Signal, options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(kill, { processSignal }, options)
  }

  /** Ends the process with everything that it has started. Its output and its end can still be read. */
  stop(options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(stop, {}, options)
  }

  /** Waits until the output matches; fails if the process ends before. */
  waitForLog(pattern: RegExp, options?: operations.CallOptions): Promise<Results.OperationResult<model.LogMatch>> {
    return this.#calls.answer(waitForLog, { pattern }, options)
  }

  /** Waits until something in the session listens on the TCP port; fails if the process ends before. */
  waitForPort(port: number, options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(waitForPort, { port }, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
  }
}

/** Starts a process that ends with its disposal, or with that of the `AGB`. */
export const begin = async (
  calls: SessionInvoker,
  command: string,
  options: StartOptions | undefined
): Promise<ProcessResult> => {
  const result = await calls.acquire(startScoped, { command }, options)
  if (!result.success) return result
  const { data, requestId } = result
  return { requestId, success: true, process: new Process(calls, data.value, () => calls.release(data)) }
}

/** Makes a process of what a start or an attach has found. */
export const found = (calls: SessionInvoker, result: Results.OperationResult<model.Process>): ProcessResult => {
  if (!result.success) return result
  const { data, requestId } = result
  return { requestId, success: true, process: new Process(calls, data) }
}
