/**
 * Runs shell commands in a session, and starts processes that go on between calls. Each command has a fresh shell: working
 * directory and variables are not kept.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  type ClientError,
  CommandExitError,
  ExecutionTimeoutError,
  ExecutionUnknownError,
  InvalidRequestError,
  ToolError
} from "./AgbError.js"
import * as AgbTools from "./AgbTools.js"
import * as optionObjects from "./internal/client/checks/options.js"
import * as timeouts from "./internal/client/checks/timeouts.js"
import * as metrics from "./internal/client/metrics.js"
import * as spans from "./internal/client/spans.js"
import * as execution from "./internal/session/execution.js"
import * as processes from "./internal/session/processes/processes.js"
import { RunOutput } from "./internal/session/runOutput.js"
import { withLazyFields } from "./internal/wire/lazyFields.js"
import { visibleLines } from "./internal/wire/text/visibleText.js"
import type * as Process from "./Process.js"
import type { ToolAnswer, ToolCall } from "./ToolCall.js"

/**
 * Result of a command that exited with an accepted code.
 *
 * @since 0.1.0
 * @category models
 */
export interface CommandResult {
  /** Standard output, then standard error. */
  readonly output: string
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
  /** Id under which the service traces the command, if it tells one. */
  readonly traceId?: string | undefined
}

/**
 * Options of `executeCommand`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecuteCommandOptions {
  /** Time limit of the command. Default: 30 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
  /** Absolute working directory. Default: the working directory of the session. */
  readonly cwd?: string | undefined
  /** Environment variables, passed literally. */
  readonly envs?: Readonly<Record<string, string>> | undefined
  /** Exit codes that count as success; any other is a `CommandExitError`. Default: `[0]`. */
  readonly acceptExitCodes?: ReadonlyArray<number> | undefined
}

/**
 * Text that the command wrote to standard output. Characters are never split.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stdout {
  readonly _tag: "Stdout"
  readonly text: string
}

/**
 * Text that the command wrote to standard error.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stderr {
  readonly _tag: "Stderr"
  readonly text: string
}

/**
 * The command exited with an accepted code: the last event, exactly once.
 *
 * @since 0.1.0
 * @category models
 */
export interface Exited {
  readonly _tag: "Exited"
  /** As a shell reports it: 128 + n after signal n. */
  readonly exitCode: number
  /** The signal that ended the command, e.g. `SIGKILL`. */
  readonly signal: Option.Option<string>
  /** Whether it was killed at its time limit: only if the code of that, 137, is accepted; else the stream fails. */
  readonly timedOut: boolean
  readonly duration: Duration.Duration
}

/**
 * Events of `executeCommandStream`. Each stream is in order; of both together, what was written at about the same time may change
 * places.
 *
 * @since 0.1.0
 * @category models
 */
export type CommandEvent = Stdout | Stderr | Exited

/**
 * Errors of `executeCommand` and `executeCommandStream`.
 *
 * @since 0.1.0
 * @category errors
 */
export type ExecuteCommandError =
  | ClientError
  | ToolError
  | CommandExitError
  | ExecutionTimeoutError
  | ExecutionUnknownError

/**
 * Runs shell commands in a session.
 *
 * @since 0.1.0
 * @category models
 */
