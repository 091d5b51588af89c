/** When a failed attempt is made again, and after what pause. One instance serves one client. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { RetryPolicy } from "../AgbConfig.js"
import type { ClientError } from "../AgbError.js"

/**
 * A retry costs a token and a success earns a tenth of one, so that in an outage the traffic stays near what callers
 * offered instead of a multiple of it.
 */
const bucketSize = 20

export interface Retrier {
  /** Runs `attempt` until it succeeds, fails for good, or the deadline (milliseconds since the epoch) leaves no room. */
  readonly run: <A>(attempt: Effect.Effect<A, ClientError>, deadline: number) => Effect.Effect<A, ClientError>
}

export const make = (policy: RetryPolicy): Retrier => {
  const base = Duration.toMillis(policy.baseDelay)
  const max = Duration.toMillis(policy.maxDelay)
  let tokens = bucketSize

  const pause = (error: ClientError, attempts: number, random: number): number | undefined => {
    if (!error.retryable || attempts >= policy.maxAttempts || tokens < 1) return undefined
    const backoff = random * Math.min(max, base * 2 ** (attempts - 1))
    return error._tag === "RateLimitedError" ? Math.max(error.retryAfterMillis ?? 0, backoff) : backoff
  }

  const again = <A>(attempt: Effect.Effect<A, ClientError>, deadline: number, error: ClientError, attempts: number) =>
    Effect.gen(function*() {
      const millis = pause(error, attempts, yield* Random.next)
      if (millis === undefined || (yield* Clock.currentTimeMillis) + millis >= deadline) return yield* error
      tokens -= 1
      yield* Effect.sleep(millis)
      return yield* loop(attempt, deadline, attempts + 1)
    })

  const loop = <A>(
    attempt: Effect.Effect<A, ClientError>,
    deadline: number,
    attempts: number
  ): Effect.Effect<A, ClientError> =>
    Effect.matchEffect(attempt, {
      onSuccess: (value) => {
        tokens = Math.min(bucketSize, tokens + 0.1)
        return Effect.succeed(value)
      },
      onFailure: (error) => error.retryable ? again(attempt, deadline, error, attempts) : Effect.fail(error)
    })

  return { run: (attempt, deadline) => loop(attempt, deadline, 1) }
}
