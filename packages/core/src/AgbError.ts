/**
 * Errors of the SDK: one tagged error per situation that callers handle differently.
 *
 * Each error states what failed (`_tag`, `operation`, `message`), whether the server may have executed the call
 * (`mayHaveHappened`), and whether the same call may be retried (`retryable`). No error contains a request, a key, a token
 * or a complete body.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { call, line, outcome, output, sentence, stateKept } from "./internal/wire/errorFields.js"
import { CodeResultItem } from "./internal/wire/models.js"

/**
 * Identifies errors of this SDK, also across copies of the package.
 *
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: unique symbol = Symbol.for("@effect-agb/core/AgbError")

/**
 * Type of `TypeId`.
 *
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = typeof TypeId

const prefix = "@effect-agb/core/"

/**
 * The configuration is invalid; nothing was sent. `field` is the setting, `expected` describes valid values.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConfigurationError extends Schema.TaggedError<ConfigurationError>(prefix + "ConfigurationError")(
  "ConfigurationError",
  { field: Schema.String, expected: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = false
  override get message(): string {
    return line(`Configuration: ${this.field} must be ${this.expected}`)
  }
}

/**
 * An argument is invalid; nothing was sent. `given` describes the value without quoting long or secret ones.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidRequestError extends Schema.TaggedError<InvalidRequestError>(prefix + "InvalidRequestError")(
  "InvalidRequestError",
  { operation: Schema.String, field: Schema.String, given: Schema.String, expected: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = false
  override get message(): string {
    return line(`${this.operation}: ${this.field} must be ${this.expected}, but was ${this.given}`)
  }
}

/**
 * The server rejected the API key (401, 403, or a key error in the envelope).
 *
 * @since 0.1.0
 * @category errors
 */
