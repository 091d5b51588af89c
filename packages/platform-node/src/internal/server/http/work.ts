/** Everything that the server is doing for its clients, and its orderly end. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"

export interface Work {
  /** Does something in the background. */
  readonly start: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  /** Once true, nothing new should be begun for clients. */
  readonly isEnding: () => boolean
  /** Lets what has begun finish, but not for longer than the patience, and interrupts the rest. */
  readonly end: Effect.Effect<void>
}

/** What interrupted work gets to say goodbye. */
const lastWords = 300

export const make = (patience: number): Effect.Effect<Work> =>
  Effect.map(Effect.runtime<never>(), (runtime) => {
    const run = Runtime.runFork(runtime)
    const fibers = new Set<Fiber.RuntimeFiber<void>>()
    let ending = false
    let whenDone = () => {}

    const start: Work["start"] = (effect) => {
      const fiber = run(Effect.interruptible(effect))
      fibers.add(fiber)
      fiber.addObserver(() => {
        fibers.delete(fiber)
        if (fibers.size === 0) whenDone()
      })
      return fiber
    }

    /** By the machine's time: a program's own clock must not hold up the end. */
    const doneWithin = (millis: number) =>
      Effect.async<void>((resume) => {
        const proceed = () => {
          clearTimeout(timer)
          resume(Effect.void)
        }
        const timer = setTimeout(proceed, millis)
        whenDone = proceed
        if (fibers.size === 0) proceed()
      })

    const interrupt = Effect.sync(() => {
      for (const fiber of fibers) fiber.unsafeInterruptAsFork(FiberId.none)
    })

    const end = Effect.suspend(() => {
      ending = true
      return Effect.zipRight(Effect.zipRight(doneWithin(patience), interrupt), doneWithin(lastWords))
    })

    return { start, isEnding: () => ending, end }
  })
