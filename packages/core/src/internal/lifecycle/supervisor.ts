/**
 * Creates sessions such that none is lost. Every attempt carries a label of its own and runs in a fiber that outlives
 * the caller's interest; whatever its outcome leaves in doubt is found by that label and deleted. What cannot be
 * deleted is logged, counted and listed in `undeleted`.
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

/** A session, or a create attempt known by its label alone, that could not be deleted. */
export interface Undeleted {
  readonly sessionId: string | undefined
  readonly label: string | undefined
  readonly reason: string
}

export interface Supervisor {
  /** Must run uninterruptibly; it waits interruptibly, and what an interrupted wait leaves behind is undone. */
  readonly create: (request: CreateRequest) => Effect.Effect<Created, ClientError>
  /** Deletes inside the budget; a failure is reported as well. */
  readonly remove: (sessionId: string) => Effect.Effect<void, ClientError>
  readonly undeleted: Effect.Effect<ReadonlyArray<Undeleted>>
}

/** An attempt whose outcome was in doubt and that left nothing behind: it may be made again. */
interface RolledBack {
  readonly _tag: "Undone"
  readonly error: ClientError
}

/** How long an abandoned create may still answer before it is cut off and settled by its label. */
const grace = Duration.seconds(5)

/** When to look again for a session whose create was cut off: the server may still be at it. */
const reconcileDelays = [500, 1000, 2000, 4000, 8000].map(Duration.millis)

/** A caller whose create failed waits for the first look, and the end of the supervisor for the last. */
const reconcileTimeout = Duration.seconds(10)

/** The pause after a look that failed once the supervisor ends. */
const lastPause = Duration.millis(250)

const undeletedCount = Metric.counter("agb_sessions_undeleted", {
  description: "Sessions that could not be deleted within their budget",
  incremental: true
})

/** What is known once the attempt was looked for and undone: it did not happen, and may be made again. */
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

/** What could not be deleted, and what is still being deleted or looked for. */
const makeReport = () => {
  const undeleted: Array<Undeleted> = []
  const doubts = new Set<string>()
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
    const reason = "the time for deleting was over"
    return Effect.forEach(
      [
        ...[...removals].map((sessionId) => ({ sessionId, label: undefined, reason })),
        ...[...doubts].map((label) => ({ sessionId: undefined, label, reason }))
      ],
      add,
      { discard: true }
    )
  })

  return { add, doubts, removals, undeleted, unfinished }
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

/** Finds what an attempt made and deletes it; gives how many there were. */
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

/** Looks until something was found, or nothing for as long as it may come. */
const makeReconcileLater = (
  look: (label: string) => Reconciliation,
  closing: Deferred.Deferred<void>,
  { add, doubts }: Report
) => {
  const settled = (label: string) => Effect.sync(() => void doubts.delete(label))

  const lookAgain = (
    label: string,
    found: Reconciliation,
    pauses: ReadonlyArray<Duration.Duration>
  ): Effect.Effect<void> =>
    Effect.matchEffect(found, {
      onSuccess: (count) => count > 0 ? settled(label) : next(label, pauses, undefined),
      onFailure: (error) => next(label, pauses, error)
    })

  const next = (label: string, [pause, ...rest]: ReadonlyArray<Duration.Duration>, error: ClientError | undefined) =>
    Effect.gen(function*() {
      const last = pause === undefined || (yield* Deferred.isDone(closing))
      if (last && error === undefined) return yield* settled(label)
      if (pause === undefined) {
        yield* settled(label)
        return yield* add({ sessionId: undefined, label, reason: error?.message ?? "" })
      }
      const hurried = Effect.zipRight(
        Deferred.await(closing),
        error === undefined ? Effect.void : Effect.sleep(lastPause)
      )
      yield* Effect.raceFirst(Effect.sleep(pause), hurried)
      yield* lookAgain(label, look(label), rest)
    })

  return (label: string, found: Reconciliation) => lookAgain(label, found, reconcileDelays)
}

