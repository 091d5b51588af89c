/**
 * Deletions at the end of a scope. They run in parallel: the finalizer of each session only starts its own deletion, and a
 * finalizer that was added before all of them, and so runs last, waits for the lot.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"

interface Identified {
  readonly sessionId: string
}

export interface ScopedDeletions {
  /** From now on the session is deleted at the latest at the end of the `Agb` layer, whatever happens to the scope. */
  readonly own: (session: Identified) => Effect.Effect<void>
  /** Starts the deletion, for which the end of the scope waits. A deletion that fails is reported. */
  readonly start: (session: Identified) => Effect.Effect<void>
}

/**
 * Gives the deletions of the scope in which it is run. `remove` deletes a session and reports a failure. A scope of a
 * session may outlive the scope of `make`, whose end then deletes what is left.
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
