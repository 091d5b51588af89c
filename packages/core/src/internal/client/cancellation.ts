/** Ending something from outside, before it ends by itself. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Registers what ends something early, with an error, and gives how to take the registration back. It may end at once. */
export type Ending<E> = (end: (error: E) => void) => () => void

/** Runs an effect in a fiber of its own, so that the ending can interrupt it, in a finalizer too. */
export const endable = <A, E, E2>(effect: Effect.Effect<A, E>, ending: Ending<E2>): Effect.Effect<A, E | E2> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkDaemon(Effect.interruptible(effect)),
      (child) =>
        // An interruption may come before the wait begins.
        Effect.onInterrupt(restore(settled(child, ending)), () => Fiber.interrupt(child))
    )
  )

/** Waits for whatever comes first. */
const settled = <A, E, E2>(child: Fiber.RuntimeFiber<A, E>, ending: Ending<E2>): Effect.Effect<A, E | E2> =>
  Effect.async((resume) => {
    let over = false
    const registrations: Array<() => void> = []
    const leave = () => {
      over = true
      child.removeObserver(finish)
      for (const takeBack of registrations.splice(0)) takeBack()
    }
    const finish = (result: Effect.Effect<A, E | E2>) => {
      leave()
      resume(result)
    }
    child.addObserver(finish)
    if (over) return
    registrations.push(ending((error) => finish(Effect.zipRight(Fiber.interrupt(child), Effect.fail(error)))))
    if (over) return leave()
    return Effect.sync(leave)
  })
