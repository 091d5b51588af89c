/** Cancelling work from outside with a typed error, before it ends by itself. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Receives a `cancel(error)` function, which it may call at once; returns a function that unregisters it. */
export type Cancellation<E> = (cancel: (error: E) => void) => () => void

/** Runs an effect in a fiber of its own, so that it can be cancelled even inside a finalizer. */
export const cancellable = <A, E, E2>(
  effect: Effect.Effect<A, E>,
  onCancel: Cancellation<E2>
): Effect.Effect<A, E | E2> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkDaemon(Effect.interruptible(effect)),
      (child) =>
        // An interruption may come before the wait begins.
        Effect.onInterrupt(restore(firstOf(child, onCancel)), () => Fiber.interrupt(child))
    )
  )

/** Waits for the fiber or the cancellation, whichever comes first. */
const firstOf = <A, E, E2>(child: Fiber.RuntimeFiber<A, E>, onCancel: Cancellation<E2>): Effect.Effect<A, E | E2> =>
  Effect.async((resume) => {
    let over = false
    const registrations: Array<() => void> = []
    const leave = () => {
      over = true
      child.removeObserver(finish)
      for (const unregister of registrations.splice(0)) unregister()
    }
    const finish = (result: Effect.Effect<A, E | E2>) => {
      leave()
      resume(result)
    }
    child.addObserver(finish)
    if (over) return
    registrations.push(onCancel((error) => finish(Effect.zipRight(Fiber.interrupt(child), Effect.fail(error)))))
    if (over) return leave()
    return Effect.sync(leave)
  })
