/** Keep-alive of sessions: resets the idle timer on the server until a session is lost or its keep-alive is stopped. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { AgbClient } from "../../AgbClient.js"
import type { ClientError } from "../../AgbError.js"
import { internalOptions } from "../client/callOptions.js"
import { visible } from "../wire/text/visibleText.js"
import type { SessionState } from "./sessionState.js"

/** Warns once of each outage, when a third of the idle timeout is left. */
const makeWarning = (sessionId: string, state: SessionState, idleSeconds: number) => {
  let hasWarned = false
  return {
    succeeded: () => {
      hasWarned = false
    },
    failed: ({ message }: ClientError): Effect.Effect<void> =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const debug = Effect.logDebug("The keep-alive of a session failed", message)
        const expiry = Option.filter(state.expiry(), (time) => time - now <= idleSeconds * 1000 / 3)
        if (hasWarned || Option.isNone(expiry)) return debug
        hasWarned = true
        const expiresAt = new Date(expiry.value).toISOString()
        return Effect.annotateLogs(
          Effect.logWarning(
            `The keep-alive of a session fails: unless it is used, the server releases it at ${expiresAt}`,
            message
          ),
          { sessionId: visible(sessionId) }
        )
      })
  }
}

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
  const warning = makeWarning(sessionId, state, idleSeconds)
  const refresh = Effect.flatMap(
    Clock.currentTimeMillis,
    (now) =>
      Effect.map(client.refreshSessionIdleTime({ sessionId }, options), () => {
        state.renewed(now)
        warning.succeeded()
      })
  )
  return refresh.pipe(
    Effect.tapError((error) => error._tag === "SessionLostError" ? Effect.void : warning.failed(error)),
    Effect.retry({ while: (error) => error._tag !== "SessionLostError", schedule: Schedule.spaced(ninth) }),
    Effect.delay(third),
    Effect.forever,
    Effect.catchAll(() => state.markLost("KeepAliveLost"))
  )
}

/** The keep-alives of the sessions that a program owns. */
export class KeepAlives {
  readonly #fibers = new Map<string, Fiber.RuntimeFiber<void>>()

  start(sessionId: string, keepAlive: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.uninterruptible(
      Effect.map(Effect.forkDaemon(Effect.interruptible(keepAlive)), (fiber) => {
        this.#fibers.set(sessionId, fiber)
        fiber.addObserver(() => {
          if (this.#fibers.get(sessionId) === fiber) this.#fibers.delete(sessionId)
        })
      })
    )
  }

  /** Waits for a request in flight, so that its reply is not taken for a loss of the session. */
  stop(sessionId: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const fiber = this.#fibers.get(sessionId)
      return fiber === undefined ? Effect.void : Effect.asVoid(Fiber.interrupt(fiber))
    })
  }

  readonly stopAll: Effect.Effect<void> = Effect.suspend(() => Fiber.interruptAll([...this.#fibers.values()]))
}
