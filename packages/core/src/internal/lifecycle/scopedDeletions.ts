/**
 * Deletes sessions at the end of a scope, in parallel: the finalizer of each session only starts its deletion, and a
 * finalizer that was added first, and therefore runs last, waits for all of them.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { ClientError } from "../../AgbError.js"
import type { Pending } from "./removals.js"
import type { Supervisor } from "./supervisor.js"

interface Identified {
  readonly sessionId: string
}

export interface ScopedDeletions<Params, Options, Session extends Identified, E> {
  /** Creates a session that is deleted when the `Agb` layer ends, unless it was deleted before. */
  readonly create: (params: Params, options?: Options) => Effect.Effect<Session, E>
  /** Starts the deletion; the end of the scope waits for it. A failure is reported by the supervisor. */
  readonly start: (session: Session) => Effect.Effect<void>
  /** Deletes a session of `create`. If that fails the end of the layer does not try again. */
  readonly remove: (sessionId: string) => Effect.Effect<void, ClientError>
}

/** Returns an effect that yields the deletions of the current scope. */
export const make = <Params, Options, Session extends Identified, E>(
  supervisor: Supervisor,
  create: (params: Params, options?: Options) => Effect.Effect<Session, E>
): Effect.Effect<ScopedDeletions<Params, Options, Session, E>, never, Scope.Scope> => {
  const scopes = new WeakMap<Scope.Scope, Array<Pending>>()

  const pendingOf = (scope: Scope.Scope): Effect.Effect<Array<Pending>> =>
    Effect.suspend(() => {
      const known = scopes.get(scope)
      if (known !== undefined) return Effect.succeed(known)
      const pending: Array<Pending> = []
      scopes.set(scope, pending)
      const wait = Effect.suspend(() =>
        Effect.forEach(pending, (one) => Effect.exit(Deferred.await(one)), { discard: true })
      )
      return Effect.as(Scope.addFinalizer(scope, wait), pending)
    })

  return Effect.map(Effect.flatMap(Effect.scope, pendingOf), (pending) => ({
    create,
    start: ({ sessionId }) =>
      Effect.map(supervisor.startRemoval(sessionId), (started) => {
        if (Option.isSome(started)) pending.push(started.value)
      }),
    remove: (sessionId) =>
      Effect.flatMap(
        Effect.uninterruptible(supervisor.startRemoval(sessionId)),
        Option.match({ onNone: () => Effect.void, onSome: Deferred.await })
      )
  }))
}
