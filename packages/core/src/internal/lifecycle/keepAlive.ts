/** Keep-alive of a session: resets its idle timer on the server until the session is lost or the fiber is interrupted. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { AgbClient } from "../../AgbClient.js"
import { internalOptions } from "../client/callOptions.js"
import type { SessionState } from "./sessionState.js"

/** Resets after a third of the idle timeout. A request that fails or hangs leaves time for at least two more. */
export const keepAlive = (
  client: AgbClient.Service,
  sessionId: string,
  state: SessionState,
  idleSeconds: number
): Effect.Effect<void> => {
  const third = Duration.millis(Math.ceil(idleSeconds * 1000 / 3))
  const ninth = Duration.millis(Math.ceil(idleSeconds * 1000 / 9))
  const options = internalOptions({
    operation: "Session.keepAlive",
    timeout: Duration.min(client.config.timeout, ninth)
  })
  return client.refreshSessionIdleTime({ sessionId }, options).pipe(
    Effect.tapError((error) => Effect.logDebug("The keep-alive of a session failed", error.message)),
    Effect.retry({ while: (error) => error._tag !== "SessionLostError", schedule: Schedule.spaced(ninth) }),
    Effect.delay(third),
    Effect.forever,
    Effect.catchAll(() => state.markLost("KeepAliveLost"))
  )
}
