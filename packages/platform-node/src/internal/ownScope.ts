import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

/** A resource, and the scope that releases it. */
export interface Owned<A> {
  readonly value: A
  readonly scope: Scope.CloseableScope
}

/** Acquires a resource under a scope of its own, which is closed at once where that fails or is interrupted. */
export const acquireOwned = <A, E, R>(
  acquire: Effect.Effect<A, E, R>
): Effect.Effect<Owned<A>, E, Exclude<R, Scope.Scope>> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Scope.make(), (scope) =>
      restore(acquire).pipe(
        Scope.extend(scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
        Effect.map((value) => ({ value, scope }))
      ))
  )

/** Hands a resource over to the current scope. */
export const adopt = <A>({ scope, value }: Owned<A>): Effect.Effect<A, never, Scope.Scope> =>
  Effect.as(Effect.addFinalizer((exit) => Scope.close(scope, exit)), value)
