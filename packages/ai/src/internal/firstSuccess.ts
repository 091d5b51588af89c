/** What is had when it is first needed, and kept for all who need it later. */
import * as Effect from "effect/Effect"

/** A failure and an interruption are not kept, as they would be by `Effect.cached`: the next call tries again. */
export const firstSuccess = <A, E, R>(acquire: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const turn = Effect.unsafeMakeSemaphore(1)
  let kept: { readonly value: A } | undefined
  const acquireOnce = Effect.suspend(() =>
    kept === undefined
      ? Effect.tap(acquire, (value) =>
        Effect.sync(() => {
          kept = { value }
        }))
      : Effect.succeed(kept.value)
  )
  return Effect.suspend(() => kept === undefined ? turn.withPermits(1)(acquireOnce) : Effect.succeed(kept.value))
}
