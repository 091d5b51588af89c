/** Deletes a session and waits until the server confirms it, within a time budget. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { AgbClient, CallOptions } from "../../AgbClient.js"
import { type ClientError, TransportError } from "../../AgbError.js"
import { internalOptions } from "../client/callOptions.js"
import { requestedDelay } from "../client/retry/retry.js"
import * as retryBudgets from "../client/retry/retryBudget.js"
import * as spans from "../client/spans.js"
import { visible } from "../wire/text/visibleText.js"
import { PacedRetries } from "./pacedRetries.js"

const operation = "Agb.delete"

const finished = new Set(["FINISH", "DELETED"])

/** From 100 ms up to 1 s, with jitter. */
const backoff = (nth: number): Effect.Effect<number> =>
  Effect.map(Random.next, (random) => Math.round(Math.min(1000, 100 * 1.5 ** (nth - 1)) * (0.8 + 0.4 * random)))

const unconfirmed = (budget: Duration.Duration) =>
  new TransportError({
    operation,
    reason: "Timeout",
    detail: `the session was not confirmed as deleted within ${Duration.format(budget)}`,
    mayHaveHappened: true,
    retryable: true
  })

/** `running` despite an accepted release, `ending` if the server deletes it or reports a status of its own. */
type Status = "gone" | "ending" | "running"

const statusOf = (text: string): Status => {
  const status = text.toUpperCase()
  return finished.has(status) ? "gone" : status === "RUNNING" ? "running" : "ending"
}

/** The server's word that nothing was done. */
const isRefusal = ({ _tag }: ClientError): boolean => _tag === "RequestRejectedError" || _tag === "AuthenticationError"

/** The key was rejected. 403 may come from a firewall instead. */
const isKeyError = (error: ClientError): boolean => error._tag === "AuthenticationError" && error.status !== 403

/** The deletion of one session. */
class Release {
  readonly #releaser: Releaser
  readonly #sessionId: string
  #releases = 0
  #keyErrors = 0
  /** When the server accepted a release, in milliseconds since the epoch. */
  #acceptedAt: number | undefined
  /** The last reply to a release, if it was a failure. */
  #error: ClientError | undefined

  constructor(releaser: Releaser, sessionId: string) {
    this.#releaser = releaser
    this.#sessionId = sessionId
  }