export interface Command {
  /**
   * Runs a command line in a shell.
   *
   * Fails with `CommandExitError` for an unaccepted exit code, `ExecutionTimeoutError` if the command exceeded the time
   * limit, and `ExecutionUnknownError` if the reply was lost and the command may have run; it is never retried.
   */
  readonly executeCommand: (
    command: string,
    options?: ExecuteCommandOptions
  ) => Effect.Effect<CommandResult, ExecuteCommandError>
  /**
   * Runs a command line in a shell and streams its output while it runs, and last `Exited`. The stream fails with the errors of
   * `executeCommand`, which contain what it had received before, of each stream the last 8,388,608 characters.
   *
   * The command runs as a process of the session, whose output waits in a file for its reader: a lost connection loses nothing,
   * and a slow reader holds up nothing. The end of the stream, also by interruption or `Stream.take`, ends the command and
   * everything that it has started.
   */
  readonly executeCommandStream: (
    command: string,
    options?: ExecuteCommandOptions
  ) => Stream.Stream<CommandEvent, ExecuteCommandError>
  /**
   * Starts a process that ends with the scope, with everything that it has started: SIGTERM to its group, SIGKILL half a
   * second later.
   */
  readonly start: (
    command: string,
    options?: Process.StartOptions
  ) => Effect.Effect<Process.Process, Process.ProcessFailure, Scope.Scope>
  /**
   * Starts a process that outlives the program. A key names one process for the life of the session: every further start with
   * it, also of another program at the same moment, returns that process and runs nothing. An interruption ends the wait; the
   * start goes on.
   */
  readonly startDetached: (
    command: string,
    options: Process.StartDetachedOptions
  ) => Effect.Effect<Process.Process, Process.ProcessFailure>
  /** Finds the process that was started with this key. */
  readonly attach: (key: string) => Effect.Effect<Process.Process, Process.AttachError>
  /** Lists the processes of the session, running and ended. */
  readonly listProcesses: Effect.Effect<ReadonlyArray<Process.ProcessSummary>, Process.ProcessFailure>
}

/**
 * Tag of `Command`.
 *
 * @since 0.1.0
 * @category tags
 */
export const Command = Context.GenericTag<Command>("@effect-agb/core/Command")

const operation = "Command.executeCommand"

/** The time of a command for which none is given. */
const defaultTimeout = Duration.seconds(30)

const optionNames = ["timeout", "cwd", "envs", "acceptExitCodes"] as const

interface Call {
  readonly timeoutMillis: number
  readonly isDefaultTimeout: boolean
  readonly acceptExitCodes: ReadonlyArray<number>
}

const decode = withLazyFields({}, {
  shell: () => ParseResult.decodeUnknownEither(AgbTools.tools.shell.result),
  /** A tool error may spell the exit code differently and omit a stream. */
  failedShell: () => {
    const streams = {
      stdout: Schema.optionalWith(Schema.String, { default: () => "" }),
      stderr: Schema.optionalWith(Schema.String, { default: () => "" }),
      traceId: Schema.optional(Schema.Unknown)
    }
    return ParseResult.decodeUnknownEither(Schema.parseJson(Schema.Union(
      Schema.Struct({ exit_code: Schema.Int, ...streams }),
      Schema.Struct({ exit_code: Schema.propertySignature(Schema.Int).pipe(Schema.fromKey("errorCode")), ...streams })
    )))
  }
})

const timedOut = /\btimed? ?out\b/i

/** The exit code that `timeout(1)` and sessions use for an exceeded time limit. */
const timeoutExitCode = 124

/** The session may give a reason in the same line. */
const reasonOf = (stderr: string) => /\btimed? ?out[^\n;]*; ([^\n]+)\s*$/i.exec(stderr)?.[1]

const timeoutDetail = ({ isDefaultTimeout }: Call, stderr: string) => {
  const reason = reasonOf(stderr)
  const given = isDefaultTimeout ? `this is the default timeout of ${Duration.toSeconds(defaultTimeout)} s, ` : ""
  return `${reason === undefined ? "" : `${reason}; `}${given}pass a longer timeout`
}

/** Part of a result or an error; a service that traces nothing may send an empty one. */
const traceOf = (traceId: unknown): { readonly traceId?: string | undefined } =>
  typeof traceId === "string" && traceId !== "" ? { traceId } : {}

const toolError = (call: Call, { requestId, text = "" }: ToolAnswer): ExecuteCommandError => {
  const { timeoutMillis } = call
  const failed = decode.failedShell(text)
  if (Either.isLeft(failed)) {
    return timedOut.test(text)
      ? new ExecutionTimeoutError({
        operation,
        requestId,
        stdout: "",
        stderr: "",
        timeoutMillis,
        detail: visibleLines(text)
      })
      : new ToolError({ operation, requestId, tool: "shell", detail: visibleLines(text) })
  }
  const { exit_code: exitCode, stderr, stdout } = failed.right
  const trace = traceOf(failed.right.traceId)
  if (exitCode === 0) {
    return new ToolError({ operation, requestId, tool: "shell", detail: visibleLines(stderr || text) })
  }
  return exitCode === timeoutExitCode && timedOut.test(stderr)
    ? new ExecutionTimeoutError({
      operation,
      requestId,
      stdout,
      stderr,
      timeoutMillis,
      detail: timeoutDetail(call, stderr),
      ...trace
    })
    : new CommandExitError({ operation, requestId, stdout, stderr, exitCode, ...trace })
}

