/** Whether a session is still there. Its end fails every call in flight and every later one. */
import * as Effect from "effect/Effect"
import { type ClientError, SessionLostError } from "../../AgbError.js"
import type { Ending } from "../client/cancellation.js"
import type { Repeat } from "../wire/endpoint.js"

type Reason = SessionLostError["reason"]

export interface Loss {
  /** The first reason stays. */
  readonly declare: (reason: Reason) => Effect.Effect<void>
  /** Runs a call of the session, which must heed the ending, unless the session is lost. */
  readonly guard: <A, E>(
    operation: string,
    repeat: Repeat,
    call: (ending: Ending<ClientError>) => Effect.Effect<A, E | ClientError>
  ) => Effect.Effect<A, E | ClientError>
}

const isGone = (failure: unknown): failure is SessionLostError =>
  failure instanceof SessionLostError && failure.reason === "NotFound"

export const make = (sessionId: string): Loss => {
  const listeners = new Set<(reason: Reason) => void>()
  let lost: Reason | undefined

  const declare: Loss["declare"] = (reason) =>
    Effect.sync(() => {
      if (lost !== undefined) return
      lost = reason
      for (const listener of [...listeners]) listener(reason)
    })

  const error = (operation: string, reason: Reason, mayHaveHappened: boolean) =>
    new SessionLostError({ operation, sessionId, reason, mayHaveHappened })

  const endingOf = (operation: string, repeat: Repeat): Ending<ClientError> => (end) => {
    const listener = (reason: Reason) => end(error(operation, reason, repeat !== "read"))
    if (lost === undefined) listeners.add(listener)
    else listener(lost)
    return () => listeners.delete(listener)
  }

  return {
    declare,
    guard: (operation, repeat, call) =>
      Effect.suspend(() =>
        lost !== undefined
          ? Effect.fail(error(operation, lost, false))
          : Effect.tapError(
            call(endingOf(operation, repeat)),
            (failure) => isGone(failure) ? declare(failure.reason) : Effect.void
          )
      )
  }
}