export class AuthenticationError extends Schema.TaggedError<AuthenticationError>(prefix + "AuthenticationError")(
  "AuthenticationError",
  { ...call, status: Schema.Number, detail: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = false
  override get message(): string {
    return sentence(`${this.operation}: the API key was rejected (HTTP ${this.status}), check AGB_API_KEY`, this.detail)
  }
}

/**
 * The session no longer exists. `reason` is `NotFound` if the server reported it, `Released` if this program deleted it, and
 * `KeepAliveLost` if a keep-alive failed with "not found".
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionLostError extends Schema.TaggedError<SessionLostError>(prefix + "SessionLostError")(
  "SessionLostError",
  {
    ...call,
    sessionId: Schema.String,
    reason: Schema.Literal("NotFound", "Released", "KeepAliveLost"),
    mayHaveHappened: Schema.Boolean
  }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  override get message(): string {
    const why = {
      NotFound: "the server did not find it (released, expired or never created)",
      Released: "this program released it",
      KeepAliveLost: "a keep-alive request did not find it"
    }[this.reason]
    return line(`${this.operation}: session ${this.sessionId} is lost, ${why}; create a new one`)
  }
}

/**
 * The server rejected the call because of too many requests, before any work was done. `retryAfterMillis` is the delay
 * requested by the server, if any.
 *
 * @since 0.1.0
 * @category errors
 */
export class RateLimitedError extends Schema.TaggedError<RateLimitedError>(prefix + "RateLimitedError")(
  "RateLimitedError",
  { ...call, retryAfterMillis: Schema.optional(Schema.Number), detail: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = true
  readonly mayHaveHappened = false
  override get message(): string {
    const wait = this.retryAfterMillis === undefined ? "" : `; retry in ${this.retryAfterMillis} ms`
    return sentence(`${this.operation}: rate limited${wait}`, this.detail)
  }
}

/**
 * The server rejected the call (4xx, or `success: false`). `code` is the server's error code.
 *
 * @since 0.1.0
 * @category errors
 */
export class RequestRejectedError extends Schema.TaggedError<RequestRejectedError>(prefix + "RequestRejectedError")(
  "RequestRejectedError",
  { ...call, status: Schema.Number, code: Schema.String, detail: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = false
  override get message(): string {
    const code = this.code === "" ? `HTTP ${this.status}` : this.code
    return sentence(`${this.operation}: rejected (${code})`, this.detail)
  }
}

/**
 * The server failed to process the call (5xx or 408). `code` is the server's error code, `retryAfterMillis` the delay requested
 * by the server, if any.
 *
 * @since 0.1.0
 * @category errors
 */
export class ServerError extends Schema.TaggedError<ServerError>(prefix + "ServerError")(
  "ServerError",
  {
    ...call,
    status: Schema.Number,
    code: Schema.String,
    retryAfterMillis: Schema.optional(Schema.Number),
    detail: Schema.String,
    ...outcome
  }
) {
  readonly [TypeId]: TypeId = TypeId
  override get message(): string {
    return sentence(`${this.operation}: the server failed (HTTP ${this.status})`, this.detail)
  }
}

/**
 * The network failed, or no reply arrived in time. `mayHaveHappened` is false if nothing can have been sent (connection
 * refused, unknown host, TLS failure) or the call is safe.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransportError extends Schema.TaggedError<TransportError>(prefix + "TransportError")(
  "TransportError",
  {
    ...call,
    reason: Schema.Literal("Unreachable", "Interrupted", "Timeout"),
    detail: Schema.String,
    ...outcome
  }
) {
  readonly [TypeId]: TypeId = TypeId
  override get message(): string {
    const what = {
      Unreachable: "the server cannot be reached",
      Interrupted: "the connection was lost before the complete reply arrived",
      Timeout: "no reply in time"
    }[this.reason]
    return sentence(`${this.operation}: ${what}`, this.detail)
  }
}

/**
 * The reply does not have the documented format. `path` is the invalid field, `expected` describes valid values; the value
 * itself is never quoted.
 *
 * @since 0.1.0
 * @category errors
 */
export class MalformedResponseError
  extends Schema.TaggedError<MalformedResponseError>(prefix + "MalformedResponseError")(
    "MalformedResponseError",
    { ...call, path: Schema.String, expected: Schema.String, ...outcome }
  )
{
  readonly [TypeId]: TypeId = TypeId
  override get message(): string {
    return line(`${this.operation}: the reply is malformed at ${this.path}, expected ${this.expected}`)
  }
}

/**
 * A reply, file or list exceeds its limit. `limit` is in bytes unless `what` states another unit.
 *
 * @since 0.1.0
 * @category errors
 */
export class LimitExceededError extends Schema.TaggedError<LimitExceededError>(prefix + "LimitExceededError")(
  "LimitExceededError",
  { ...call, what: Schema.String, limit: Schema.Number, mayHaveHappened: Schema.Boolean }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  override get message(): string {
    return line(`${this.operation}: ${this.what} exceeds the limit of ${this.limit}`)
  }
}

/**
 * No session of a pool was free in time; nothing was sent for the caller. Try again later, or give the pool more sessions.
 *
 * @since 0.1.0
 * @category errors
 */
export class PoolExhaustedError extends Schema.TaggedError<PoolExhaustedError>(prefix + "PoolExhaustedError")(
  "PoolExhaustedError",
  { operation: Schema.String, waitedMillis: Schema.Number, max: Schema.Number }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = true
  readonly mayHaveHappened = false
  override get message(): string {
    return line(`${this.operation}: none of the ${this.max} sessions was free within ${this.waitedMillis} ms`)
  }
}

/**
 * A tool of the session failed with an error that has no specific type; `detail` is its text.
 *
 * @since 0.1.0
 * @category errors
 */
export class ToolError extends Schema.TaggedError<ToolError>(prefix + "ToolError")(
  "ToolError",
  { ...call, tool: Schema.String, detail: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = true
  override get message(): string {
    return sentence(`${this.operation}: the tool ${this.tool} failed`, this.detail)
  }
}

/**
 * The outcome of a run or command is unknown: the reply was lost, late or malformed. The SDK never retries it. `stdout` and
 * `stderr` contain the output received so far. `stateKept` tells whether the kernel has kept its state, where that is known.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExecutionUnknownError extends Schema.TaggedError<ExecutionUnknownError>(prefix + "ExecutionUnknownError")(
  "ExecutionUnknownError",
  { ...call, ...output, detail: Schema.String, ...stateKept }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = true
  override get message(): string {
    return sentence(`${this.operation}: it may have run; the outcome is unknown`, this.detail)
  }
}

/**
 * The session stopped the code or command at its time limit. `stdout` and `stderr` contain the output so far. `stateKept` tells
 * whether the kernel has kept its state, where that is known.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExecutionTimeoutError extends Schema.TaggedError<ExecutionTimeoutError>(prefix + "ExecutionTimeoutError")(
  "ExecutionTimeoutError",
  { ...call, ...output, timeoutMillis: Schema.Number, detail: Schema.String, ...stateKept }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = true
  override get message(): string {
    return sentence(`${this.operation}: stopped after ${this.timeoutMillis} ms`, this.detail)
  }
}

export {
  /**
   * One displayed value of a run: its representations by MIME type, e.g. `text/plain` and `image/png` (base64). `isMainResult` marks the value of the last expression.
   *
   * @since 0.1.0
   * @category models
   */
  CodeResultItem
} from "./internal/wire/models.js"

/**
 * The code raised an error. `name`, `value` and `traceback` are reported by the language; `results` contains the values
 * displayed before. `stateKept` tells whether the kernel has kept its state, where that is known.
 *
 * @since 0.1.0
 * @category errors
 */
export class CodeExecutionError extends Schema.TaggedError<CodeExecutionError>(prefix + "CodeExecutionError")(
  "CodeExecutionError",
  {
    ...call,
    ...output,
    language: Schema.String,
    name: Schema.String,
    value: Schema.String,
    traceback: Schema.String,
    results: Schema.Array(CodeResultItem),
    ...stateKept
  }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = true
  override get message(): string {
    return sentence(`${this.language} raised ${this.name}`, this.value)
  }
}

/**
 * The command exited with a code that is not in `acceptExitCodes`.
 *
 * @since 0.1.0
 * @category errors
 */
export class CommandExitError extends Schema.TaggedError<CommandExitError>(prefix + "CommandExitError")(
  "CommandExitError",
  { ...call, ...output, exitCode: Schema.Number }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = true
  override get message(): string {
    const lines = this.stderr.trimEnd().split("\n")
    return sentence(`the command exited with code ${this.exitCode}`, (lines.at(-1) ?? "").slice(0, 200))
  }
}

/**
 * The file or directory does not exist in the session.
 *
 * @since 0.1.0
 * @category errors
 */
export class FileNotFoundError extends Schema.TaggedError<FileNotFoundError>(prefix + "FileNotFoundError")(
  "FileNotFoundError",
  { ...call, path: Schema.String, detail: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = false
  override get message(): string {
    return line(`${this.operation}: ${this.path} does not exist`)
  }
}

/**
 * A file operation failed, except for a missing file. `detail` is the error text of the session. `Incomplete` means a partial
 * write, `Changed` that the file changed while it was read, `NotText` that the content is not valid UTF-8.
 *
 * @since 0.1.0
 * @category errors
 */
export class FileError extends Schema.TaggedError<FileError>(prefix + "FileError")(
  "FileError",
  {
    ...call,
    path: Schema.String,
    reason: Schema.Literal(
      "AlreadyExists",
      "PermissionDenied",
      "IsDirectory",
      "NotDirectory",
      "NoMatch",
      "NotText",
      "Changed",
      "Incomplete",
      "Other"
    ),
    detail: Schema.String,
    mayHaveHappened: Schema.Boolean
  }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  override get message(): string {
    return sentence(`${this.operation}: ${this.path} (${this.reason})`, this.detail)
  }
}

/**
 * The session has no process with this key.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProcessNotFoundError extends Schema.TaggedError<ProcessNotFoundError>(prefix + "ProcessNotFoundError")(
  "ProcessNotFoundError",
  { ...call, key: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = false
  override get message(): string {
    return line(`${this.operation}: the session has no process ${this.key}`)
  }
}

const processReasons = {
  Lost: "it ended without a record of its outcome",
  Gone: "its records are not in the session any more",
  Ended: "it ended before",
  NoStdin: "its standard input is not open",
  StdinClosed: "its standard input is closed",
  Unsupported: "the session cannot run it",
  Other: "the session failed"
} as const

/**
 * An operation on a process failed. `Lost` means that what records the outcome was killed, so that it will never be known;
 * `Ended` that the process ended before what was waited for; `Unsupported` that the session lacks a program that is needed.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProcessError extends Schema.TaggedError<ProcessError>(prefix + "ProcessError")(
  "ProcessError",
  {
    ...call,
    key: Schema.String,
    reason: Schema.Literal("Lost", "Gone", "Ended", "NoStdin", "StdinClosed", "Unsupported", "Other"),
    detail: Schema.String
  }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  get mayHaveHappened(): boolean {
    return this.reason === "Lost" || this.reason === "Other"
  }
  override get message(): string {
    return sentence(`${this.operation}: process ${this.key}, ${processReasons[this.reason]}`, this.detail)
  }
}

/**
 * Work on a context was refused or failed on the server (`Failed`), or the server did not confirm it in time (`Unconfirmed`): it
 * may or may not have been done. `path` is the directory of the session or the file of the context, or empty.
 *
 * @since 0.1.0
 * @category errors
 */
export class ContextError extends Schema.TaggedError<ContextError>(prefix + "ContextError")(
  "ContextError",
  {
    ...call,
    contextId: Schema.String,
    path: Schema.String,
    reason: Schema.Literal("Failed", "Unconfirmed"),
    detail: Schema.String
  }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = true
  readonly mayHaveHappened = true
  override get message(): string {
    const what = this.reason === "Failed" ? "failed" : "was not confirmed"
    const where = [this.path, this.contextId].filter((text) => text !== "").join(" of ")
    return sentence(`${this.operation}: the work on ${where === "" ? "the contexts" : where} ${what}`, this.detail)
  }
}

/**
 * The runtime that serves the calls could not be started; nothing was sent. `cause` is the error of the platform, e.g.
 * `SandboxUnavailableError`, `reason` its tag and `detail` its message.
 *
 * @since 0.1.0
 * @category errors
 */
export class RuntimeUnavailableError
  extends Schema.TaggedError<RuntimeUnavailableError>(prefix + "RuntimeUnavailableError")(
    "RuntimeUnavailableError",
    { reason: Schema.String, detail: Schema.String, cause: Schema.Defect }
  )
{
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = false
  override get message(): string {
    return this.detail
  }
}

/** Unions are built on first use: they compile the schema of every error, which few programs need. */
const clientErrors = () =>
  Schema.Union(
    InvalidRequestError,
    AuthenticationError,
    SessionLostError,
    RateLimitedError,
    RequestRejectedError,
    ServerError,
    TransportError,
    MalformedResponseError,
    LimitExceededError,
    PoolExhaustedError,
    ContextError
  )

const agbErrors = () =>
  Schema.Union(
    ConfigurationError,
    ...clientErrors().members,
    ToolError,
    ExecutionUnknownError,
    ExecutionTimeoutError,
    CodeExecutionError,
    CommandExitError,
    FileNotFoundError,
    FileError,
    ProcessNotFoundError,
    ProcessError,
    RuntimeUnavailableError
  )

/**
 * Errors of any API call: the union, and its schema.
 *
 * @since 0.1.0
 * @category errors
 */
export const ClientError: Schema.Schema<ClientError, ClientErrorEncoded> = Schema.suspend(clientErrors)

export type ClientError = ReturnType<typeof clientErrors>["Type"]

/**
 * What the schema `ClientError` encodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type ClientErrorEncoded = ReturnType<typeof clientErrors>["Encoded"]

/**
 * All errors of the SDK: the union, and its schema.
 *
 * @since 0.1.0
 * @category errors
 */
export const AgbError: Schema.Schema<AgbError, AgbErrorEncoded> = Schema.suspend(agbErrors)

export type AgbError = ReturnType<typeof agbErrors>["Type"]

/**
 * What the schema `AgbError` encodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type AgbErrorEncoded = ReturnType<typeof agbErrors>["Encoded"]

/**
 * Whether a value is an error of this SDK.
 *
 * @since 0.1.0
 * @category guards
 */
export const isAgbError = (u: unknown): u is AgbError => Predicate.hasProperty(u, TypeId)
