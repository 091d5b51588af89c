/**
 * Every failure of the SDK, as flat tagged errors: one per situation that a caller would treat differently.
 *
 * Each error answers three questions: what failed (`_tag`, `operation`, `message`), whether the work may have happened
 * on the server all the same (`mayHaveHappened`), and whether the same call may simply be made again (`retryable`).
 * No error holds a request, a key, a token or a whole body.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { CodeResultItem } from "./internal/wire/models.js"

/**
 * Identifies the errors of this SDK, also across copies of the package.
 *
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: unique symbol = Symbol.for("@effect-agb/core/AgbError")

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = typeof TypeId

const prefix = "@effect-agb/core/"

/** What every error that comes from a call says of that call. */
const call = {
  operation: Schema.String,
  requestId: Schema.optional(Schema.String)
}

/** Both depend on what was called: a read never changes anything and can always be repeated. */
const outcome = {
  mayHaveHappened: Schema.Boolean,
  retryable: Schema.Boolean
}

const output = {
  stdout: Schema.String,
  stderr: Schema.String
}

const sentence = (head: string, detail: string): string => detail === "" ? `${head}.` : `${head}: ${detail}`

/**
 * The SDK was configured wrongly: nothing was sent. `field` names the setting, `expected` what it should be.
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
 * An argument is not acceptable: nothing was sent. `given` describes the value in a few words and never quotes a long
 * or secret one.
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
 * The server refuses the API key (401, 403, or a key error in the envelope).
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
    return sentence(`${this.operation}: the API key was refused (HTTP ${this.status}), check AGB_API_KEY`, this.detail)
  }
}

/**
 * The session does not exist any more. `reason` is `NotFound` when the server said so, `Released` when this program
 * released it, `KeepAliveLost` when the keep-alive found it gone.
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
      NotFound: "the server does not know it (released, expired or never created)",
      Released: "this program released it",
      KeepAliveLost: "the keep-alive found it gone"
    }[this.reason]
    return `${this.operation}: session ${this.sessionId} is lost, ${why}; create a new one`
  }
}

/**
 * The server refused the call before doing any work because there are too many. `retryAfterMillis` is what the server
 * asked for, when it did.
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
    const wait = this.retryAfterMillis === undefined ? "" : `, try again in ${this.retryAfterMillis} ms`
    return sentence(`${this.operation}: rate limited${wait}`, this.detail)
  }
}

/**
 * The server understood the call and will not do it (a 4xx, or `success: false`). `code` is the server's own.
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
 * The server failed (5xx or 408).
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
 * The network failed, or the answer did not come in time. `mayHaveHappened` is false when nothing can have been sent
 * (refused, unknown host, TLS) and true otherwise.
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
      Interrupted: "the connection broke before the whole answer came",
      Timeout: "no answer in time"
    }[this.reason]
    return sentence(`${this.operation}: ${what}`, this.detail)
  }
}

/**
 * The reply does not have the documented shape. `path` says where, `expected` what should stand there; the value
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
 * Something is larger than allowed: a reply, a file, a list. `limit` is in bytes unless `what` says otherwise.
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
    return `${this.operation}: ${this.what} is over the limit of ${this.limit}`
  }
}

/**
 * A tool of the session answered with an error that has no type of its own; `detail` is its text.
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
 * Code or a command was sent and its outcome is not known: the reply was lost, late or unreadable. It is never
 * repeated by the SDK. `stdout` and `stderr` hold what had arrived.
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
    return sentence(`${this.operation}: it may or may not have run, the outcome is unknown`, this.detail)
  }
}

/**
 * The session stopped the code or command because its time was over. `stdout` and `stderr` hold the output so far.
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
   * One displayed value of a run: representations of the same thing by MIME type, e.g. `text/plain` and `image/png`
   * (base64). `isMainResult` marks the value of the last expression.
   *
   * @since 0.1.0
   * @category models
   */
  CodeResultItem
} from "./internal/wire/models.js"

/**
 * The code ran and raised. `name`, `value` and `traceback` are the language's own; `results` holds what was displayed
 * before.
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
 * The command ended with an exit code that the caller did not accept.
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
 * A file operation failed for another reason than a missing file: `reason` is the kind, `detail` the session's text.
 * `Incomplete` is a write that stopped half-way; `Changed` a file that changed while it was read; `NotText` bytes that
 * are not UTF-8.
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
 * The runtime that was to serve the calls could not be started: nothing was sent. `reason` is the tag of the platform's
 * own error, e.g. `SandboxUnavailableError`, which is the `cause`; `detail` is its message and says what to do.
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

/**
 * What any call to the API can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export const ClientError = Schema.Union(
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

/**
 * @since 0.1.0
 * @category errors
 */
export type ClientError = typeof ClientError.Type

/**
 * Every error of the SDK.
 *
 * @since 0.1.0
 * @category errors
 */
export const AgbError = Schema.Union(
  ConfigurationError,
  ...ClientError.members,
  ToolError,
  ExecutionUnknownError,
  ExecutionTimeoutError,
  CodeExecutionError,
  CommandExitError,
  FileNotFoundError,
  FileError,
  RuntimeUnavailableError
)

/**
 * @since 0.1.0
 * @category errors
 */
export type AgbError = typeof AgbError.Type

/**
 * Whether a value is an error of this SDK.
 *
 * @since 0.1.0
 * @category guards
 */
export const isAgbError = (u: unknown): u is AgbError => Predicate.hasProperty(u, TypeId)
