/**
 * Runs shell commands in a session. Each call starts a fresh shell: working directory and variables are not kept.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import {
  type ClientError,
  CommandExitError,
  ExecutionTimeoutError,
  ExecutionUnknownError,
  InvalidRequestError,
  ToolError
} from "./AgbError.js"
import * as AgbTools from "./AgbTools.js"
import * as spans from "./internal/client/spans.js"
import * as timeouts from "./internal/client/timeouts.js"
import * as execution from "./internal/session/execution.js"
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
}

/**
 * Options of `executeCommand`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecuteCommandOptions {
  /** Time limit of the command. Default: 1 second. */
  readonly timeout?: Duration.DurationInput | undefined
  /** Absolute working directory. Default: the working directory of the session. */
  readonly cwd?: string | undefined
  /** Environment variables, passed literally. */
  readonly envs?: Readonly<Record<string, string>> | undefined
  /** Exit codes that count as success; any other is a `CommandExitError`. Default: `[0]`. */
  readonly acceptExitCodes?: ReadonlyArray<number> | undefined
}

/**
 * Errors of `executeCommand`.
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
}

/**
 * Tag of `Command`.
 *
 * @since 0.1.0
 * @category tags
 */
export const Command = Context.GenericTag<Command>("@effect-agb/core/Command")

const operation = "Command.executeCommand"

interface Call {
  readonly timeoutMillis: number
  readonly acceptExitCodes: ReadonlyArray<number>
}

/** A tool error may spell the exit code differently and omit a stream. */
const FailedShell = Schema.parseJson(Schema.Union(
  Schema.Struct({
    exit_code: Schema.Int,
    stdout: Schema.optionalWith(Schema.String, { default: () => "" }),
    stderr: Schema.optionalWith(Schema.String, { default: () => "" })
  }),
  Schema.Struct({
    exit_code: Schema.propertySignature(Schema.Int).pipe(Schema.fromKey("errorCode")),
    stdout: Schema.optionalWith(Schema.String, { default: () => "" }),
    stderr: Schema.optionalWith(Schema.String, { default: () => "" })
  })
))

const decodeShell = ParseResult.decodeUnknownEither(AgbTools.tools.shell.result)
const decodeFailedShell = ParseResult.decodeUnknownEither(FailedShell)

const timedOut = /\btimed? ?out\b/i

/** The exit code that `timeout(1)` and sessions use for an exceeded time limit. */
const timeoutExitCode = 124

const toolError = ({ timeoutMillis }: Call, { requestId, text = "" }: ToolAnswer): ExecuteCommandError => {
  const failed = decodeFailedShell(text)
  if (Either.isLeft(failed)) {
    return timedOut.test(text)
      ? new ExecutionTimeoutError({ operation, requestId, stdout: "", stderr: "", timeoutMillis, detail: text })
      : new ToolError({ operation, requestId, tool: "shell", detail: text })
  }
  const { exit_code: exitCode, stderr, stdout } = failed.right
  if (exitCode === 0) return new ToolError({ operation, requestId, tool: "shell", detail: stderr || text })
  return exitCode === timeoutExitCode && timedOut.test(stderr)
    ? new ExecutionTimeoutError({
      operation,
      requestId,
      stdout,
      stderr,
      timeoutMillis,
      detail: "pass a longer timeout"
    })
    : new CommandExitError({ operation, requestId, stdout, stderr, exitCode })
}

const interpret = (call: Call, answer: ToolAnswer): Either.Either<CommandResult, ExecuteCommandError> => {
  const { requestId, text = "" } = answer
  const error = answer.isError ? toolError(call, answer) : undefined
  if (error !== undefined && error._tag !== "CommandExitError") return Either.left(error)
  const read = error === undefined
    ? Either.map(decodeShell(text), ({ exit_code: exitCode, stderr, stdout }) => ({ exitCode, stderr, stdout }))
    : Either.right(error)
  if (Either.isLeft(read)) {
    const detail = "the reply is not the result of a command"
    return Either.left(new ExecutionUnknownError({ operation, requestId, stdout: text, stderr: "", detail }))
  }
  const { exitCode, stderr, stdout } = read.right
  return call.acceptExitCodes.includes(exitCode)
    ? Either.right({ output: stdout + stderr, stdout, stderr, exitCode })
    : Either.left(new CommandExitError({ operation, requestId, stdout, stderr, exitCode }))
}

const checkExitCodes = (codes: ReadonlyArray<number>): Effect.Effect<ReadonlyArray<number>, InvalidRequestError> =>
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

/**
 * Creates `Command` over the tool calls of a session.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (toolCall: ToolCall): Command =>
  Command.of({
    executeCommand: spans.method(operation)((command: string, options: ExecuteCommandOptions = {}) =>
      Effect.gen(function*() {
        const timeout = yield* timeouts.parse(operation, options.timeout ?? Duration.seconds(1))
        const timeoutMillis = Duration.toMillis(timeout)
        const acceptExitCodes = yield* checkExitCodes(options.acceptExitCodes ?? [0])
        const answer = yield* toolCall.answer(
          AgbTools.tools.shell,
          {
            command,
            timeout_ms: timeoutMillis,
            ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
            ...(options.envs === undefined ? {} : { envs: options.envs })
          },
          { operation, timeout }
        ).pipe(execution.orUnknown(operation))
        return yield* interpret({ timeoutMillis, acceptExitCodes }, answer)
      })
    )
  })
