/**
 * Supervised creation of sessions, such that none is leaked. Every attempt carries a unique label and runs in a fiber that
 * outlives an interrupted caller. An attempt of unknown outcome is reconciled: the session is found by the label and
 * deleted. A session that cannot be deleted is logged, counted and listed in `undeleted`.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Endpoints, Labels, ReplyOf } from "../../AgbApi.js"
import type { AgbClient } from "../../AgbClient.js"
import { type ClientError, MalformedResponseError, ServerError, TransportError } from "../../AgbError.js"
import { internalOptions } from "../client/callOptions.js"
import { backoff } from "../client/retry.js"
import { attemptLabel } from "../wire/attemptLabel.js"
import { release } from "./release.js"

type Created = ReplyOf<Endpoints["createSession"]>

export interface CreateRequest {
  readonly imageId: string
  readonly labels: Labels
  readonly timeout: number
  readonly mcpPolicyId?: string
}

/** A session that could not be deleted, or a create attempt of unknown outcome, identified by its label alone. */
export interface Undeleted {
  readonly sessionId: string | undefined
  readonly label: string | undefined
  readonly reason: string
}

export interface Supervisor {
  /** Must run in an uninterruptible region. The wait is interruptible; an interrupted create is rolled back. */
  readonly create: (request: CreateRequest) => Effect.Effect<Created, ClientError>
  /** Deletes a session within `deleteBudget`. A failure is also reported in `undeleted`. */
  readonly remove: (sessionId: string) => Effect.Effect<void, ClientError>
  readonly undeleted: Effect.Effect<ReadonlyArray<Undeleted>>
}

/** An attempt of unknown outcome that was reconciled: no session is left, so it may be retried. */
interface RolledBack {
  readonly _tag: "RolledBack"
  readonly error: ClientError
}

/** How long an abandoned create may still complete before it is interrupted and reconciled. */
const grace = Duration.seconds(5)

/** Delays between reconciliations: the server may still be processing the create. */
const reconcileDelays = [500, 1000, 2000, 4000, 8000].map(Duration.millis)

/** Timeout of one reconciliation request. A failed create waits for the first one, the finalizer for the last one. */
const reconcileTimeout = Duration.seconds(10)

/** Delay after a failed reconciliation while the supervisor is closing. */
const closingDelay = Duration.millis(250)

const undeletedCount = Metric.counter("agb_sessions_undeleted", {
  description: "Sessions that could not be deleted within their budget",
  incremental: true
})

/** Marks the error of a rolled back attempt as retryable and without effect. */
const rolledBack = (error: ClientError): ClientError => {
  switch (error._tag) {
    case "ServerError":
      return new ServerError({ ...error, mayHaveHappened: false, retryable: true })
    case "TransportError":
      return new TransportError({ ...error, mayHaveHappened: false, retryable: true })
    case "MalformedResponseError":
      return new MalformedResponseError({ ...error, mayHaveHappened: false, retryable: true })
    default:
      return error
  }
}

/** Sessions that could not be deleted, deletions in progress, and labels of unresolved attempts. */
const makeReport = () => {
  const undeleted: Array<Undeleted> = []
  const unresolved = new Set<string>()
  const removals = new Set<string>()

  const add = (entry: Undeleted): Effect.Effect<void> =>
    Effect.suspend(() => {
      undeleted.push(entry)
      return Effect.zipRight(
        Metric.increment(undeletedCount),
        Effect.logError("A session could not be deleted").pipe(Effect.annotateLogs({ ...entry }))
      )
    })

  const unfinished: Effect.Effect<void> = Effect.suspend(() => {
    const reason = "the time limit for deletion was reached"
    return Effect.forEach(
      [
        ...[...removals].map((sessionId) => ({ sessionId, label: undefined, reason })),
        ...[...unresolved].map((label) => ({ sessionId: undefined, label, reason }))
      ],
      add,
      { discard: true }
    )
  })

  return { add, unresolved, removals, undeleted, unfinished }
}

type Report = ReturnType<typeof makeReport>

