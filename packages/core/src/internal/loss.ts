/** Whether a session is still there. Its end fails every call in flight and every later one. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import { type ClientError, SessionLostError } from "../AgbError.js"
import type { Repeat } from "./api/endpoint.js"

export interface Loss {
  /** The first reason stays. */
  readonly declare: (reason: SessionLostError["reason"]) => Effect.Effect<void>
  /** Runs a call of the session unless it is lost, and ends it when the session is lost meanwhile. */
  readonly guard: <A, E>(
    operation: string,
    repeat: Repeat,
    call: Effect.Effect<A, E | ClientError>
  ) => Effect.Effect<A, E | ClientError>
}

export const make = (sessionId: string): Loss => {
  const lost = Deferred.unsafeMake<SessionLostError["reason"]>(FiberId.none)
  let reason: SessionLostError["reason"] | undefined

  const error = (operation: string, reason: SessionLostError["reason"], mayHaveHappened: boolean) =>
    new SessionLostError({ operation, sessionId, reason, mayHaveHappened })

  const declare: Loss["declare"] = (why) =>
    Effect.suspend(() => {
      reason ??= why
      return Deferred.succeed(lost, reason)
    })

  return {
    declare,
    guard: (operation, repeat, call) =>
      Effect.suspend(() =>
        reason !== undefined
          ? Effect.fail(error(operation, reason, false))
          : Effect.raceFirst(
            call,
            Effect.flatMap(Deferred.await(lost), (reason) => Effect.fail(error(operation, reason, repeat !== "read")))
          )
      ).pipe(
        Effect.tapError((failure) => isGone(failure) ? declare(failure.reason) : Effect.void)
      )
  }
}

const isGone = (failure: unknown): failure is SessionLostError =>
  failure instanceof SessionLostError && failure.reason === "NotFound"
