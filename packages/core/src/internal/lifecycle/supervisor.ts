/**
 * Supervised creation and deletion of sessions, such that none is leaked. Creates and deletions run in fibers that outlive
 * an interrupted caller. A session has an owner from its reply on: the create until it is claimed, then the caller. What
 * cannot be deleted is logged, counted and listed in `undeleted`.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { AgbClient } from "../../AgbClient.js"
import type { ClientError } from "../../AgbError.js"
import * as metrics from "../client/metrics.js"
import { Attempts, type Created, type CreateRequest, type Taker } from "./attempts.js"
import { Creation } from "./creation.js"
import { Jobs } from "./jobs.js"
import { keepAlive, KeepAlives } from "./keepAlive.js"
import { Reconciliation } from "./reconciliation.js"
import { Releaser } from "./release.js"
import { type Pending, Removals } from "./removals.js"
import { releasedAtOnce, serviceEnded } from "./serviceEnd.js"
import type { SessionState } from "./sessionState.js"
import type { Stamps } from "./stamps.js"
import { type Undeleted, UndeletedReport } from "./undeletedReport.js"
import type { Watch } from "./watch.js"

/** What a caller gets of a created session. */
export interface Supervised {
  readonly state: SessionState
}

/** What the service does for a session that it created. */
export interface Custody {
  /** Deleted when the service ends. Its lifetime is that of the program. */
  readonly isOwned: boolean
  readonly isKeptAlive: boolean
}

export interface Services {
  readonly client: AgbClient.Service
  readonly stamps: Stamps
  /** Identifies the program, if the platform can. */
  readonly programId: Effect.Effect<Option.Option<string>>
  readonly watch: Watch
}

const createdCount = Metric.counter("agb_sessions_created", {
  description: "Sessions that this program has created",
  incremental: true
})

const deletedCount = Metric.counter("agb_sessions_deleted", {
  description: "Sessions that this program has deleted, or found gone when it did so",
  incremental: true
})

/** How long an abandoned create may still complete before it is interrupted and reconciled. */
const grace = Duration.seconds(5)

export class Supervisor {
  readonly #client: AgbClient.Service
  readonly #watch: Watch
  readonly #jobs = new Jobs()
  readonly #report = new UndeletedReport()
  readonly #keepAlives = new KeepAlives()
  readonly #removals: Removals
  readonly #reconciliation: Reconciliation
  readonly #attempts: Attempts
  /** Creates whose callers have not claimed the session yet. */
  readonly #creations = new Set<Creation<Supervised>>()
  /** Sessions that the end of the service deletes. */
  readonly #owned = new Set<string>()
  /**
   * The attempts of sessions that may outlive the program and are not claimed yet. A guardian knows these sessions by their
   * attempt: the journal of one that was killed may be behind, and by its labels a session that was handed out is left alone.
   */
  readonly #unclaimed = new Map<string, string>()
  readonly #states = new Map<string, SessionState>()
  /** When the sessions were created, in milliseconds since the epoch. */
  readonly #createdAt = new Map<string, number>()
  #isClosing = false
  #isClosed = false

