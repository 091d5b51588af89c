/** Retry policy of a client: backoff with full jitter, within the token bucket of the client. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { RetryPolicy } from "../../../AgbConfig.js"
import type { ClientError } from "../../../AgbError.js"
import { cancellable, type Cancellation } from "../deadline/cancellation.js"
import * as metrics from "../metrics.js"
import type { RetryBudget } from "./retryBudget.js"

/** The delay in milliseconds that the server asked for, or 0. */
export const requestedDelay = (error: ClientError | undefined): number =>
  error?._tag === "RateLimitedError" || error?._tag === "ServerError" ? error.retryAfterMillis ?? 0 : 0

/**
 * Full jitter: the delay after the nth attempt is random below a bound that doubles. It is in whole milliseconds, as timers
 * are; fractions would not add up exactly to the deadline. It is never shorter than the server asked for.
 */
export const backoff = (
  { baseDelay, maxDelay }: RetryPolicy,
  nth: number,
  error?: ClientError
): Effect.Effect<number> => {
  const longest = Math.min(Duration.toMillis(maxDelay), Duration.toMillis(baseDelay) * 2 ** (nth - 1))
  return Effect.map(Random.next, (random) => Math.max(requestedDelay(error), Math.round(random * longest)))
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

export const make = (policy: RetryPolicy, budget: RetryBudget): Retrier => {
  const again = <A>(attempts: Attempts<A>, nth: number, error: ClientError) =>
    Effect.gen(function*() {
      if (!error.retryable || nth >= policy.maxAttempts) return yield* error
      const millis = yield* backoff(policy, nth, error)
      if ((yield* Clock.currentTimeMillis) + millis >= attempts.deadline || !budget.tryTake()) return yield* error
      yield* cancellable(Effect.sleep(millis), attempts.onCancel)
      yield* metrics.attempt(nth + 1)
      return yield* loop(attempts, nth + 1)
    })

  const loop = <A>(attempts: Attempts<A>, nth: number): Effect.Effect<A, ClientError> =>
    Effect.matchEffect(attempts.attempt, {
      onSuccess: (value) => {
        budget.earn()
        return Effect.succeed(value)
      },
      onFailure: (error) => error.retryable ? again(attempts, nth, error) : Effect.fail(error)
    })

  return { run: (attempts) => loop(attempts, 1) }
}
