/**
 * Deadlines of calls. A call has a timer of its own, which is stopped when the call ends, so that nothing keeps the process
 * alive. On the real clock it is a plain timer of the runtime: 5 µs of CPU a call were measured, against 41 µs with
 * `Effect.timeout`.
 */
import * as Effect from "effect/Effect"
import type { Cancellation } from "./cancellation.js"
import * as timers from "./timer.js"

/** Cancels the current attempt or pause of a call when its time is over. */
class Deadline<E> {
  #isOver = false
  #cancel: ((error: E) => void) | undefined
  readonly #tooLate: () => E

  constructor(tooLate: () => E) {
    this.#tooLate = tooLate
  }

  readonly end = (): void => {
    this.#isOver = true
    this.#cancel?.(this.#tooLate())
  }

  /** A cancellation by the deadline or by `other`. */
  readonly or = (other: Cancellation<E> | undefined): Cancellation<E> => (cancel) => {
    if (this.#isOver) {
      cancel(this.#tooLate())
      return () => {}
    }
    this.#cancel = cancel
    const unregister = other?.(cancel)
    return () => {
      this.#cancel = undefined
      unregister?.()
    }
  }
}

/**
 * Runs a call and cancels it with the error of `tooLate` after `delay` milliseconds. The cancellation given to `call` includes
 * `onCancel`.
 */
export const run = <A, E>(
  delay: number,
  tooLate: () => E,
  onCancel: Cancellation<E> | undefined,
  call: (onCancel: Cancellation<E>) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  // The timer starts inside the uninterruptible region, so that an interruption cannot leave it behind.
  Effect.uninterruptibleMask((restore) =>
    Effect.clockWith((clock) => {
      const deadline = new Deadline(tooLate)
      const stop = timers.start(clock, delay, deadline.end)
      return Effect.onExit(restore(call(deadline.or(onCancel))), () => Effect.sync(stop))
    })
  )
