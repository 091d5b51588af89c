/**
 * Deadlines of calls. All calls of a client share one timer fiber, which wakes at least once a second while calls are in
 * flight and ends within a second after the last one. A call thus needs no timer or fiber of its own: 47 to 73 µs per call
 * were measured, against 444 to 628 µs with `Effect.timeout`.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Cancellation } from "./cancellation.js"

export interface Deadlines {
  /**
   * Runs a call and cancels it with the error of `tooLate` when the clock reaches `deadline` (milliseconds since the
   * epoch). The cancellation given to `call` includes `onCancel`.
   */
  readonly run: <A, E>(
    deadline: number,
    tooLate: () => E,
    onCancel: Cancellation<E> | undefined,
    call: (onCancel: Cancellation<E>) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E>
}

interface Entry {
  readonly deadline: number
  expired: boolean
  /** Cancels the current attempt or pause, if any. */
  cancel: (() => void) | undefined
}

/** The longest sleep in milliseconds, and so the longest that the timer fiber outlives the last call. */
const tick = 1000

const nothing = () => {}

const earliest = (entries: Iterable<Entry>): number => {
  let at = Infinity
  for (const { deadline, expired } of entries) if (!expired) at = Math.min(at, deadline)
  return at
}

/** A cancellation by the deadline or by `other`. */
const expiryOr =
  <E>(entry: Entry, tooLate: () => E, other: Cancellation<E> | undefined): Cancellation<E> => (cancel) => {
    if (entry.expired) {
      cancel(tooLate())
      return nothing
    }
    entry.cancel = () => cancel(tooLate())
    const unregister = other?.(cancel)
    return () => {
      entry.cancel = undefined
      unregister?.()
    }
  }

export const make = (): Deadlines => {
  const entries = new Set<Entry>()
  let timer: Fiber.RuntimeFiber<void> | undefined
  let wakesAt = Infinity

  const watch: Effect.Effect<void> = Effect.suspend(() => {
    if (entries.size === 0) {
      timer = undefined
      wakesAt = Infinity
      return Effect.void
    }
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      wakesAt = Math.min(now + tick, earliest(entries))
      return Effect.zipRight(Effect.sleep(Math.ceil(Math.max(0, wakesAt - now))), expire)
    })
  })

  const expire = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    for (const entry of [...entries]) {
      if (entry.expired || entry.deadline > now) continue
      entry.expired = true
      entry.cancel?.()
    }
    return watch
  })

  /** Starts the timer fiber, or restarts it if it would wake too late. */
  const arm = (deadline: number): Effect.Effect<unknown> =>
    Effect.suspend(() => {
      const previous = timer
      wakesAt = deadline
      return Effect.zipRight(
        previous === undefined ? Effect.void : Fiber.interruptFork(previous),
        Effect.map(Effect.forkDaemon(Effect.interruptible(watch)), (fiber) => {
          timer = fiber
        })
      )
    })

  return {
    run: (deadline, tooLate, onCancel, call) =>
      Effect.suspend(() => {
        const entry: Entry = { deadline, expired: false, cancel: undefined }
        entries.add(entry)
        const called = call(expiryOr(entry, tooLate, onCancel))
        return Effect.onExit(
          deadline >= wakesAt ? called : Effect.zipRight(arm(deadline), called),
          () => {
            entries.delete(entry)
            return Effect.void
          }
        )
      })
  }
}
