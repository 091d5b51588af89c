/** Retry policy of a client: backoff with full jitter, and a token bucket shared by all calls. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { RetryPolicy } from "../../AgbConfig.js"
import type { ClientError } from "../../AgbError.js"
import { cancellable, type Cancellation } from "./cancellation.js"

/**
 * Capacity of the token bucket. A retry costs one token, a success earns a tenth of one, so that during an outage the
 * traffic stays near the offered load instead of a multiple of it.
 */
const bucketSize = 20

/**
 * Full jitter: the delay after the nth attempt is random below a bound that doubles. It is in whole milliseconds, as timers
 * are; fractions would not add up exactly to the deadline.
 */
export const backoff = ({ baseDelay, maxDelay }: RetryPolicy, nth: number): Effect.Effect<number> => {
  const longest = Math.min(Duration.toMillis(maxDelay), Duration.toMillis(baseDelay) * 2 ** (nth - 1))
  return Effect.map(Random.next, (random) => Math.round(random * longest))
}

interface Attempts<A> {
  readonly attempt: Effect.Effect<A, ClientError>
  /** Milliseconds since the epoch. */
  readonly deadline: number
  /** Registers a function that cancels the current delay. */
  readonly onCancel: Cancellation<ClientError>
}

export interface Retrier {
  /** Retries until an attempt succeeds or fails permanently, or the deadline leaves no time for another one. */
  readonly run: <A>(attempts: Attempts<A>) => Effect.Effect<A, ClientError>
}

export const make = (policy: RetryPolicy): Retrier => {
  let tokens = bucketSize

  const again = <A>(attempts: Attempts<A>, nth: number, error: ClientError) =>
    Effect.gen(function*() {
      if (!error.retryable || nth >= policy.maxAttempts || tokens < 1) return yield* error
      const asked = error._tag === "RateLimitedError" ? error.retryAfterMillis ?? 0 : 0
      const millis = Math.max(asked, yield* backoff(policy, nth))
      if ((yield* Clock.currentTimeMillis) + millis >= attempts.deadline) return yield* error
      tokens -= 1
      yield* cancellable(Effect.sleep(millis), attempts.onCancel)
      return yield* loop(attempts, nth + 1)
    })

  const loop = <A>(attempts: Attempts<A>, nth: number): Effect.Effect<A, ClientError> =>
    Effect.matchEffect(attempts.attempt, {
      onSuccess: (value) => {
        tokens = Math.min(bucketSize, tokens + 0.1)
        return Effect.succeed(value)
      },
      onFailure: (error) => error.retryable ? again(attempts, nth, error) : Effect.fail(error)
    })

  return { run: (attempts) => loop(attempts, 1) }
}
