/** Tracks whether a session still exists. Once it is lost, calls in flight and later calls fail. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type ClientError, SessionLostError } from "../../AgbError.js"
import type { Cancellation } from "../client/deadline/cancellation.js"
import type { RetrySafety } from "../wire/endpoints/endpoint.js"
import type { PersistenceData } from "../wire/persistence.js"

type Reason = SessionLostError["reason"]

export interface SessionState {
  /** The directories that contexts persist, if this program has created the session. */
  readonly mounts: ReadonlyArray<PersistenceData> | undefined
  /** The idle timer of the session was reset, at the earliest at this time, in milliseconds since the epoch. */
  readonly renewed: (at: number) => void
  /** When the server will release the session, in milliseconds since the epoch; none if its idle timeout is not known. */
  readonly expiry: () => Option.Option<number>
  /** Marks the session as lost. Only the first reason is kept. */
  readonly markLost: (reason: Reason) => Effect.Effect<void>
  /** Runs a call of the session, or fails if the session is lost. The call must observe the cancellation. */
  readonly guard: <A, E>(
    operation: string,
    retrySafety: RetrySafety,
    call: (onCancel: Cancellation<ClientError>) => Effect.Effect<A, E | ClientError>
  ) => Effect.Effect<A, E | ClientError>
}

const isGone = (failure: unknown): failure is SessionLostError =>
  failure instanceof SessionLostError && failure.reason === "NotFound"

export interface Known {
  readonly mounts?: ReadonlyArray<PersistenceData> | undefined
  readonly idleTimeoutSeconds?: number | undefined
}

export const make = (sessionId: string, { idleTimeoutSeconds, mounts }: Known = {}): SessionState => {
  const listeners = new Set<(reason: Reason) => void>()
  let lost: Reason | undefined
  let renewedAt: number | undefined

  const markLost: SessionState["markLost"] = (reason) =>
    Effect.sync(() => {
      if (lost !== undefined) return
      lost = reason
      for (const listener of [...listeners]) listener(reason)
    })

  const error = (operation: string, reason: Reason, mayHaveHappened: boolean) =>
    new SessionLostError({ operation, sessionId, reason, mayHaveHappened })

  const onLost = (operation: string, retrySafety: RetrySafety): Cancellation<ClientError> => (cancel) => {
    const listener = (reason: Reason) => cancel(error(operation, reason, retrySafety !== "safe"))
    if (lost === undefined) listeners.add(listener)
    else listener(lost)
    return () => listeners.delete(listener)
  }

  return {
    mounts,
    renewed: (at) => {
      renewedAt = Math.max(at, renewedAt ?? 0)
    },
    expiry: () =>
      renewedAt === undefined || idleTimeoutSeconds === undefined || lost !== undefined
        ? Option.none()
        : Option.some(renewedAt + idleTimeoutSeconds * 1000),
    markLost,
    guard: (operation, retrySafety, call) =>
      Effect.suspend(() =>
        lost !== undefined
          ? Effect.fail(error(operation, lost, false))
          : Effect.tapError(
            call(onLost(operation, retrySafety)),
            (failure) => isGone(failure) ? markLost(failure.reason) : Effect.void
          )
      )
  }
}
