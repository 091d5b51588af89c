/** Which outcomes of a create attempt are in doubt, and for how long a session may still appear. */
import type { ClientError } from "../../AgbError.js"
import { withOutcome } from "../client/retry/outcome.js"

/**
 * `none`: the request was not sent, or was rejected before any work. `refused`: the server says that it did nothing.
 * `answered`: the server failed and has ended its work. `open`: nobody but a gateway answered, the server may still be at
 * work.
 */
export type Doubt = "none" | "refused" | "answered" | "open"

/** How long after the attempt a session may appear, in milliseconds. */
export const windows = { refused: 0, answered: 15_000, open: 20_000 } as const

/** Statuses of gateways that gave up waiting, whatever their body. */
const gatewayStatuses = new Set([408, 502, 504])

export const doubtOf = (error: ClientError): Doubt => {
  switch (error._tag) {
    case "RequestRejectedError":
      return "refused"
    case "AuthenticationError":
      return error.status === 403 ? "refused" : "none"
    case "ServerError":
      return gatewayStatuses.has(error.status) || error.code === "" ? "open" : "answered"
    case "MalformedResponseError":
      return error.path === "body" ? "open" : "answered"
    case "TransportError":
      return error.mayHaveHappened ? "open" : "none"
    case "LimitExceededError":
      return "answered"
    default:
      return "none"
  }
}

/** No session is left of the attempt. */
export const rolledBack = (error: ClientError): ClientError => withOutcome(error, false, true)

/** A session may still appear, and will then be deleted: another attempt is safe. */
export const watched = (error: ClientError): ClientError => withOutcome(error, true, true)
