/**
 * Reconciles create attempts whose outcome is in doubt: finds what came of them by their label and deletes it. It looks
 * again until the server can no longer be at work, also while the service ends.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import type { AgbClient } from "../../AgbClient.js"
import { type ClientError, MalformedResponseError } from "../../AgbError.js"
import { internalOptions } from "../client/callOptions.js"
import * as retryBudgets from "../client/retry/retryBudget.js"
import { attemptLabel } from "../wire/ownLabels.js"
import { type Doubt, windows } from "./doubt.js"
import type { Jobs } from "./jobs.js"
import { PacedRetries } from "./pacedRetries.js"
import type { Removals } from "./removals.js"
import type { UndeletedReport } from "./undeletedReport.js"
import type { Watch } from "./watch.js"

const operation = "Session.make"

/** The longest that one request of a look is waited for. */
const longestRequest = Duration.seconds(10)

/** The list has one session, or none, unless a proxy ignores the filter. */
const pageSize = 10
const maxPages = 10

/** Milliseconds from one look to the next, while looks are answered. */
const delays = {
  refused: [],
  answered: [2000, 14_000],
  open: [500, 1000, 2000, 4000, 4000, 4000, 5000]
} as const

/** Bounds of the delay after a look that failed, and of any delay while the service ends. */
const shortestDelay = 500
const longestDelay = 4000
const closingDelay = 2000

/** How long looks may fail before the attempt is reported, in milliseconds. */
const patience = 60_000

/** What a look found: nothing, or sessions of the attempt, which were deleted or else reported. */
export type Found = "nothing" | "deleted" | "undeleted"

/** An attempt in doubt. */
export interface Attempt {
  readonly label: string
  readonly doubt: Exclude<Doubt, "none">
  /** When the attempt ended, in milliseconds since the epoch. */
  readonly since: number
  /** When the last look that was answered was sent. */
  readonly lookedAt: number | undefined
}

interface Services {
  readonly client: AgbClient.Service
  readonly jobs: Jobs
  readonly removals: Removals
  readonly report: UndeletedReport
  readonly watch: Watch
}

/** A list that ignores the label, or does not end, is not searched to its end. It proves nothing. */
const unfinished = () =>
  new MalformedResponseError({
    operation,
    path: "the list of sessions",
    expected: "the sessions that carry the label, and no others",
    mayHaveHappened: true,
    retryable: true
  })

export class Reconciliation {
  /** Labels of attempts in flight or in doubt. */
  readonly unresolved = new Set<string>()
  readonly looks: PacedRetries
  readonly #services: Services
  readonly #closing = Deferred.unsafeMake<void>(FiberId.none)
  readonly #foreign = new Map<string, Set<string>>()

  constructor(services: Services) {
    this.#services = services
    this.looks = new PacedRetries(retryBudgets.of(services.client))
  }

  /** An attempt begins. */
  add(label: string): void {
    this.unresolved.add(label)
    this.#services.watch.addAttempt(label)
  }

  /** Nothing is left of the attempt, or somebody owns what came of it. */
  resolve(label: string): void {
    this.forget(label)
    this.#services.watch.removeAttempt(label)
  }

  /** The attempt is no longer looked for; the guardian still watches over it. */
  forget(label: string): void {
    this.unresolved.delete(label)
    this.#foreign.delete(label)
  }

  /** The service ends: attempts of which the server has answered are looked for once more, others until their time is over. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => Effect.asVoid(Deferred.succeed(this.#closing, undefined)))

  /** Finds the sessions of an attempt and deletes them. */
  look(label: string): Effect.Effect<Found, ClientError> {
    return Effect.flatMap(this.#find(label, "", maxPages), (sessionIds) =>
      sessionIds.length === 0
        ? Effect.succeed("nothing" as const)
        : Effect.map(
          this.#services.removals.removeAll(sessionIds),
          (areDeleted) => areDeleted ? "deleted" as const : "undeleted" as const
        ))
  }

  /** Looks again in the background until the attempt is resolved or reported. */
  lookAgain(attempt: Attempt): Effect.Effect<void> {
    return Effect.asVoid(this.#services.jobs.start(this.#next(attempt, 0, undefined)))
  }

  get #options() {
    const { deleteBudget, timeout } = this.#services.client.config
    const share = Duration.millis(Math.ceil(Duration.toMillis(deleteBudget) / 6))
    return internalOptions({ operation, timeout: Duration.min(timeout, Duration.min(longestRequest, share)) })
  }

  #find(label: string, token: string, pages: number): Effect.Effect<ReadonlyArray<string>, ClientError> {
    return Effect.gen(this, function*() {
      const { nextToken = "", sessions } = yield* this.#services.client.listSession(
        { labels: { [attemptLabel]: label }, maxResults: pageSize, ...(token === "" ? {} : { nextToken: token }) },
        this.#options
      )
      this.looks.succeeded()
      const found: Array<string> = []
      for (const { sessionId } of sessions) if (yield* this.#isOf(label, sessionId)) found.push(sessionId)
      if (found.length > 0 || nextToken === "") return found
      if (nextToken === token || pages <= 1) return yield* unfinished()
      return yield* this.#find(label, nextToken, pages - 1)
    })
  }

  /** A server or proxy that ignores the filter lists sessions of others. */
  #isOf(label: string, sessionId: string): Effect.Effect<boolean, ClientError> {
    return Effect.suspend(() => {
      const foreign = this.#foreign.get(label) ?? new Set()
      if (foreign.has(sessionId)) return Effect.succeed(false)
      return this.#services.client.getLabel({ sessionId }, this.#options).pipe(
        Effect.map((labels) => {
          if (labels[attemptLabel] === label) return true
          if (Object.keys(labels).length > 0) this.#foreign.set(label, foreign.add(sessionId))
          return false
        }),
        Effect.catchTag("SessionLostError", () => Effect.succeed(false))
      )
    })
  }

  #next(attempt: Attempt, nth: number, error: ClientError | undefined): Effect.Effect<void> {
    return Effect.gen(this, function*() {
      const isClosing = yield* Deferred.isDone(this.#closing)
      const { label, since } = attempt
      if (this.#isOver(attempt, isClosing)) return this.resolve(label)
      if (error !== undefined && (yield* Clock.currentTimeMillis) >= since + patience) {
        yield* this.#services.report.attempt(label, error.message)
        return this.forget(label)
      }
      yield* this.#pause(attempt, nth, error, isClosing)
      yield* this.looks.turn
      const lookedAt = yield* Clock.currentTimeMillis
      return yield* Effect.matchEffect(this.look(label), {
        onSuccess: (found) =>
          found === "nothing"
            ? this.#next({ ...attempt, lookedAt }, nth + 1, undefined)
            : Effect.sync(() => this.resolve(label)),
        onFailure: (error) => this.#next(attempt, nth + 1, error)
      })
    })
  }

  #isOver({ doubt, lookedAt, since }: Attempt, isClosing: boolean): boolean {
    if (lookedAt === undefined) return false
    return lookedAt >= since + windows[doubt] || isClosing && doubt !== "open"
  }

  #pause({ doubt, lookedAt }: Attempt, nth: number, error: ClientError | undefined, isClosing: boolean) {
    if (nth === 0 && lookedAt === undefined) return Effect.void
    const millis = error === undefined
      ? delays[doubt][nth] ?? longestDelay
      : Math.min(longestDelay, shortestDelay * 2 ** nth)
    return isClosing
      ? Effect.sleep(Math.min(millis, closingDelay))
      : Effect.raceFirst(Effect.sleep(millis), Deferred.await(this.#closing))
  }
}