const interpret = (call: Call, answer: ToolAnswer): Either.Either<CommandResult, ExecuteCommandError> => {
  const { requestId, text = "" } = answer
  const error = answer.isError ? toolError(call, answer) : undefined
  if (error !== undefined && error._tag !== "CommandExitError") return Either.left(error)
  const read = error === undefined
    ? Either.map(
      decode.shell(text),
      ({ exit_code: exitCode, stderr, stdout, traceId }) => ({ exitCode, stderr, stdout, ...traceOf(traceId) })
    )
    : Either.right(error)
  if (Either.isLeft(read)) {
    const detail = "the reply is not the result of a command"
    return Either.left(new ExecutionUnknownError({ operation, requestId, stdout: text, stderr: "", detail }))
  }
  const { exitCode, stderr, stdout } = read.right
  const trace = traceOf(read.right.traceId)
  return call.acceptExitCodes.includes(exitCode)
    ? Either.right({ output: stdout + stderr, stdout, stderr, exitCode, ...trace })
    : Either.left(new CommandExitError({ operation, requestId, stdout, stderr, exitCode, ...trace }))
}

const checkExitCodes = (
  operation: string,
  codes: ReadonlyArray<number>
): Effect.Effect<ReadonlyArray<number>, InvalidRequestError> =>
  Array.isArray(codes) && codes.every((code) => Number.isInteger(code) && code >= 0 && code <= 255)
    ? Effect.succeed(codes)
    : Effect.fail(
      new InvalidRequestError({
        operation,
        field: "acceptExitCodes",
        given: JSON.stringify(codes)?.slice(0, 64) ?? "nothing",
        expected: "an array of integers from 0 to 255"
      })
    )

