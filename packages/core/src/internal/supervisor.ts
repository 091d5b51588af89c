/**
 * Creates sessions such that none is lost. Every attempt carries a label of its own and runs in a fiber that outlives
 * the caller's interest; whatever its outcome leaves in doubt is found by that label and deleted. What cannot be
 * deleted is logged, counted and listed in `undeleted`.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Endpoints, Labels, ReplyOf } from "../AgbApi.js"
import type { AgbClient } from "../AgbClient.js"
import { type ClientError, MalformedResponseError, ServerError, TransportError } from "../AgbError.js"
import { attemptLabel } from "./attemptLabel.js"
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

/** How long an abandoned create may still answer before it is cut off and settled by its label. */
const grace = Duration.seconds(5)

/** When to look again for a session whose create was cut off: the server may still be at it. */
const lateLooks = [500, 1000, 2000, 4000, 8000].map(Duration.millis)

const undeletedCount = Metric.counter("agb_sessions_undeleted", {
  description: "Sessions that could not be deleted within their budget",
  incremental: true
})

/** What is known once the attempt was looked for and undone: it did not happen, and may be made again. */
const settledError = (error: ClientError): ClientError => {
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

export const make = (client: AgbClient.Service): Effect.Effect<Supervisor, never, Scope.Scope> =>
  Effect.gen(function*() {
    const closing = yield* Deferred.make<void>()
    const jobs = new Set<Fiber.RuntimeFiber<unknown, unknown>>()
    const undeleted: Array<Undeleted> = []

    /** Work that goes on when the caller is gone; the end of the supervisor waits for it. */
    const start = <A, E>(job: Effect.Effect<A, E>): Effect.Effect<Fiber.RuntimeFiber<A, E>> =>
      Effect.map(Effect.forkDaemon(Effect.interruptible(job)), (fiber) => {
        jobs.add(fiber)
        fiber.addObserver(() => jobs.delete(fiber))
        return fiber
      })

    const report = (entry: Undeleted) =>
      Effect.suspend(() => {
        undeleted.push(entry)
        return Effect.zipRight(
          Metric.increment(undeletedCount),
          Effect.logError("A session could not be deleted").pipe(Effect.annotateLogs({ ...entry }))
        )
      })

    const remove = (sessionId: string) =>
      Effect.tapError(
        release(client, sessionId),
        (error) => report({ sessionId, label: undefined, reason: error.message })
      )

    /** Finds what an attempt made and deletes it; gives how many there were. */
    const look = (label: string): Effect.Effect<number, ClientError> =>
      client.ListSession({ labels: { [attemptLabel]: label }, maxResults: 10 }, { operation: "Agb.create" }).pipe(
        Effect.flatMap(({ sessions }) =>
          Effect.as(
            Effect.forEach(sessions, ({ sessionId }) => Effect.ignore(remove(sessionId)), {
              concurrency: "unbounded",
              discard: true
            }),
            sessions.length
          )
        )
      )

    const lookAgain = (
      label: string,
      found: Effect.Effect<number, ClientError>,
      pauses: ReadonlyArray<Duration.Duration>
    ): Effect.Effect<void> =>
      Effect.matchEffect(found, {
        onSuccess: (count) => count > 0 ? Effect.void : next(label, pauses, undefined),
        onFailure: (error) => next(label, pauses, error)
      })

    const next = (label: string, [pause, ...rest]: ReadonlyArray<Duration.Duration>, error: ClientError | undefined) =>
      Effect.gen(function*() {
        const last = pause === undefined || (yield* Deferred.isDone(closing))
        if (last && error === undefined) return
        if (pause === undefined) return yield* report({ sessionId: undefined, label, reason: error?.message ?? "" })
        yield* Effect.raceFirst(Effect.sleep(pause), Deferred.await(closing))
        yield* lookAgain(label, look(label), rest)
      })

    /** Looks at once, and later again for as long as the server may still be creating. */
    const settle = (label: string): Effect.Effect<Exit.Exit<number, ClientError>> =>
      Effect.tap(Effect.exit(look(label)), (found) => start(lookAgain(label, found, lateLooks)))

    const attempt = (request: CreateRequest, attempts: number): Effect.Effect<Created, ClientError> =>
      Effect.suspend(() => {
        const label = crypto.randomUUID()
        const labels = { ...request.labels, [attemptLabel]: label }
        return client.createSession({ ...request, labels }, { operation: "Session.make" }).pipe(
          Effect.onInterrupt(() => start(lookAgain(label, look(label), lateLooks))),
          Effect.catchIf((error) => error.mayHaveHappened, (error) =>
            Effect.flatMap(settle(label), (found) => {
              if (Exit.isFailure(found)) return Effect.fail(error)
              const again = attempts < client.config.retry.maxAttempts && !isTimeout(error)
              return again ? attempt(request, attempts + 1) : Effect.fail(settledError(error))
            }))
        )
      })

    const undo = (creation: Fiber.RuntimeFiber<Created, ClientError>) =>
      Fiber.await(creation).pipe(
        Effect.timeout(grace),
        Effect.catchTag("TimeoutException", () => Fiber.interrupt(creation)),
        Effect.flatMap((exit) => Exit.isSuccess(exit) ? Effect.ignore(remove(exit.value.sessionId)) : Effect.void)
      )

    const create: Supervisor["create"] = (request) =>
      Effect.flatMap(start(attempt(request, 1)), (creation) =>
        Fiber.join(creation).pipe(
          Effect.interruptible,
          Effect.onInterrupt(() => start(undo(creation)))
        ))

    yield* Effect.addFinalizer(() =>
      Deferred.succeed(closing, undefined).pipe(
        Effect.zipRight(Effect.suspend(function awaitJobs(): Effect.Effect<void> {
          return jobs.size === 0 ? Effect.void : Effect.zipRight(Fiber.awaitAll([...jobs]), Effect.suspend(awaitJobs))
        })),
        Effect.interruptible,
        Effect.timeoutOption(Duration.sum(client.config.deleteBudget, grace)),
        Effect.flatMap((done) =>
          Option.isSome(done) ? Effect.void : Effect.logError("Deleting sessions was cut short").pipe(
            Effect.annotateLogs({ unfinished: jobs.size })
          )
        )
      )
    )

    return { create, remove, undeleted: Effect.sync(() => [...undeleted]) }
  })

const isTimeout = (error: ClientError): boolean => error._tag === "TransportError" && error.reason === "Timeout"
