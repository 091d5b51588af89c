/** The background work of the server, and its orderly stop. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"

export interface BackgroundWork {
  /** Runs something in the background. */
  readonly start: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  /** Once true, nothing new should be started for clients. */
  readonly isStopping: () => boolean
  /** Waits for running work for the grace period, then interrupts the rest. */
  readonly stop: Effect.Effect<void>
}

/** Time for interrupted work to send its last reply, in milliseconds. */
const interruptTimeoutMs = 300

export const make = (graceMs: number): Effect.Effect<BackgroundWork> =>
  Effect.map(Effect.runtime<never>(), (runtime) => {
    const run = Runtime.runFork(runtime)
    const fibers = new Set<Fiber.RuntimeFiber<void>>()
    let stopping = false
    let onIdle = () => {}

    const start: BackgroundWork["start"] = (effect) => {
      const fiber = run(Effect.interruptible(effect))
      fibers.add(fiber)
      fiber.addObserver(() => {
        fibers.delete(fiber)
        if (fibers.size === 0) onIdle()
      })
      return fiber
    }

    /** Uses the machine's clock, since a program may have replaced Effect's. */
    const idleWithin = (millis: number) =>
      Effect.async<void>((resume) => {
        const proceed = () => {
          clearTimeout(timer)
          resume(Effect.void)
        }
        const timer = setTimeout(proceed, millis)
        onIdle = proceed
        if (fibers.size === 0) proceed()
      })

    const interrupt = Effect.sync(() => {
      for (const fiber of fibers) fiber.unsafeInterruptAsFork(FiberId.none)
    })

    const stop = Effect.suspend(() => {
      stopping = true
      return Effect.zipRight(Effect.zipRight(idleWithin(graceMs), interrupt), idleWithin(interruptTimeoutMs))
    })

    return { start, isStopping: () => stopping, stop }
  })
