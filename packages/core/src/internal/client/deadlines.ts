/**
 * Ends calls when their time is over. All deadlines of a client share one sleeping fiber, which wakes at most once a
 * second while calls are in flight and is gone soon after the last one: a call costs neither a timer nor a fiber.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Ending } from "./cancellation.js"

export interface Deadlines {
  /**
   * Runs a call that heeds the ending it is given. That ends with the error of `tooLate` once the clock reads `deadline`
   * (milliseconds), and whenever `ending` does.
   */
  readonly run: <A, E>(
    deadline: number,
    tooLate: () => E,
    ending: Ending<E> | undefined,
    call: (ending: Ending<E>) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E>
}

interface Entry {
  readonly deadline: number
  expired: boolean
  /** Ends what is in flight, if anything is. */
  end: (() => void) | undefined
}

/** The longest sleep: how late the sleeper notices that nobody needs it any more. */
const tick = 1000

const nothing = () => {}

export const make = (): Deadlines => {
  const entries = new Set<Entry>()
  let sleeper: Fiber.RuntimeFiber<void> | undefined
  let wakesAt = Infinity

  const earliest = (): number => {
    let at = Infinity
    for (const { deadline, expired } of entries) if (!expired) at = Math.min(at, deadline)
    return at
  }

  const watch: Effect.Effect<void> = Effect.suspend(() => {
    if (entries.size === 0) {
      sleeper = undefined
      wakesAt = Infinity
      return Effect.void
    }
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      wakesAt = Math.min(now + tick, earliest())
      return Effect.zipRight(Effect.sleep(Math.ceil(Math.max(0, wakesAt - now))), expire)
    })
  })

  const expire = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    for (const entry of [...entries]) {
      if (entry.expired || entry.deadline > now) continue
      entry.expired = true
      entry.end?.()
    }
    return watch
  })

  /** Starts the sleeper, or starts it anew when it would wake too late. */
  const arm = (deadline: number): Effect.Effect<unknown> =>
    Effect.suspend(() => {
      const late = sleeper
      wakesAt = deadline
      return Effect.zipRight(
        late === undefined ? Effect.void : Fiber.interruptFork(late),
        Effect.map(Effect.forkDaemon(Effect.interruptible(watch)), (fiber) => {
          sleeper = fiber
        })
      )
    })

  const endingOf = <E>(entry: Entry, tooLate: () => E, other: Ending<E> | undefined): Ending<E> => (end) => {
    if (entry.expired) {
      end(tooLate())
      return nothing
    }
    entry.end = () => end(tooLate())
    const takeBack = other?.(end)
    return () => {
      entry.end = undefined
      takeBack?.()
    }
  }

  return {
    run: (deadline, tooLate, ending, call) =>
      Effect.suspend(() => {
        const entry: Entry = { deadline, expired: false, end: undefined }
        entries.add(entry)
        const called = call(endingOf(entry, tooLate, ending))
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
