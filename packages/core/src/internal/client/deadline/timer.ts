/** Timers that a fiber of Effect need not wait for: plain ones on the real clock, fibers on any other. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const realClock = Context.get(DefaultServices.liveServices, Clock.Clock)

interface Timer {
  readonly unref?: () => void
}

/** Calls `wake` after a delay in milliseconds; returns a function that stops the timer. */
export const start = (
  clock: Clock.Clock,
  delay: number,
  wake: () => void,
  keepsProcessAlive: boolean = true
): () => void => {
  if (clock === realClock) {
    const timer = setTimeout(wake, delay)
    if (!keepsProcessAlive) (timer as Timer).unref?.()
    return () => clearTimeout(timer)
  }
  const fiber = Effect.runFork(Effect.map(clock.sleep(Duration.millis(delay)), wake))
  return () => fiber.unsafeInterruptAsFork(fiber.id())
}