  constructor(services: Services) {
    const { client, watch } = services
    const releaser = new Releaser(client)
    this.#client = client
    this.#watch = watch
    this.#removals = new Removals(this.#jobs, (sessionId) => this.#delete(releaser, sessionId))
    this.#reconciliation = new Reconciliation({
      client,
      jobs: this.#jobs,
      removals: this.#removals,
      report: this.#report,
      watch
    })
    this.#attempts = new Attempts({ ...services, reconciliation: this.#reconciliation, removals: this.#removals })
  }

  readonly undeleted: Effect.Effect<ReadonlyArray<Undeleted>> = Effect.sync(() => this.#report.entries)

  /** Creates a session. The wait is interruptible; an interrupted create is rolled back. */
  create<H extends Supervised>(
    request: CreateRequest,
    handleOf: (created: Created) => H,
    { isKeptAlive, isOwned }: Custody
  ): Effect.Effect<H, ClientError> {
    return Effect.uninterruptible(Effect.suspend(() => {
      if (this.#isClosing) return Effect.fail(serviceEnded("Session.make"))
      const creation = new Creation<H>()
      const taker: Taker = {
        lifetime: isOwned ? "program" : "detached",
        take: (created: Created, attempt: string) => {
          if (!isOwned) this.#unclaimed.set(created.sessionId, attempt)
          return this.#take(creation, isKeptAlive ? request : undefined, created, handleOf(created))
        },
        isAbandoned: () => creation.isAbandoned
      }
      this.#creations.add(creation)
      return Effect.flatMap(this.#jobs.start(this.#attempts.run(request, taker)), (fiber) => {
        creation.fiber = fiber
        const wait = Effect.onInterrupt(Effect.interruptible(Fiber.await(fiber)), () => this.#abandon([creation]))
        return Effect.flatMap(
          creation.isAbandoned ? Effect.zipRight(this.#abandon([creation]), wait) : wait,
          (exit) => this.#claim(creation, exit, isOwned)
        )
      })
    }))
  }

  /** Deletes a session within `deleteBudget`. A failure is also reported. An interruption ends the wait alone. */
  remove(sessionId: string): Effect.Effect<void, ClientError> {
    return Effect.suspend(() =>
      this.#isClosed ? Effect.fail(serviceEnded("Agb.delete")) : this.#removals.remove(sessionId)
    )
  }

  /** Whether this service is creating the session, or has created and not deleted it. */
  owns(sessionId: string, attempt: string): boolean {
    return this.#states.has(sessionId) || this.#reconciliation.unresolved.has(attempt)
  }

  /** The state of a session that this program has created and not deleted. */
  stateOf(sessionId: string): SessionState | undefined {
    return this.#states.get(sessionId)
  }

  /** Starts the deletion of a session that its caller will not get. */
  discard(sessionId: string): Effect.Effect<void> {
    return Effect.asVoid(this.#removals.start(sessionId))
  }

  /** Starts the deletion of an owned session; returns an effect that waits for it. */
  startRemoval(sessionId: string): Effect.Effect<Option.Option<Pending>> {
    return Effect.suspend(() =>
      this.#owned.delete(sessionId) ? Effect.asSome(this.#removals.start(sessionId)) : Effect.succeedNone
    )
  }

  /** Deletes what is owned, and waits for all background work, at most for `deleteBudget` and the grace period. */
  readonly close: Effect.Effect<void> = Effect.gen(this, function*() {
    this.#isClosing = true
    yield* this.#abandon([...this.#creations])
    for (const sessionId of [...this.#owned]) yield* this.startRemoval(sessionId)
    yield* this.#reconciliation.close
    const limit = Duration.sum(this.#client.config.deleteBudget, grace)
    const done = yield* Effect.timeoutOption(this.#jobs.wait, limit)
    this.#isClosed = true
    if (Option.isNone(done)) yield* this.#reportUnfinished
    yield* this.#jobs.stop
    yield* this.#keepAlives.stopAll
  })

  readonly #reportUnfinished: Effect.Effect<void> = Effect.suspend(() => {
    const reason = "the time limit for deletion was reached"
    const doubt = `its create may still complete, and ${reason}`
    return Effect.all([
      ...this.#removals.sessionIds.map((sessionId) => this.#report.session(sessionId, reason)),
      ...[...this.#reconciliation.unresolved].map((label) => this.#report.attempt(label, doubt))
    ], { discard: true })
  })

  #delete(releaser: Releaser, sessionId: string): Effect.Effect<void, ClientError> {
    this.#watch.addSession(sessionId)
    this.#endAttempt(sessionId)
    return this.#keepAlives.stop(sessionId).pipe(
      Effect.zipRight(releaser.release(sessionId)),
      Effect.zipLeft(Metric.increment(deletedCount)),
      Effect.tapError((error) => {
        if (error._tag !== "InvalidRequestError") return this.#report.session(sessionId, error.message)
        this.#watch.removeSession(sessionId)
        return Effect.void
      }),
      Effect.zipRight(Effect.suspend(() => {
        this.#watch.removeSession(sessionId)
        const state = this.#states.get(sessionId)
        this.#states.delete(sessionId)
        this.#owned.delete(sessionId)
        return Effect.zipRight(
          this.#countTime(sessionId),
          state === undefined ? Effect.void : state.markLost("Released")
        )
      }))
    )
  }

  #countTime(sessionId: string): Effect.Effect<void> {
    const createdAt = this.#createdAt.get(sessionId)
    if (createdAt === undefined) return Effect.void
    this.#createdAt.delete(sessionId)
    return Effect.flatMap(Clock.currentTimeMillis, (now) => metrics.sessionEnded(now - createdAt))
  }

  /** Somebody owns the session, or it is being deleted. */
  #endAttempt(sessionId: string): void {
    const attempt = this.#unclaimed.get(sessionId)
    if (attempt === undefined) return
    this.#unclaimed.delete(sessionId)
    this.#watch.removeAttempt(attempt)
  }

  /** Takes the session of a reply before anything can interrupt. */
  #take<H extends Supervised>(
    creation: Creation<H>,
    keptAlive: CreateRequest | undefined,
    { sessionId }: Created,
    handle: H
  ): Effect.Effect<void, ClientError> {
    this.#states.set(sessionId, handle.state)
    const isTaken = Effect.zipRight(
      Metric.increment(createdCount),
      Effect.map(Clock.currentTimeMillis, (now) => {
        this.#createdAt.set(sessionId, now)
        handle.state.renewed(now)
      })
    )
    return Effect.zipRight(
      isTaken,
      Effect.flatMap(
        keptAlive === undefined
          ? Effect.void
          : this.#keepAlives.start(sessionId, keepAlive(this.#client, sessionId, handle.state, keptAlive.timeout)),
        () =>
          creation.offer(sessionId, handle)
            ? Effect.void
            : Effect.zipRight(this.#removals.start(sessionId), Effect.fail(releasedAtOnce(sessionId)))
      )
    )
  }

  #claim<H extends Supervised>(
    creation: Creation<H>,
    exit: Exit.Exit<void, ClientError>,
    isOwned: boolean
  ): Effect.Effect<H, ClientError> {
    this.#creations.delete(creation)
    if (Exit.isFailure(exit) && !Exit.isInterrupted(exit)) return Effect.failCause(exit.cause)
    const claimed = creation.claim()
    // In the same step: in between, the end of the service would find the session nowhere.
    if (Either.isRight(claimed)) {
      if (isOwned) this.#owned.add(claimed.right.sessionId)
      else this.#endAttempt(claimed.right.sessionId)
    }
    return Either.map(claimed, ({ handle }) => handle)
  }

  /** Nobody waits for these creates any more: what comes of them is deleted. */
  #abandon(creations: ReadonlyArray<Creation<Supervised>>): Effect.Effect<void> {
    return Effect.uninterruptible(Effect.suspend(() => {
      const abandoned = creations.map((creation) => ({ fiber: creation.fiber, sessionId: creation.abandon() }))
      for (const creation of creations) this.#creations.delete(creation)
      return Effect.forEach(abandoned, ({ fiber, sessionId }) =>
        sessionId !== undefined
          ? this.#removals.start(sessionId)
          : fiber === undefined
          ? Effect.void
          : this.#jobs.start(endInTime(fiber)), { discard: true })
    }))
  }
}

/** Lets an abandoned create complete, or interrupts it. */
const endInTime = (fiber: Fiber.RuntimeFiber<void, ClientError>): Effect.Effect<unknown> =>
  Fiber.await(fiber).pipe(
    Effect.timeout(grace),
    Effect.catchTag("TimeoutException", () => Fiber.interrupt(fiber))
  )

/** Creates a supervisor, which is closed at the end of the scope. */
export const make = (services: Services): Effect.Effect<Supervisor, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new Supervisor(services)),
    (supervisor) => Effect.flatMap(Effect.forkDaemon(Effect.interruptible(supervisor.close)), Fiber.await)
  )
