/** Cancellation of an effect from outside with a typed error. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Receives a `cancel(error)` function, which it may call immediately; returns a function that unregisters it. */
export type Cancellation<E> = (cancel: (error: E) => void) => () => void

/** Cancels for whichever of two reasons comes first. */
export const either = <E>(one: Cancellation<E>, other: Cancellation<E>): Cancellation<E> => (cancel) => {
  const [unregisterOne, unregisterOther] = [one(cancel), other(cancel)]
  return () => {
    unregisterOne()
    unregisterOther()
  }
}

/** Runs an effect in a separate fiber, so that it can be cancelled even inside a finalizer. */
export const cancellable = <A, E, E2>(
  effect: Effect.Effect<A, E>,
  onCancel: Cancellation<E2>
): Effect.Effect<A, E | E2> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkDaemon(Effect.interruptible(effect)),
      (child) =>
        // The interruption may arrive before the wait starts.
        Effect.onInterrupt(restore(firstOf(child, onCancel)), () => Fiber.interrupt(child))
    )
  )

/** Completes with the fiber or the cancellation, whichever is first. */
const firstOf = <A, E, E2>(child: Fiber.RuntimeFiber<A, E>, onCancel: Cancellation<E2>): Effect.Effect<A, E | E2> =>
  Effect.async((resume) => {
    let done = false
    const registrations: Array<() => void> = []
    const cleanUp = () => {
      done = true
      child.removeObserver(finish)
      for (const unregister of registrations.splice(0)) unregister()
    }
    const finish = (result: Effect.Effect<A, E | E2>) => {
      cleanUp()
      resume(result)
    }
    child.addObserver(finish)
    if (done) return
    registrations.push(onCancel((error) => finish(Effect.zipRight(Fiber.interrupt(child), Effect.fail(error)))))
    if (done) return cleanUp()
    return Effect.sync(cleanUp)
  })
