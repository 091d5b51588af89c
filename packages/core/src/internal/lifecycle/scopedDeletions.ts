/**
 * Deletes sessions at the end of a scope, in parallel: the finalizer of each session only starts its deletion, and a
 * finalizer that was added first, and therefore runs last, waits for all of them.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"

interface Identified {
  readonly sessionId: string
}

export interface ScopedDeletions {
  /** Takes ownership: the session is deleted when the `Agb` layer ends, unless it was deleted before. */
  readonly own: (session: Identified) => Effect.Effect<void>
  /** Starts the deletion; the end of the scope waits for it. A failure is reported by `remove`. */
  readonly start: (session: Identified) => Effect.Effect<void>
}

/**
 * Returns an effect that yields the deletions of the current scope. `remove` deletes a session and reports failures. The
 * end of the scope of `make` deletes the sessions whose own scopes outlive it.
 */
export const make = (
  remove: (sessionId: string) => Effect.Effect<void, unknown>
): Effect.Effect<Effect.Effect<ScopedDeletions, never, Scope.Scope>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const owned = new Set<string>()
    const scopes = new WeakMap<Scope.Scope, Array<Fiber.Fiber<void>>>()
    const release = (sessionId: string) =>
      Effect.suspend(() => owned.delete(sessionId) ? Effect.ignore(remove(sessionId)) : Effect.void)

    const fibersOf = (scope: Scope.Scope): Effect.Effect<Array<Fiber.Fiber<void>>> =>
      Effect.suspend(() => {
        const known = scopes.get(scope)
        if (known !== undefined) return Effect.succeed(known)
        const fibers: Array<Fiber.Fiber<void>> = []
        scopes.set(scope, fibers)
        return Effect.as(Scope.addFinalizer(scope, Effect.suspend(() => Fiber.awaitAll(fibers))), fibers)
      })

    yield* Effect.addFinalizer(() => Effect.forEach([...owned], release, { concurrency: "unbounded", discard: true }))

    return Effect.map(Effect.flatMap(Effect.scope, fibersOf), (fibers) => ({
      own: ({ sessionId }) => Effect.sync(() => void owned.add(sessionId)),
      start: ({ sessionId }) => Effect.map(Effect.forkDaemon(release(sessionId)), (fiber) => void fibers.push(fiber))
    }))
  })
