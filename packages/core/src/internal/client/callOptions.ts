/** Options of an API call: the public ones, and those that only modules of the SDK pass. */
import type * as Duration from "effect/Duration"
import type { ClientError } from "../../AgbError.js"
import type { RetrySafety } from "../wire/endpoint.js"
import type { Cancellation } from "./cancellation.js"

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
  /** Registers a function that cancels the call. */
  readonly onCancel?: Cancellation<ClientError> | undefined
}

/** Passes internal options through the public type of a method. */
export const internalOptions = (options: InternalCallOptions): CallOptions => options
