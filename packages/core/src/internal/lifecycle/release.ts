/** Deletes a session and waits until the server confirms it, within a time budget. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { AgbClient } from "../../AgbClient.js"
import { type ClientError, TransportError } from "../../AgbError.js"
import { internalOptions } from "../client/callOptions.js"

const operation = "Agb.delete"

const finished = new Set(["FINISH", "DELETED"])

/** From 100 ms up to 1 s, with jitter. */
const delays = Schedule.exponential("100 millis", 1.5).pipe(
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

/** Polls the status until it is final or the session is not found. */
const confirm = (client: AgbClient.Service, sessionId: string): Effect.Effect<void, ClientError> =>
  notFoundIsGone(client.getSessionInfo({ sessionId }, internalOptions({ operation }))).pipe(
    Effect.map((info) => info === "gone" || finished.has(info.status.toUpperCase())),
    Effect.repeat({ until: (gone) => gone, schedule: delays }),
    Effect.asVoid
  )

/** Releasing is idempotent, so a malformed reply is retried as well. */
const isTransient = (error: ClientError): boolean => error.retryable || error._tag === "MalformedResponseError"

/**
 * Releases a session and waits for confirmation; "not found" counts as released. Transient failures are retried until
 * `deleteBudget` is exhausted, all others are final.
 */
export const release = (client: AgbClient.Service, sessionId: string): Effect.Effect<void, ClientError> => {
  const budget = client.config.deleteBudget
  return notFoundIsGone(client.releaseSessionAsync({ sessionId }, internalOptions({ operation }))).pipe(
    Effect.flatMap((outcome) => outcome === "gone" ? Effect.void : confirm(client, sessionId)),
    Effect.retry({ while: isTransient, schedule: delays }),
    Effect.interruptible,
    Effect.timeoutFail({ duration: budget, onTimeout: () => unconfirmed(budget) })
  )
}
