/**
 * Holds back the calls of one endpoint while the server wants to be left alone: what it asked one call by `Retry-After` holds for
 * all of the client. When the time is over one call goes first, and the others follow when its reply no longer asks for time.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import { type ClientError, RateLimitedError } from "../../../AgbError.js"
import { cancellable, type Cancellation } from "../deadline/cancellation.js"
import { requestedDelay } from "./retry.js"

/** A server, or a proxy before it, that asks for an hour does not stop a client for so long, in milliseconds. */
const longest = 60_000

interface Call {
  readonly operation: string
  /** Milliseconds since the epoch. */
  readonly deadline: number
  readonly onCancel: Cancellation<ClientError>
}

const held = (operation: string, millis: number) =>
  new RateLimitedError({
    operation,
    retryAfterMillis: millis,
    detail: "not sent, since the server has asked for this delay before"
  })

export class RetryGate {
  /** Milliseconds since the epoch; undefined while calls pass. */
  #closedUntil: number | undefined
  /** The call that goes first. */
  #first: Deferred.Deferred<void> | undefined

  /** Makes an attempt when it may be made; fails at once if that is after the deadline. */
  pass<A>(attempt: Effect.Effect<A, ClientError>, call: Call): Effect.Effect<A, ClientError> {
    return Effect.suspend(() =>
      this.#closedUntil === undefined
        ? Effect.tapError(attempt, (error) => this.#close(error))
        : Effect.flatMap(Clock.currentTimeMillis, (now) => this.#wait(attempt, call, now))
    )
  }

  #wait<A>(attempt: Effect.Effect<A, ClientError>, call: Call, now: number): Effect.Effect<A, ClientError> {
    const { deadline, onCancel, operation } = call
    const until = this.#closedUntil ?? now
    if (until > now && until >= deadline) return Effect.fail(held(operation, until - now))
    const wait = until > now ? Effect.sleep(until - now) : this.#first && Deferred.await(this.#first)
    return wait === undefined
      ? this.#goFirst(attempt)
      : Effect.zipRight(cancellable(wait, onCancel), this.pass(attempt, call))
  }

  #goFirst<A>(attempt: Effect.Effect<A, ClientError>): Effect.Effect<A, ClientError> {
    return Effect.uninterruptibleMask((restore) => {
      const first = this.#first = Deferred.unsafeMake<void>(FiberId.none)
      return Effect.onExit(restore(attempt), (exit) => {
        this.#first = undefined
        const asked = Exit.isFailure(exit) && exit.cause._tag === "Fail" ? exit.cause.error : undefined
        // One that was interrupted tells nothing: the next goes first.
        if (!Exit.isInterrupted(exit)) this.#closedUntil = undefined
        return Effect.zipRight(
          asked === undefined ? Effect.void : this.#close(asked),
          Deferred.succeed(first, undefined)
        )
      })
    })
  }

  #close(error: ClientError): Effect.Effect<void> {
    const delay = Math.min(longest, requestedDelay(error))
    return delay <= 0 ? Effect.void : Effect.map(Clock.currentTimeMillis, (now) => {
      this.#closedUntil = Math.max(this.#closedUntil ?? 0, now + delay)
    })
  }
}
