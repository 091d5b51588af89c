/** Errors of the calls that meet the end of their service. */
import { InvalidRequestError, SessionLostError, TransportError } from "../../AgbError.js"

/** The call came too late; nothing was sent. */
export const serviceEnded = (operation: string) =>
  new InvalidRequestError({
    operation,
    field: "agb",
    given: "a service whose layer has ended",
    expected: "a service whose layer has not ended"
  })

/** The call was cut off; its outcome is unknown. */
export const serviceEnds = (operation: string) =>
  new TransportError({
    operation,
    reason: "Interrupted",
    detail: "the layer of the service ended",
    mayHaveHappened: true,
    retryable: false
  })

/** The session was created when nobody waited for it any more, or when the service ended; it is being deleted. */
export const releasedAtOnce = (sessionId: string) =>
  new SessionLostError({ operation: "Session.make", sessionId, reason: "Released", mayHaveHappened: true })
