/** Deleting a session until the server confirms that it is gone, inside a budget. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { AgbClient } from "../../AgbClient.js"
import { type ClientError, TransportError } from "../../AgbError.js"
import { internalOptions } from "../client/callOptions.js"

const operation = "Agb.delete"

const finished = new Set(["FINISH", "DELETED"])

/** 100 ms, growing to a second, with jitter. */
const pauses = Schedule.exponential("100 millis", 1.5).pipe(
  Schedule.union(Schedule.spaced("1 second")),
  Schedule.jittered
)

const notFoundIsGone = <A>(effect: Effect.Effect<A, ClientError>): Effect.Effect<A | "gone", ClientError> =>
  Effect.catchTag(effect, "SessionLostError", () => Effect.succeed("gone" as const))

const unconfirmed = (budget: Duration.Duration) =>
  new TransportError({
    operation,
    reason: "Timeout",
    detail: `the session was not confirmed as deleted within ${Duration.format(budget)}`,
    mayHaveHappened: true,
    retryable: true
  })

/** Waits until the status says that the session is over, or that nobody knows it. */
const confirm = (client: AgbClient.Service, sessionId: string): Effect.Effect<void, ClientError> =>
  notFoundIsGone(client.getSessionInfo({ sessionId }, internalOptions({ operation }))).pipe(
    Effect.map((info) => info === "gone" || finished.has(info.status.toUpperCase())),
    Effect.repeat({ until: (gone) => gone, schedule: pauses }),
    Effect.asVoid
  )

/** Releasing may be repeated, so an answer that cannot be read is no reason to stop. */
const mayPass = (error: ClientError): boolean => error.retryable || error._tag === "MalformedResponseError"

/**
 * Releases a session and waits for the end; one that is not found is released. Failures that may pass are repeated
 * until the budget is spent, all others are final.
 */
export const release = (client: AgbClient.Service, sessionId: string): Effect.Effect<void, ClientError> => {
  const budget = client.config.deleteBudget
  return notFoundIsGone(client.releaseSessionAsync({ sessionId }, internalOptions({ operation }))).pipe(
    Effect.flatMap((outcome) => outcome === "gone" ? Effect.void : confirm(client, sessionId)),
    Effect.retry({ while: mayPass, schedule: pauses }),
    Effect.interruptible,
    Effect.timeoutFail({ duration: budget, onTimeout: () => unconfirmed(budget) })
  )
}
