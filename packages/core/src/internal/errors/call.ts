/** Errors of API calls: what the server refused or failed to do, and what was lost on the way. */
import * as Schema from "effect/Schema"
import { call, line, outcome, sentence } from "./sharedFields.js"
import { prefix, TypeId } from "./typeId.js"

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
