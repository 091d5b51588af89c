/** Errors of calls of which nothing was sent. */
import * as Schema from "effect/Schema"
import { line } from "./sharedFields.js"
import { prefix, TypeId } from "./typeId.js"

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
