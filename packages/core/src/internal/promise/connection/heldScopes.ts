/** What lasts between calls, each in a scope of its own: the caller releases it, or else the disposal. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

/** A value, and the end of its scope: as a success, or as what went wrong in its use. */
export interface Held<A> {
  readonly value: A
  readonly release: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>
}

export class HeldScopes {
  readonly #scopes = new Set<Scope.CloseableScope>()
  readonly #onChange: () => void

  /** `onChange` is told when something is held that was not, and the other way round. */
  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  get size(): number {
    return this.#scopes.size
  }

  acquire<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Held<A>, E, Exclude<R, Scope.Scope>> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.make(), (scope) => {
        this.#scopes.add(scope)
        this.#onChange()
        return restore(Scope.extend(effect, scope)).pipe(
          Effect.onError((cause) => this.#release(scope, Exit.failCause(cause))),
          Effect.map((value) => ({ value, release: (exit) => this.#release(scope, exit) }))
        )
      })
    )
  }

  readonly releaseAll: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach([...this.#scopes], (scope) => this.#release(scope, Exit.void), {
      concurrency: "unbounded",
      discard: true
    })
  )

  #release(scope: Scope.CloseableScope, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.#scopes.delete(scope)) return Effect.void
      return Effect.ensuring(Scope.close(scope, exit), Effect.sync(this.#onChange))
    })
  }
}