/** One streamed command: turns what its process wrote into events, and keeps what its errors contain. */
class StreamedCommand {
  readonly #call: Call
  readonly #output = new RunOutput()
  readonly #decoders = {
    stdout: new TextDecoder("utf-8", { ignoreBOM: true }),
    stderr: new TextDecoder("utf-8", { ignoreBOM: true })
  }

  constructor(call: Call) {
    this.#call = call
  }

  open(process: Process.Process): Stream.Stream<CommandEvent, ExecuteCommandError> {
    const silence = Duration.millis(this.#call.timeoutMillis + execution.transportMillis)
    const late = () => this.#unknown("the session did not tell its end in time")
    const output = process.logs().pipe(
      Stream.mapError((error) => this.#failed(error)),
      Stream.timeoutFail(late, silence),
      Stream.mapConcat(({ bytes, stream }) => this.#decode(stream, bytes))
    )
    const exit = process.exit.pipe(
      Effect.mapError((error) => this.#failed(error)),
      Effect.timeoutFail({ duration: silence, onTimeout: late }),
      Effect.map((exit) => this.#ended(exit))
    )
    return Stream.concat(output, Stream.unwrap(exit))
  }

  #decode(stream: "stdout" | "stderr", bytes?: Uint8Array): ReadonlyArray<CommandEvent> {
    const decoder = this.#decoders[stream]
    const text = bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
    if (text === "") return []
    this.#output.add(stream, text)
    return [{ _tag: stream === "stdout" ? "Stdout" : "Stderr", text }]
  }

  /** What is left of both streams, and the end. */
  #ended({ duration, exitCode, signal, timedOut }: Process.Exit): Stream.Stream<CommandEvent, ExecuteCommandError> {
    const rest = Stream.fromIterable([...this.#decode("stdout"), ...this.#decode("stderr")])
    const isAccepted = this.#call.acceptExitCodes.includes(exitCode)
    const exited: Exited = { _tag: "Exited", exitCode, signal, timedOut, duration }
    return Stream.concat(rest, isAccepted ? Stream.succeed(exited) : Stream.fail(this.#exitError(exitCode, timedOut)))
  }

  #exitError(exitCode: number, timedOut: boolean): ExecuteCommandError {
    const { stderr, stdout } = this.#output
    const { timeoutMillis } = this.#call
    const error = { operation: streamOperation, stdout, stderr }
    return timedOut
      ? new ExecutionTimeoutError({ ...error, timeoutMillis, detail: timeoutDetail(this.#call, "") })
      : new CommandExitError({ ...error, exitCode })
  }

  /** The command was started, so that no failure of a read says that nothing happened. */
  #failed(error: Process.ProcessFailure): ExecuteCommandError {
    return error._tag === "SessionLostError" ? error : this.#unknown(error.message)
  }

  #unknown(detail: string): ExecutionUnknownError {
    const { stderr, stdout } = this.#output
    return new ExecutionUnknownError({ operation: streamOperation, stdout, stderr, detail })
  }
}

const streamOperation = "Command.executeCommandStream"

/** The errors of a start under the name of the method that was called, and as those of `executeCommand`. */
const startFailed = (error: Process.ProcessFailure): ExecuteCommandError => {
  const operation = streamOperation
  switch (error._tag) {
    case "InvalidRequestError":
      return new InvalidRequestError({ ...error, operation })
    case "SessionLostError":
      return error
    case "ProcessError":
      if (error.reason === "Unsupported") return new ToolError({ operation, tool: "shell", detail: error.message })
      if (error.reason === "Other") return new ToolError({ operation, tool: "shell", detail: error.detail })
      return new ExecutionUnknownError({ operation, stdout: "", stderr: "", detail: error.message })
    default:
      return error.mayHaveHappened
        ? new ExecutionUnknownError({ operation, stdout: "", stderr: "", detail: error.message })
        : error
  }
}

const streamed = (start: Command["start"]): Command["executeCommandStream"] => (command, options) =>
  Stream.unwrapScoped(Effect.gen(function*() {
    const { acceptExitCodes, ...given } = yield* optionObjects.check(streamOperation, options, optionNames)
    const timeout = yield* timeouts.parse(streamOperation, given.timeout ?? defaultTimeout)
    const call = {
      timeoutMillis: Duration.toMillis(timeout),
      isDefaultTimeout: given.timeout === undefined,
      acceptExitCodes: yield* checkExitCodes(streamOperation, acceptExitCodes ?? [0])
    }
    const process = yield* Effect.mapError(start(command, { ...given, timeout }), startFailed)
    return new StreamedCommand(call).open(process)
  })).pipe(metrics.commandStream(streamOperation))

/**
 * Creates `Command` over the tool calls of a session. `sessionId` is what references to its processes contain.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (toolCall: ToolCall, options?: { readonly sessionId?: string | undefined }): Command => {
  const all = processes.makeAll(toolCall, options?.sessionId ?? "")
  return Command.of({
    ...all,
    executeCommandStream: streamed(all.start),
    executeCommand: spans.method(operation)((command: string, options?: ExecuteCommandOptions) =>
      Effect.gen(function*() {
        const given = yield* optionObjects.check(operation, options, optionNames)
        const timeout = yield* timeouts.parse(operation, given.timeout ?? defaultTimeout)
        const timeoutMillis = Duration.toMillis(timeout)
        const acceptExitCodes = yield* checkExitCodes(operation, given.acceptExitCodes ?? [0])
        const answer = yield* toolCall.answer(
          AgbTools.tools.shell,
          {
            command,
            timeout_ms: timeoutMillis,
            ...(given.cwd === undefined ? {} : { cwd: given.cwd }),
            ...(given.envs === undefined ? {} : { envs: given.envs })
          },
          { operation, timeout }
        ).pipe(execution.orUnknown(operation))
        return yield* interpret(
          { timeoutMillis, isDefaultTimeout: given.timeout === undefined, acceptExitCodes },
          answer
        )
      }).pipe(metrics.command)
    )
  })
}
