/**
 * Ends calls from outside: when their time is over, or when something else makes them pointless. A call costs one fork
 * and no timer: all deadlines of a client share one sleeping fiber, which wakes at most once a second while calls are
 * in flight and is gone soon after the last one.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Registers what ends a call early; gives how to take the registration back. */
export type Ending<E> = (end: (error: E) => void) => () => void

export interface Deadlines {
  /** Fails with `tooLate` once the clock reads `deadline` (milliseconds), or with the error of the ending. */
  readonly run: <A, E>(
    call: Effect.Effect<A, E>,
    deadline: number,
    tooLate: () => E,
    ending: Ending<E> | undefined
  ) => Effect.Effect<A, E>
}

interface Entry {
  readonly deadline: number
  expired: boolean
  expire: () => void
}

/** The longest sleep: how late the sleeper notices that nobody needs it any more. */
const tick = 1000

export const make = (): Deadlines => {
  const entries = new Set<Entry>()
  let sleeper: Fiber.RuntimeFiber<void> | undefined
  let wakesAt = Infinity

  const earliest = (): number => {
    let at = Infinity
    for (const { deadline } of entries) at = Math.min(at, deadline)
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
      if (entry.deadline > now) continue
      entry.expired = true
      entry.expire()
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

  const wait = <A, E>(
    child: Fiber.RuntimeFiber<A, E>,
    entry: Entry,
    tooLate: () => E,
    ending: Ending<E> | undefined
  ): Effect.Effect<A, E> =>
    Effect.async((resume) => {
      const release = () => {
        entries.delete(entry)
        child.removeObserver(finish)
        takeBack?.()
      }
      const finish = (exit: Effect.Effect<A, E>) => {
        release()
        resume(exit)
      }
      const cut = (error: E) => finish(Effect.zipRight(Fiber.interrupt(child), Effect.fail(error)))
      const takeBack = ending?.(cut)
      entry.expire = () => cut(tooLate())
      if (entry.expired) return entry.expire()
      child.addObserver(finish)
      return Effect.suspend(() => {
        release()
        return Fiber.interrupt(child)
      })
    })

  return {
    run: (call, deadline, tooLate, ending) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.suspend(() => {
          const entry: Entry = { deadline, expired: false, expire: () => {} }
          entries.add(entry)
          const waited = Effect.flatMap(
            Effect.forkDaemon(Effect.interruptible(call)),
            (child) => restore(wait(child, entry, tooLate, ending))
          )
          return deadline >= wakesAt ? waited : Effect.zipRight(arm(deadline), waited)
        })
      )
  }
}
