/** Options of a call to an endpoint: the public one, and those that only the SDK's own modules pass. */
import type * as Duration from "effect/Duration"
import type { ClientError } from "../../AgbError.js"
import type { RetrySafety } from "../wire/endpoint.js"
import type { Cancellation } from "./cancellation.js"

export interface CallOptions {
  /** Deadline of this call, all attempts included. Default: `timeout` of the configuration. */
  readonly timeout?: Duration.DurationInput | undefined
}

export interface InternalCallOptions extends CallOptions {
  /** The method that errors name. Default: the endpoint. */
  readonly operation?: string | undefined
  /** Default: that of the endpoint. */
  readonly retrySafety?: RetrySafety | undefined
  /** Added to the timeout: what the transport may take on top of the time of the tool itself. */
  readonly margin?: Duration.Duration | undefined
  readonly onCancel?: Cancellation<ClientError> | undefined
}

/** Hides the internal options from the public type of a method, which ignores no option it is given. */
export const internalOptions = (options: InternalCallOptions): CallOptions => options
