/**
 * Spaces out the retries of one kind of request, e.g. of all releases of a client. While the token bucket lasts they go at
 * once. Then one of those that wait goes as a probe, at growing intervals, until a request of the kind succeeds: each success
 * admits some more, so that the traffic of an outage stays near what was offered, and what waits goes soon after it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type { RetryBudget } from "../client/retry/retryBudget.js"

/** Milliseconds from one probe to the next. */
const shortest = 1000
const longest = 3000

/** How many of those that wait follow a success. */
const admitted = 4

interface Waiter {
  isAdmitted: boolean
  resume: () => void
}

/** The fiber that sends probes, while retries wait. */
interface Pacer {
  fiber: Fiber.RuntimeFiber<void> | undefined
}

export class PacedRetries {
  readonly #budget: RetryBudget
  readonly #waiting = new Set<Waiter>()
  #pacer: Pacer | undefined
  #interval = shortest
  #probeAt = 0

  constructor(budget: RetryBudget) {
    this.#budget = budget
  }

  /** Waits until a retry may be sent. */
  readonly turn: Effect.Effect<void> = Effect.suspend(() => this.#budget.tryTake() ? Effect.void : this.#wait)

  /** Must be called after each success of the kind. */
  succeeded(): void {
    this.#interval = shortest
    for (const waiter of [...this.#waiting].slice(0, admitted)) this.#admit(waiter)
  }

  #admit(waiter: Waiter): void {
    this.#waiting.delete(waiter)
    waiter.isAdmitted = true
    waiter.resume()
  }

  readonly #wait: Effect.Effect<void> = Effect.uninterruptibleMask((restore) => {
    const waiter: Waiter = { isAdmitted: false, resume: () => {} }
    this.#waiting.add(waiter)
    const admission = Effect.async<void>((resume) => {
      waiter.resume = () => resume(Effect.void)
      if (waiter.isAdmitted) waiter.resume()
    })
    return Effect.zipRight(this.#start, restore(admission)).pipe(
      Effect.ensuring(Effect.sync(() => this.#leave(waiter)))
    )
  })

  /** The pacer ends with the last that waits: its sleep would keep the process alive. */
  #leave(waiter: Waiter): void {
    this.#waiting.delete(waiter)
    if (this.#waiting.size > 0) return
    this.#pacer?.fiber?.unsafeInterruptAsFork(FiberId.none)
    this.#pacer = undefined
  }

  readonly #start: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#pacer !== undefined) return Effect.void
    const pacer: Pacer = { fiber: undefined }
    this.#pacer = pacer
    return Effect.map(Effect.forkDaemon(Effect.interruptible(this.#pace(pacer))), (fiber) => {
      pacer.fiber = fiber
    })
  })

  #pace(pacer: Pacer): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const [first] = this.#waiting
      if (this.#pacer !== pacer) return Effect.void
      if (first === undefined) {
        this.#pacer = undefined
        return Effect.void
      }
      if (now >= this.#probeAt) {
        this.#probeAt = now + this.#interval
        this.#interval = Math.min(longest, 2 * this.#interval)
        this.#admit(first)
      }
      return Effect.zipRight(Effect.sleep(this.#probeAt - now), Effect.suspend(() => this.#pace(pacer)))
    })
  }
}