/** Work that goes on when the caller is gone; the end of the supervisor waits for it. */
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

/** Makes the attempts of one create inside one deadline. */
const makeAttempts = (
  { config, createSession }: AgbClient.Service,
  look: (label: string) => Reconciliation,
  lookLater: (label: string, found: Reconciliation) => Effect.Effect<unknown>,
  doubts: Set<string>
) => {
  const settle = (label: string, error: ClientError, found: Exit.Exit<number, ClientError>) =>
    Effect.zipRight(
      lookLater(label, Exit.isInterrupted(found) ? look(label) : found),
      Exit.isInterrupted(found)
        ? Effect.interrupt
        : Effect.fail(Exit.isSuccess(found) ? { _tag: "Undone" as const, error: rolledBack(error) } : error)
    )

  /** Uninterruptible but for its requests: neither a session nor a doubt is lost between two steps. */
  const attempt = (
    request: CreateRequest,
    timeout: Duration.Duration
  ): Effect.Effect<Created, ClientError | RolledBack> =>
    Effect.uninterruptibleMask((restore) => {
      const label = crypto.randomUUID()
      const labels = { ...request.labels, [attemptLabel]: label }
      doubts.add(label)
      return Effect.matchCauseEffect(
        restore(createSession({ ...request, labels }, internalOptions({ operation: "Session.make", timeout }))),
        {
          onSuccess: (created) => {
            doubts.delete(label)
            return Effect.succeed(created)
          },
          onFailure: (cause) => {
            const error = Option.getOrUndefined(Cause.failureOption(cause))
            if (error === undefined) return Effect.zipRight(lookLater(label, look(label)), Effect.failCause(cause))
            if (error.mayHaveHappened) {
              return Effect.flatMap(Effect.exit(restore(look(label))), (found) => settle(label, error, found))
            }
            doubts.delete(label)
            return Effect.fail(error)
          }
        }
      )
    })

  const attempts = (request: CreateRequest, deadline: number, nth: number): Effect.Effect<Created, ClientError> =>
    Effect.flatMap(
      Clock.currentTimeMillis,
      (now) =>
        Effect.catchTag(
          attempt(request, Duration.millis(deadline - now)),
          "Undone",
          ({ error }) => again(request, deadline, nth, error)
        )
    )

  const again = (request: CreateRequest, deadline: number, nth: number, error: ClientError) =>
    Effect.gen(function*() {
      const pause = yield* backoff(config.retry, nth)
      if (nth >= config.retry.maxAttempts || (yield* Clock.currentTimeMillis) + pause >= deadline) {
        return yield* Effect.fail(error)
      }
      yield* Effect.sleep(pause)
      return yield* attempts(request, deadline, nth + 1)
    })

  return (request: CreateRequest): Effect.Effect<Created, ClientError> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => attempts(request, now + Duration.toMillis(config.timeout), 1))
}

export const make = (client: AgbClient.Service): Effect.Effect<Supervisor, never, Scope.Scope> =>
  Effect.gen(function*() {
    const closing = yield* Deferred.make<void>()
    const report = makeReport()
    const { start, wait } = makeJobs()
    const remove = makeRemove(client, report)
    const look = makeReconcile(client, remove)
    const lookAgain = makeReconcileLater(look, closing, report)
    const attempts = makeAttempts(client, look, (label, found) => start(lookAgain(label, found)), report.doubts)

    const undo = (creation: Fiber.RuntimeFiber<Created, ClientError>) =>
      Fiber.await(creation).pipe(
        Effect.timeout(grace),
        Effect.catchTag("TimeoutException", () => Fiber.interrupt(creation)),
        Effect.flatMap((exit) => Exit.isSuccess(exit) ? Effect.ignore(remove(exit.value.sessionId)) : Effect.void)
      )

    const create: Supervisor["create"] = (request) =>
      Effect.flatMap(start(attempts(request)), (creation) =>
        Fiber.join(creation).pipe(
          Effect.interruptible,
          Effect.onInterrupt(() => start(undo(creation)))
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
