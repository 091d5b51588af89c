/** Options of an API call: the public ones, and those that only modules of the SDK pass. */
import type * as Duration from "effect/Duration"
import type { ClientError } from "../../AgbError.js"
import type { RetrySafety } from "../wire/endpoints/endpoint.js"
import type { Cancellation } from "./deadline/cancellation.js"

export interface CallOptions {
  /** Deadline of the call, including retries. Default: `timeout` of the configuration. */
  readonly timeout?: Duration.DurationInput | undefined
}

export interface InternalCallOptions extends CallOptions {
  /** Method name reported in errors. Default: the name of the endpoint. */
  readonly operation?: string | undefined
  /** Default: `retrySafety` of the endpoint. */
  readonly retrySafety?: RetrySafety | undefined
  /** Time for the transport, added to `timeout`. Default: none. */
  readonly margin?: Duration.Duration | undefined
  /** The session that the call is about, where the request does not name it. */
  readonly sessionId?: string | undefined
  /** `false` leaves the span to the caller, for replies that are errors to others but not to it. Default: true. */
  readonly hasSpan?: boolean | undefined
  /** Receives the fields of every reply that is an object, also of those that are failures. */
  readonly onReply?: ((fields: Readonly<Record<string, unknown>>) => void) | undefined
  /** Registers a function that cancels the call. */
  readonly onCancel?: Cancellation<ClientError> | undefined
}

/** Passes internal options through the public type of a method. */
export const internalOptions = (options: InternalCallOptions): CallOptions => options
