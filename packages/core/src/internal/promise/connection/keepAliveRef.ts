/**
 * Only pending calls keep the process alive. Keep-alives and other background work sleep on unreferenced timers, which do
 * not prevent the process from exiting.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** The longest delay of a timer in milliseconds. A longer sleep never ends. */
const longest = 2 ** 31 - 1

/** Runtimes with reference counting represent timers as objects. */
const unreference = (timer: unknown): void => {
  if (typeof timer === "object") (timer as { unref?: () => void }).unref?.()
}

const sleep = (duration: Duration.Duration): Effect.Effect<void> =>
  Effect.async((resume) => {
    const millis = Duration.toMillis(duration)
    if (millis > longest) return
    const timer = setTimeout(() => resume(Effect.void), millis)
    unreference(timer)
    return Effect.sync(() => clearTimeout(timer))
  })

/** The default clock, except that its sleeps do not keep the process alive. */
export const backgroundClock = (): Clock.Clock => {
  const clock = Clock.make()
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis(),
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    currentTimeMillis: clock.currentTimeMillis,
    currentTimeNanos: clock.currentTimeNanos,
    sleep
  }
}

/** Keeps the process alive while at least one call is pending. */
export class KeepAliveRef {
  #count = 0
  #timer: ReturnType<typeof setInterval> | undefined

  async during<A>(work: () => Promise<A>): Promise<A> {
    if (this.#count++ === 0) this.#timer = setInterval(() => {}, longest)
    try {
      return await work()
    } finally {
      if (--this.#count === 0) clearInterval(this.#timer)
    }
  }
}
