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
import {
  AuthenticationError,
  LimitExceededError,
  MalformedResponseError,
  RateLimitedError,
  RequestRejectedError,
  ServerError,
  SessionLostError,
  TransportError
} from "./internal/errors/call.js"
import {
  CodeExecutionError,
  CommandExitError,
  ExecutionTimeoutError,
  ExecutionUnknownError,
  ProcessError,
  ProcessNotFoundError,
  ToolError
} from "./internal/errors/execution.js"
import { ContextError, FileError, FileNotFoundError } from "./internal/errors/files.js"
import { TypeId } from "./internal/errors/typeId.js"
import {
  ConfigurationError,
  InvalidRequestError,
  PoolExhaustedError,
  RuntimeUnavailableError
} from "./internal/errors/unsent.js"

export * from "./internal/errors/call.js"
export * from "./internal/errors/execution.js"
export * from "./internal/errors/files.js"
export { TypeId } from "./internal/errors/typeId.js"
export * from "./internal/errors/unsent.js"

export {
  /**
   * One displayed value of a run: its representations by MIME type, e.g. `text/plain` and `image/png` (base64). `isMainResult` marks the value of the last expression.
   *
   * @since 0.1.0
   * @category models
   */
  CodeResultItem
} from "./internal/wire/models.js"

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
