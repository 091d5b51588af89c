/**
 * Background work that outlives its callers. It runs in daemon fibers: an interruption reaches the children of a fiber even
 * while the fiber itself is uninterruptible, so a finalizer must not do its work in children.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

export class Jobs {
  readonly #fibers = new Set<Fiber.RuntimeFiber<unknown, unknown>>()

  /** Starts a job. `onEnd` is called once, also if the job is interrupted before its first step. */
  start<A, E>(
    job: Effect.Effect<A, E>,
    onEnd: (exit: Exit.Exit<A, E>) => void = () => {}
  ): Effect.Effect<Fiber.RuntimeFiber<A, E>> {
    return Effect.uninterruptible(
      Effect.map(Effect.forkDaemon(Effect.interruptible(job)), (fiber) => {
        this.#fibers.add(fiber)
        fiber.addObserver((exit) => {
          this.#fibers.delete(fiber)
          onEnd(exit)
        })
        return fiber
      })
    )
  }

  /** Waits for all jobs, including those that are started meanwhile. */
  readonly wait: Effect.Effect<void> = Effect.suspend(() =>
    this.#fibers.size === 0 ? Effect.void : Effect.zipRight(Fiber.awaitAll([...this.#fibers]), this.wait)
  )

  /** Interrupts all jobs without waiting for their end. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach([...this.#fibers], Fiber.interruptFork, { discard: true })
  )
}