const makeRemove = (client: AgbClient.Service, { add, removals }: Report): Supervisor["remove"] => (sessionId) =>
  Effect.suspend(() => {
    removals.add(sessionId)
    return release(client, sessionId).pipe(
      Effect.ensuring(Effect.sync(() => removals.delete(sessionId))),
      Effect.tapError((error) =>
        error._tag === "InvalidRequestError" ? Effect.void : add({ sessionId, label: undefined, reason: error.message })
      )
    )
  })

/** Finds the sessions of an attempt by its label and deletes them; returns their number. */
const makeReconcile = (client: AgbClient.Service, remove: Supervisor["remove"]) => (label: string) =>
  Effect.flatMap(
    client.listSession(
      { labels: { [attemptLabel]: label }, maxResults: 10 },
      internalOptions({
        operation: "Session.make",
        timeout: Duration.min(client.config.timeout, reconcileTimeout)
      })
    ),
    ({ sessions }) =>
      Effect.as(
        Effect.forEach(sessions, ({ sessionId }) => Effect.ignore(remove(sessionId)), {
          concurrency: "unbounded",
          discard: true
        }),
        sessions.length
      )
  )

type Reconciliation = Effect.Effect<number, ClientError>

/** Reconciles repeatedly until a session was found, or none appeared within the delays. */
const makeReconcileLater = (
  reconcile: (label: string) => Reconciliation,
  closing: Deferred.Deferred<void>,
  { add, unresolved }: Report
) => {
  const resolved = (label: string) => Effect.sync(() => void unresolved.delete(label))

  const step = (
    label: string,
    found: Reconciliation,
    delays: ReadonlyArray<Duration.Duration>
  ): Effect.Effect<void> =>
    Effect.matchEffect(found, {
      onSuccess: (count) => count > 0 ? resolved(label) : next(label, delays, undefined),
      onFailure: (error) => next(label, delays, error)
    })

  const next = (label: string, [delay, ...rest]: ReadonlyArray<Duration.Duration>, error: ClientError | undefined) =>
    Effect.gen(function*() {
      const last = delay === undefined || (yield* Deferred.isDone(closing))
      if (last && error === undefined) return yield* resolved(label)
      if (delay === undefined) {
        yield* resolved(label)
        return yield* add({ sessionId: undefined, label, reason: error?.message ?? "" })
      }
      const closed = Effect.zipRight(
        Deferred.await(closing),
        error === undefined ? Effect.void : Effect.sleep(closingDelay)
      )
      yield* Effect.raceFirst(Effect.sleep(delay), closed)
      yield* step(label, reconcile(label), rest)
    })

  return (label: string, found: Reconciliation) => step(label, found, reconcileDelays)
}

/** Background fibers, which outlive their callers; the finalizer of the supervisor waits for them. */
const makeJobs = () => {
  const jobs = new Set<Fiber.RuntimeFiber<unknown, unknown>>()
  const start = <A, E>(job: Effect.Effect<A, E>): Effect.Effect<Fiber.RuntimeFiber<A, E>> =>
    Effect.map(Effect.forkDaemon(Effect.interruptible(job)), (fiber) => {
      jobs.add(fiber)
      fiber.addObserver(() => jobs.delete(fiber))
      return fiber
    })
  const wait: Effect.Effect<void> = Effect.suspend(() =>
    jobs.size === 0 ? Effect.void : Effect.zipRight(Fiber.awaitAll([...jobs]), wait)
  )
  return { start, wait }
}

