/** Work of finalizers that takes calls. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Option from "effect/Option"

/**
 * Runs an effect to its end, also as the finalizer of a fiber that is being interrupted, where `Effect.interruptible` would end
 * it at once. Waits for it no longer than `longest`; then it goes on alone, and the result is none.
 */
export const finish = <A, R>(
  effect: Effect.Effect<A, never, R>,
  longest: Duration.DurationInput
): Effect.Effect<Option.Option<A>, never, R> => {
  const inBackground = <B>(effect: Effect.Effect<B, never, R>) => Effect.forkDaemon(Effect.interruptible(effect))
  return Effect.uninterruptible(
    Effect.flatMap(
      inBackground(effect),
      (work) => Effect.flatMap(inBackground(Effect.timeoutOption(Fiber.join(work), longest)), Fiber.join)
    )
  )
}
