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
import { call, outcome, output, sentence } from "./internal/wire/errorFields.js"
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
    return `Configuration: ${this.field} must be ${this.expected}`
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
    return `${this.operation}: ${this.field} must be ${this.expected}, but was ${this.given}`
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
    return `${this.operation}: session ${this.sessionId} is lost, ${why}; create a new one`
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
 * The server failed to process the call (5xx or 408). `code` is the server's error code.
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
    return `${this.operation}: the reply is malformed at ${this.path}, expected ${this.expected}`
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
    return `${this.operation}: ${this.what} exceeds the limit of ${this.limit}`
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
 * `stderr` contain the output received so far.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExecutionUnknownError extends Schema.TaggedError<ExecutionUnknownError>(prefix + "ExecutionUnknownError")(
  "ExecutionUnknownError",
  { ...call, ...output, detail: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = true
  override get message(): string {
    return sentence(`${this.operation}: it may have run; the outcome is unknown`, this.detail)
  }
}

/**
 * The session stopped the code or command at its time limit. `stdout` and `stderr` contain the output so far.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExecutionTimeoutError extends Schema.TaggedError<ExecutionTimeoutError>(prefix + "ExecutionTimeoutError")(
  "ExecutionTimeoutError",
  { ...call, ...output, timeoutMillis: Schema.Number, detail: Schema.String }
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
 * displayed before.
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
    results: Schema.Array(CodeResultItem)
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
    return `${this.operation}: ${this.path} does not exist`
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
    LimitExceededError
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
    RuntimeUnavailableError
  )

type ClientErrors = ReturnType<typeof clientErrors>
type AgbErrors = ReturnType<typeof agbErrors>

/**
 * Errors of any API call: the union, and its schema.
 *
 * @since 0.1.0
 * @category errors
 */
export const ClientError: Schema.Schema<ClientErrors["Type"], ClientErrors["Encoded"]> = Schema.suspend(clientErrors)

/**
 * Errors of any API call.
 *
 * @since 0.1.0
 * @category errors
 */
export type ClientError = ClientErrors["Type"]

/**
 * All errors of the SDK: the union, and its schema.
 *
 * @since 0.1.0
 * @category errors
 */
export const AgbError: Schema.Schema<AgbErrors["Type"], AgbErrors["Encoded"]> = Schema.suspend(agbErrors)

/**
 * All errors of the SDK.
 *
 * @since 0.1.0
 * @category errors
 */
export type AgbError = AgbErrors["Type"]

/**
 * Whether a value is an error of this SDK.
 *
 * @since 0.1.0
 * @category guards
 */
export const isAgbError = (u: unknown): u is AgbError => Predicate.hasProperty(u, TypeId)
