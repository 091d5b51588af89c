/** Values that a program ends itself, since it has no scope for them. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

/** A value, and what ends it. */
export interface Scoped<A> {
  readonly value: A
  readonly close: Effect.Effect<void>
}

/** Acquires a value in a scope of its own. */
export const acquire = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<Scoped<A>, E> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const value = yield* restore(Scope.extend(effect, scope)).pipe(
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
      return { value, close: Scope.close(scope, Exit.void) }
    })
  )
