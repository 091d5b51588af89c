/** How long a step bears with what passes: the outcome of a step is recorded for good, and a failure ends most workflows. */
import * as AgbError from "@effect-agb/core/AgbError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

const longest = Duration.seconds(15)

/** Counted, not timed: a process that was stopped for long would else give up at the first failure after it. */
const schedule = (times: number) =>
  Schedule.exponential("500 millis").pipe(
    Schedule.modifyDelay((_, delay) => Duration.min(delay, longest)),
    Schedule.jittered,
    Schedule.intersect(Schedule.recurs(times))
  )

const isPassing = (error: unknown): boolean => AgbError.isAgbError(error) && error.retryable

const isOfCall = (error: unknown): boolean =>
  error instanceof AgbError.TransportError || error instanceof AgbError.ServerError

/** Repeats what failed with an error after which it is safe to repeat: by default for about four minutes. */
export const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>, times = 20): Effect.Effect<A, E, R> =>
  Effect.retry(effect, { while: isPassing, schedule: schedule(times) })

/** Repeats what has its effect once, also where nobody knows whether the call that failed has had it. */
export const patientlyOnce = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.retry(effect, { while: (error) => isPassing(error) || isOfCall(error), schedule: schedule(20) })
