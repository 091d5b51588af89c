/** Terminals of a session: commands on a pseudo-terminal. */
import type * as Chunk from "effect/Chunk"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { type ClientError, InvalidRequestError, type ProcessError } from "../../AgbError.js"
import type { ToolCall } from "../../ToolCall.js"
import * as issues from "../client/checks/issues.js"
import * as optionObjects from "../client/checks/options.js"
import * as requestChecks from "../client/checks/requestChecks.js"
import * as spans from "../client/spans.js"
import { concat } from "../wire/text/bytes.js"
import * as channels from "./channels/channel.js"
import type { Signal } from "./processes/model.js"
import * as processes from "./processes/processes.js"

/** Options of `terminal.open`. */
export interface OpenOptions {
  /** Width in characters. Default: 80. */
  readonly columns?: number | undefined
  /** Height in lines. Default: 24. */
  readonly rows?: number | undefined
  /** Absolute working directory. Default: the working directory of the session. */
  readonly cwd?: string | undefined
  /** Environment variables, passed literally. `TERM` is `xterm-256color` unless it is named here. */
  readonly envs?: Readonly<Record<string, string>> | undefined
}

/** The outcome of a command on a terminal, as the session recorded it. */
export interface TerminalExit {
  /** As a shell reports it: 128 + n after signal n. */
  readonly exitCode: number
  /** The signal that ended the command, e.g. `SIGHUP`. */
  readonly signal: Option.Option<string>
  readonly duration: Duration.Duration
}

/** Errors of every operation on a terminal. */
export type TerminalFailure = ClientError | ProcessError

/** A command on a pseudo-terminal in a session. It ends with the scope that opened it, with everything that it has started. */
export interface Terminal {
  /**
   * What the command writes, until it ends: bytes, of which characters may be split over two pieces. There is one sequence of bytes: of
   * two readers each gets a part. The command waits when about 1 MiB was not read.
   */
  readonly output: Stream.Stream<Uint8Array, TerminalFailure>
  /** Types text or bytes; a keyboard sends `\r` for Enter, `\x03` for Ctrl-C and `\x04` for Ctrl-D. Returns when they have arrived. */
  readonly write: (data: string | Uint8Array) => Effect.Effect<void, TerminalFailure>
  /** Types what a stream yields. The end of the stream leaves the terminal open. */
  readonly input: Sink.Sink<void, string | Uint8Array, never, TerminalFailure>
  /** Changes the size; the command is told by SIGWINCH. */
  readonly resize: (columns: number, rows: number) => Effect.Effect<void, TerminalFailure>
  /** Sends a signal to the process group of the command. Default: `SIGHUP`, as for a terminal whose window is closed. */
  readonly kill: (signal?: Signal) => Effect.Effect<void, TerminalFailure>
  /** Waits for the end of the command. It is only ever what the session has recorded. */
  readonly exit: Effect.Effect<TerminalExit, TerminalFailure>
}

/** Opens terminals in a session. */
export interface Terminals {
  /**
   * Runs a command line on a pseudo-terminal of its own, e.g. `bash`. It ends with the scope, with everything that it has started.
   *
   * Fails with a `ProcessError` of reason `Unsupported` that names what is missing, where a session has neither Python 3 nor Perl 5,
   * or no pseudo-terminals.
   */
  readonly open: (
    command: string,
    options?: OpenOptions
  ) => Effect.Effect<Terminal, TerminalFailure, Scope.Scope>
}

const invalid = (operation: string, field: string, value: unknown, expected: string) =>
  new InvalidRequestError({ operation, field, given: issues.describe(value, field), expected })

const isSize = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535

const checkSize = (
  operation: string,
  size: { readonly columns: number; readonly rows: number }
): Either.Either<typeof size, InvalidRequestError> => {
  const wrong = (["columns", "rows"] as const).find((name) => !isSize(size[name]))
  return wrong === undefined
    ? Either.right(size)
    : Either.left(invalid(operation, wrong, size[wrong], "an integer from 1 to 65535"))
}

const bytesOf = (operation: string, data: unknown): Either.Either<Uint8Array, InvalidRequestError> => {
  if (data instanceof Uint8Array) return Either.right(data)
  if (typeof data !== "string") return Either.left(invalid(operation, "data", data, "a string or a Uint8Array"))
  const malformed = requestChecks.malformedText(operation, { data })
  return malformed === undefined ? Either.right(new TextEncoder().encode(data)) : Either.left(malformed)
}

const output = (channel: channels.Channel): Terminal["output"] =>
  Stream.repeatEffectOption(Effect.flatMap(
    Effect.mapError(channel.read("Terminal.output"), Option.some),
    Option.match({ onNone: () => Effect.fail(Option.none()), onSome: Effect.succeed })
  ))

const makeTerminal = (channel: channels.Channel): Terminal => {
  const writeAll = (operation: string) => (chunk: Chunk.Chunk<string | Uint8Array>) =>
    Effect.flatMap(
      Effect.forEach(chunk, (data) => bytesOf(operation, data)),
      (pieces) => channel.write(operation, concat(pieces))
    )
  return {
    output: output(channel),
    write: spans.method("Terminal.write")((data: string | Uint8Array) =>
      Effect.flatMap(bytesOf("Terminal.write", data), (bytes) => channel.write("Terminal.write", bytes))
    ),
    input: Sink.forEachChunk(writeAll("Terminal.input")),
    resize: spans.method("Terminal.resize")((columns: number, rows: number) =>
      Effect.flatMap(
        checkSize("Terminal.resize", { columns, rows }),
        () => channel.resize("Terminal.resize", columns, rows)
      )
    ),
    kill: spans.method("Terminal.kill")((signal: Signal = "SIGHUP") =>
      Effect.flatMap(
        processes.checkSignal("Terminal.kill", signal),
        (name) => channel.signal("Terminal.kill", name)
      )
    ),
    exit: channel.exit("Terminal.exit")
  }
}

const optionNames = ["columns", "rows", "cwd", "envs"] as const

const operation = "Session.terminal.open"

export const make = (toolCall: ToolCall): Terminals => ({
  open: (command, options) =>
    Effect.gen(function*() {
      const { columns = 80, cwd, envs, rows = 24 } = yield* optionObjects.check(operation, options, optionNames)
      const size = yield* checkSize(operation, { columns, rows })
      const checked = yield* processes.check(operation, command, { cwd, envs })
      const spec = { argv: ["@shell", "-c", checked.command], envs: checked.envs, cwd, size }
      return makeTerminal(yield* channels.open(toolCall, operation, spec))
    }).pipe(spans.traced(operation))
})
