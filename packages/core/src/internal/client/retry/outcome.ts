/** Whether the attempts of one call may have reached the server. */
import {
  type ClientError,
  LimitExceededError,
  MalformedResponseError,
  ServerError,
  SessionLostError,
  TransportError
} from "../../../AgbError.js"
import type { Cancellation } from "../deadline/cancellation.js"
import type { Progress } from "../transport/exchange.js"

/**
 * The same error with another `mayHaveHappened`, and with another `retryable` if one is given; errors that cannot say it are
 * left alone.
 */
export const withOutcome = (
  error: ClientError,
  mayHaveHappened: boolean,
  retryable: boolean = error.retryable
): ClientError => {
  if (error.mayHaveHappened === mayHaveHappened && error.retryable === retryable) return error
  switch (error._tag) {
    case "TransportError":
      return new TransportError({ ...error, mayHaveHappened, retryable })
    case "ServerError":
      return new ServerError({ ...error, mayHaveHappened, retryable })
    case "MalformedResponseError":
      return new MalformedResponseError({ ...error, mayHaveHappened, retryable })
    case "SessionLostError":
      return new SessionLostError({ ...error, mayHaveHappened })
    case "LimitExceededError":
      return new LimitExceededError({ ...error, mayHaveHappened })
    default:
      return error
  }
}

export class Outcome {
  #progress: Progress | undefined
  #mayHaveHappened = false

  /** Starts an attempt; the transport keeps the progress up to date. */
  start(): Progress {
    return this.#progress = { stage: "unknown" }
  }

  /** Ends an attempt; returns its error, which also covers the attempts before. */
  fail(error: ClientError): ClientError {
    this.#progress = undefined
    this.#mayHaveHappened ||= error.mayHaveHappened
    return this.#mayHaveHappened ? withOutcome(error, true) : error
  }

  get stage(): Progress["stage"] | undefined {
    return this.#progress?.stage
  }

  /** Whether an earlier attempt may have happened, or the request of the current one may have been sent. */
  get mayHaveHappened(): boolean {
    return this.#mayHaveHappened || this.stage === "sent" || this.stage === "unknown"
  }

  /** A cancellation whose errors say what is known of the attempts. */
  exact(onCancel: Cancellation<ClientError> | undefined): Cancellation<ClientError> | undefined {
    return onCancel &&
      ((cancel) => onCancel((error) => cancel(this.mayHaveHappened ? error : withOutcome(error, false))))
  }
}