  /** Why the budget is exhausted. */
  get reason(): ClientError {
    return this.#error !== undefined && isRefusal(this.#error)
      ? this.#error
      : unconfirmed(this.#releaser.client.config.deleteBudget)
  }

  /** Releases until the session is gone. */
  readonly run: Effect.Effect<void, ClientError> = Effect.suspend(() =>
    Effect.flatMap(this.#release, (isGone) => isGone ? Effect.void : Effect.zipRight(this.#pause, this.run))
  )

  get #pause(): Effect.Effect<void> {
    return Effect.flatMap(backoff(this.#releases), (millis) =>
      Effect.zipRight(
        Effect.sleep(Math.max(millis, requestedDelay(this.#error))),
        this.#releaser.releases.turn
      ))
  }

  /** Sends one release; returns whether the session is gone. */
  readonly #release: Effect.Effect<boolean, ClientError> = Effect.suspend(() => {
    const { client, releases } = this.#releaser
    this.#releases += 1
    return Effect.matchEffect(
      this.#orGone(
        "releaseSessionAsync",
        this.#releases,
        (options) => Effect.as(client.releaseSessionAsync({ sessionId: this.#sessionId }, options), "ending" as const)
      ),
      {
        onSuccess: (status) => {
          releases.succeeded()
          this.#error = undefined
          return status === "gone" ? Effect.succeed(true) : this.#confirm
        },
        onFailure: (error) => this.#onError(error)
      }
    )
  })

  #onError(error: ClientError): Effect.Effect<boolean, ClientError> {
    this.#error = error
    if (error._tag === "InvalidRequestError") return Effect.fail(error)
    if (isKeyError(error) && ++this.#keyErrors > 1) return Effect.fail(error)
    // Only the status tells whether the refusal of a session that is gone is meant, and what came of a release whose reply was lost.
    const isInDoubt = error._tag === "RequestRejectedError" || error._tag === "TransportError" && error.mayHaveHappened
    return isInDoubt
      ? Effect.flatMap(this.#status, (status) =>
        status === "gone"
          ? Effect.succeed(true)
          : status === "ending"
          ? this.#confirm
          : Effect.succeed(false))
      : Effect.succeed(false)
  }

  /** Waits until the session is gone; returns false if it is still running, so that it must be released again. */
  get #confirm(): Effect.Effect<boolean> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      this.#acceptedAt ??= now
      return this.#poll(1)
    })
  }

  #poll(nth: number): Effect.Effect<boolean> {
    return Effect.gen(this, function*() {
      const status = yield* this.#status
      if (status === "gone") return true
      const waited = (yield* Clock.currentTimeMillis) - (this.#acceptedAt ?? 0)
      if (status === "running" && waited >= this.#releaser.timeout(1)) {
        this.#acceptedAt = undefined
        return false
      }
      if (status !== "running" && waited >= this.#releaser.settling) {
        yield* this.#logUnconfirmed(status ?? "unknown")
        return true
      }
      yield* Effect.sleep(yield* backoff(nth))
      if (status === undefined) yield* this.#releaser.statuses.turn
      return yield* this.#poll(nth + 1)
    })
  }

  #logUnconfirmed(status: string): Effect.Effect<void> {
    return Effect.logInfo("The release of a session was accepted, but its end was not confirmed").pipe(
      Effect.annotateLogs({ sessionId: visible(this.#sessionId), status })
    )
  }

  /** `undefined` if the server does not tell. */
  readonly #status: Effect.Effect<Status | undefined> = Effect.suspend(() => {
    const { client, statuses } = this.#releaser
    return Effect.match(
      this.#orGone(
        "getSessionInfo",
        1,
        (options) =>
          Effect.map(client.getSessionInfo({ sessionId: this.#sessionId }, options), ({ status }) => statusOf(status))
      ),
      {
        onSuccess: (status) => {
          statuses.succeeded()
          return status
        },
        onFailure: () => undefined
      }
    )
  })

  /** That the session is not found is an expected reply here, and no error of the span. */
  #orGone<A>(
    endpoint: "releaseSessionAsync" | "getSessionInfo",
    nth: number,
    call: (options: CallOptions) => Effect.Effect<A, ClientError>
  ): Effect.Effect<A | "gone", ClientError> {
    return call(internalOptions({ operation, timeout: this.#releaser.timeout(nth), hasSpan: false })).pipe(
      Effect.catchTag("SessionLostError", () => Effect.succeed("gone" as const)),
      spans.request(`AgbClient.${endpoint}`, this.#sessionId)
    )
  }
}

/** Deletes the sessions of a client. */
export class Releaser {
  readonly client: AgbClient.Service
  readonly releases: PacedRetries
  readonly statuses: PacedRetries

  constructor(client: AgbClient.Service) {
    this.client = client
    const budget = retryBudgets.of(client)
    this.releases = new PacedRetries(budget)
    this.statuses = new PacedRetries(budget)
  }

  /** Milliseconds for the nth request: a reply that is lost leaves time for others, and a slow server gets more later. */
  timeout(nth: number): number {
    const { deleteBudget, timeout } = this.client.config
    return Math.ceil(Math.min(Duration.toMillis(timeout), Duration.toMillis(deleteBudget) * Math.min(nth, 3) / 6))
  }

  /** Milliseconds that an accepted release is waited for: the server will end the session, confirmed or not. */
  get settling(): number {
    return Duration.toMillis(this.client.config.deleteBudget) / 3
  }

  /**
   * Releases a session and waits for confirmation, within `deleteBudget`. "Not found" counts as released. Everything else is
   * repeated, also refusals: a session may be starting, a firewall or a proxy may answer instead of the server. Only an
   * invalid id and a key that is rejected twice are final.
   */
  release(sessionId: string): Effect.Effect<void, ClientError> {
    return Effect.suspend(() => {
      const release = new Release(this, sessionId)
      return Effect.flatten(
        Effect.timeoutTo(release.run, {
          duration: this.client.config.deleteBudget,
          onSuccess: () => Effect.void,
          onTimeout: () => Effect.suspend(() => Effect.fail(release.reason))
        })
      )
    })
  }
}