/** Makes one attempt to create a session. */
const makeAttempt = (
  { createSession }: AgbClient.Service,
  reconcile: (label: string) => Reconciliation,
  reconcileLater: (label: string, found: Reconciliation) => Effect.Effect<unknown>,
  unresolved: Set<string>
) => {
  const settle = (label: string, error: ClientError, found: Exit.Exit<number, ClientError>) =>
    Effect.zipRight(
      reconcileLater(label, Exit.isInterrupted(found) ? reconcile(label) : found),
      Exit.isInterrupted(found)
        ? Effect.interrupt
        : Effect.fail(Exit.isSuccess(found) ? { _tag: "RolledBack" as const, error: rolledBack(error) } : error)
    )

  const onFailure = (restore: typeof Effect.interruptible, label: string, cause: Cause.Cause<ClientError>) => {
    const error = Option.getOrUndefined(Cause.failureOption(cause))
    if (error === undefined) return Effect.zipRight(reconcileLater(label, reconcile(label)), Effect.failCause(cause))
    if (error.mayHaveHappened) {
      return Effect.flatMap(Effect.exit(restore(reconcile(label))), (found) => settle(label, error, found))
    }
    unresolved.delete(label)
    return Effect.fail(error)
  }

  /** Only its requests are interruptible, so that no session or label is lost between two steps. */
  return (request: CreateRequest, timeout: Duration.Duration): Effect.Effect<Created, ClientError | RolledBack> =>
    Effect.uninterruptibleMask((restore) => {
      const label = crypto.randomUUID()
      const labels = { ...request.labels, [attemptLabel]: label }
      unresolved.add(label)
      return Effect.matchCauseEffect(
        restore(createSession({ ...request, labels }, internalOptions({ operation: "Session.make", timeout }))),
        {
          onSuccess: (created) => {
            unresolved.delete(label)
            return Effect.succeed(created)
          },
          onFailure: (cause) => onFailure(restore, label, cause)
        }
      )
    })
}

/** Retries the attempts of one create within one deadline. */
const makeAttempts = ({ config }: AgbClient.Service, attempt: ReturnType<typeof makeAttempt>) => {
  const attempts = (request: CreateRequest, deadline: number, nth: number): Effect.Effect<Created, ClientError> =>
    Effect.flatMap(
      Clock.currentTimeMillis,
      (now) =>
        Effect.catchTag(
          attempt(request, Duration.millis(deadline - now)),
          "RolledBack",
          ({ error }) => retry(request, deadline, nth, error)
        )
    )

  const retry = (request: CreateRequest, deadline: number, nth: number, error: ClientError) =>
    Effect.gen(function*() {
      const delay = yield* backoff(config.retry, nth)
      if (nth >= config.retry.maxAttempts || (yield* Clock.currentTimeMillis) + delay >= deadline) {
        return yield* Effect.fail(error)
      }
      yield* Effect.sleep(delay)
      return yield* attempts(request, deadline, nth + 1)
    })

  return (request: CreateRequest): Effect.Effect<Created, ClientError> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => attempts(request, now + Duration.toMillis(config.timeout), 1))
}

/** Creates a supervisor. The end of the scope waits for its background work, at most for `deleteBudget` and 5 seconds. */
export const make = (client: AgbClient.Service): Effect.Effect<Supervisor, never, Scope.Scope> =>
  Effect.gen(function*() {
    const closing = yield* Deferred.make<void>()
    const report = makeReport()
    const { start, wait } = makeJobs()
    const remove = makeRemove(client, report)
    const reconcile = makeReconcile(client, remove)
    const reconcileLater = makeReconcileLater(reconcile, closing, report)
    const attempt = makeAttempt(
      client,
      reconcile,
      (label, found) => start(reconcileLater(label, found)),
      report.unresolved
    )
    const attempts = makeAttempts(client, attempt)

    const rollBack = (creation: Fiber.RuntimeFiber<Created, ClientError>) =>
      Fiber.await(creation).pipe(
        Effect.timeout(grace),
        Effect.catchTag("TimeoutException", () => Fiber.interrupt(creation)),
        Effect.flatMap((exit) => Exit.isSuccess(exit) ? Effect.ignore(remove(exit.value.sessionId)) : Effect.void)
      )

    const create: Supervisor["create"] = (request) =>
      Effect.flatMap(start(attempts(request)), (creation) =>
        Fiber.join(creation).pipe(
          Effect.interruptible,
          Effect.onInterrupt(() => start(rollBack(creation)))
        ))

    yield* Effect.addFinalizer(() =>
      Deferred.succeed(closing, undefined).pipe(
        Effect.zipRight(wait),
        Effect.interruptible,
        Effect.timeoutOption(Duration.sum(client.config.deleteBudget, grace)),
        Effect.flatMap((done) => Option.isSome(done) ? Effect.void : report.unfinished)
      )
    )

    return { create, remove, undeleted: Effect.sync(() => [...report.undeleted]) }
  })
