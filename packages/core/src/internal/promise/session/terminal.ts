/** Terminals of the promise API. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Results from "../../../OperationResult.js"
import type { Signal } from "../../session/processes/model.js"
import type { Session } from "../../session/session.js"
import type * as model from "../../session/terminals.js"
import * as operations from "../operation.js"
import * as results from "../results.js"
import { acquire, type Scoped } from "../scoped.js"
import type { SessionInvoker } from "./sessionInvoker.js"

type Opened = Scoped<model.Terminal>

/** Options of `terminal.open`, all optional. */
export interface OpenOptions extends model.OpenOptions, operations.CallOptions {}

const open = operations.make(
  "Session.terminal.open",
  {
    command: Schema.String,
    columns: Schema.optional(Schema.Number),
    rows: Schema.optional(Schema.Number),
    cwd: Schema.optional(Schema.String),
    envs: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String }))
  },
  results.data<Opened>(),
  ({ terminal }: Session, { columns, command, cwd, envs, rows }) =>
    acquire(terminal.open(command, { columns, rows, cwd, envs }))
)

const output = operations.source("Terminal.output", {}, ({ value: terminal }: Opened) => terminal.output)

const Callback = Schema.declare(
  (u): u is (text: string) => void => typeof u === "function",
  { description: "a function" }
)

const wait = operations.make(
  "Terminal.exit",
  { onOutput: Schema.optional(Callback) },
  results.data<TerminalExit>(),
  ({ value: terminal }: Opened, { onOutput }) => {
    const told = onOutput === undefined
      ? Effect.void
      : Stream.runForEach(Stream.decodeText(terminal.output), (text) => Effect.sync(() => onOutput(text)))
    return Effect.zipRight(
      told,
      Effect.map(terminal.exit, ({ duration, exitCode, signal }) => ({
        exitCode,
        signal: Option.getOrUndefined(signal),
        durationMs: Duration.toMillis(duration)
      }))
    )
  }
)

const write = operations.make(
  "Terminal.write",
  { data: Schema.Union(Schema.String, Schema.Uint8ArrayFromSelf) },
  results.done,
  ({ value: terminal }: Opened, { data }) => terminal.write(data)
)

const resize = operations.make(
  "Terminal.resize",
  { columns: Schema.Number, rows: Schema.Number },
  results.done,
  ({ value: terminal }: Opened, { columns, rows }) => terminal.resize(columns, rows)
)

const kill = operations.make(
  "Terminal.kill",
  { processSignal: Schema.optional(Schema.String) },
  results.done,
  ({ value: terminal }: Opened, { processSignal }) => terminal.kill(processSignal)
)

const close = operations.make("Terminal.close", {}, results.done, ({ close }: Opened) => close)

/** The outcome of a command on a terminal, as the session recorded it. */
export interface TerminalExit {
  /** As a shell reports it: 128 + n after signal n. */
  readonly exitCode: number
  /** The signal that ended the command, e.g. `SIGHUP`. */
  readonly signal: string | undefined
  readonly durationMs: number
}

/** Options of `wait`, all optional. */
export interface WaitTerminalOptions extends operations.CallOptions {
  /** Is called with what the command writes; characters are not split. */
  readonly onOutput?: ((text: string) => void) | undefined
}

/** Result of `terminal.open`. `terminal` is absent on failure. */
export type TerminalResult = Results.Result<{ readonly terminal: Terminal }>

/** A command on a pseudo-terminal in a session. `await using`, or `close`, ends it with everything that it has started. */
export class Terminal {
  readonly #calls: SessionInvoker<Opened>

  /** @internal */
  constructor(calls: SessionInvoker, opened: Opened) {
    this.#calls = calls.on(opened)
  }

  /**
   * What the command writes, until it ends: bytes, of which characters may be split over two pieces. There is one sequence of bytes: of
   * two readers each gets a part. The command waits when about 1 MiB was not read.
   */
  output(options?: operations.CallOptions): AsyncIterableIterator<Uint8Array> {
    return this.#calls.iterate(output, {}, options)
  }

  /** Waits for the end of the command, which is only ever what the session has recorded; the callback gets the output meanwhile. */
  wait(options?: WaitTerminalOptions): Promise<Results.OperationResult<TerminalExit>> {
    return this.#calls.answer(wait, {}, options)
  }

  /** Types text or bytes; a keyboard sends `\r` for Enter, `\x03` for Ctrl-C and `\x04` for Ctrl-D. */
  write(data: string | Uint8Array, options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(write, { data }, options)
  }

  /** Changes the size; the command is told by SIGWINCH. */
  resize(columns: number, rows: number, options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(resize, { columns, rows }, options)
  }

  /** Sends a signal to the process group of the command. Default: `SIGHUP`, as for a terminal whose window is closed. */
  kill(processSignal?: Signal, options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(kill, { processSignal }, options)
  }

  /** Ends the command with everything that it has started. */
  close(options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(close, {}, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Opens terminals in a session. */
export class Terminals {
  readonly #calls: SessionInvoker

  /** @internal */
  constructor(calls: SessionInvoker) {
    this.#calls = calls
  }

  /** Runs a command line on a pseudo-terminal of its own, e.g. `bash`, of 80 columns and 24 rows unless told otherwise. */
  async open(command: string, options?: OpenOptions): Promise<TerminalResult> {
    const result = await this.#calls.answer(open, { command }, options)
    if (!result.success) return result
    const { data, requestId } = result
    return { requestId, success: true, terminal: new Terminal(this.#calls, data) }
  }
}
