/**
 * The AGB service: creates, finds and deletes sessions, and sees to it that none is forgotten. Most programs use
 * `Session.make` and `Session.layer`, which delete what they create; this service is what those are made of.
 *
 * It owns the keep-alive of every session that it created and all unfinished deletions: the end of its layer waits for
 * those, within the configured budget.
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Labels } from "./AgbApi.js"
import * as AgbClient from "./AgbClient.js"
import type { AgbConfig } from "./AgbConfig.js"
import { type ClientError, type InvalidRequestError, MalformedResponseError } from "./AgbError.js"
import * as CreateSessionParams from "./CreateSessionParams.js"
import * as issues from "./internal/client/issues.js"
import * as supervisors from "./internal/lifecycle/supervisor.js"
import * as sessions from "./internal/session/session.js"
import * as Transport from "./Transport.js"

/**
 * A session in a list.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionSummary {
  readonly sessionId: string
  /** In upper case; empty when the server does not say. */
  readonly status: string
}

/**
 * A session that could not be deleted, or a create attempt, known by its label, whose outcome could not be settled.
 *
 * @since 0.1.0
 * @category models
 */
export interface Undeleted {
  readonly sessionId: string | undefined
  readonly label: string | undefined
  readonly reason: string
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Agb extends Context.Tag("@effect-agb/core/Agb")<Agb, Agb.Service>() {}

/**
 * @since 0.1.0
 */
export declare namespace Agb {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    readonly client: AgbClient.AgbClient.Service
    /** Creates a session that is deleted when the scope ends. Sessions of one scope are deleted in parallel. */
    readonly scoped: (params: CreateSessionParams.Input) => Effect.Effect<sessions.Session, ClientError, Scope.Scope>
    /** Creates a session that nobody deletes but you: it stays, and costs, until `delete` or its idle timeout. */
    readonly create: (params: CreateSessionParams.Input) => Effect.Effect<sessions.Session, ClientError>
    /** Uses a session that exists and belongs to somebody else: it is neither kept alive nor deleted. */
    readonly attach: (sessionId: string) => Effect.Effect<sessions.Session, ClientError>
    /** Deletes a session and waits until the server confirms it. One that does not exist is deleted. */
    readonly delete: (sessionId: string) => Effect.Effect<void, ClientError>
    /** The live sessions of the account that carry all the labels, from the server, page by page. */
    readonly list: (labels?: Labels) => Stream.Stream<SessionSummary, ClientError>
    /** What this service could not delete. Each was logged and counted (`agb_sessions_undeleted`) as well. */
    readonly undeleted: Effect.Effect<ReadonlyArray<Undeleted>>
  }
}

const pageSize = 50

const toRequest = (params: unknown): Either.Either<supervisors.CreateRequest, InvalidRequestError> =>
  Either.mapBoth(ParseResult.validateEither(CreateSessionParams.Fields)(params), {
    onLeft: (issue) => issues.invalidRequest("Session.make", issue),
    onRight: ({ idleTimeout = "5 minutes", imageId, labels = {}, policyId }) => ({
      imageId,
      labels,
      timeout: Math.ceil(Duration.toSeconds(idleTimeout)),
      ...(policyId === undefined ? {} : { mcpPolicyId: policyId })
    })
  })

/** A server that names the page it has just given as the next one would be listed for ever. */
const nextPage = (
  given: string,
  next: string | undefined
): Either.Either<Option.Option<string>, MalformedResponseError> =>
  next === undefined || next === ""
    ? Either.right(Option.none())
    : next !== given
    ? Either.right(Option.some(next))
    : Either.left(
      new MalformedResponseError({
        operation: "Agb.list",
        path: "nextToken",
        expected: "the token of another page",
        mayHaveHappened: false,
        retryable: true
      })
    )

const list =
  (client: AgbClient.AgbClient.Service) => (labels: Labels = {}): Stream.Stream<SessionSummary, ClientError> =>
    Stream.paginateChunkEffect("", (token) =>
      client.ListSession(
        { labels, maxResults: pageSize, ...(token === "" ? {} : { nextToken: token }) },
        { operation: "Agb.list" }
      ).pipe(
        Effect.flatMap(({ nextToken, sessions }) =>
          Either.map(nextPage(token, nextToken), (next) =>
            [
              Chunk.fromIterable(sessions.map(({ sessionId, sessionStatus = "" }) => ({
                sessionId,
                status: sessionStatus.toUpperCase()
              }))),
              next
            ] as const)
        )
      )).pipe(Stream.withSpan("Agb.list"))

/** Renews after a third of the idle time; a renewal that fails, or hangs, leaves room for at least two more. */
const keepAlive = (client: AgbClient.AgbClient.Service, { loss, session }: sessions.Handle, idleSeconds: number) => {
  const third = Duration.millis(Math.ceil(idleSeconds * 1000 / 3))
  const ninth = Duration.millis(Math.ceil(idleSeconds * 1000 / 9))
  return client.refreshSessionIdleTime({ sessionId: session.sessionId }, {
    operation: "Session.keepAlive",
    timeout: Duration.min(client.config.timeout, ninth)
  }).pipe(
    Effect.tapError((error) => Effect.logDebug("The keep-alive of a session failed", error.message)),
    Effect.retry({ while: (error) => error._tag !== "SessionLostError", schedule: Schedule.spaced(ninth) }),
    Effect.delay(third),
    Effect.forever,
    Effect.catchAll(() => loss.declare("KeepAliveLost"))
  )
}

/**
 * Deletions of one scope run at the same time: the finalizer of each session only starts its own, and the finalizer
 * that was added first, and so runs last, waits for all.
 */
const makeReleases = () => {
  const releases = new WeakMap<Scope.Scope, Array<Fiber.Fiber<void>>>()
  return (scope: Scope.Scope): Effect.Effect<Array<Fiber.Fiber<void>>> =>
    Effect.suspend(() => {
      const known = releases.get(scope)
      if (known !== undefined) return Effect.succeed(known)
      const fibers: Array<Fiber.Fiber<void>> = []
      releases.set(scope, fibers)
      return Effect.as(Scope.addFinalizer(scope, Effect.suspend(() => Fiber.awaitAll(fibers))), fibers)
    })
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Agb.Service, never, AgbClient.AgbClient | Scope.Scope> = Effect.gen(function*() {
  const client = yield* AgbClient.AgbClient
  const supervisor = yield* supervisors.make(client)
  const keepAlives = yield* FiberMap.make<string>()
  const handles = new Map<string, sessions.Handle>()
  const releasesOf = makeReleases()

  const create = Effect.fn("Agb.create")(function*(params: CreateSessionParams.Input) {
    const request = yield* toRequest(params)
    const reply = yield* supervisor.create(request)
    const handle = sessions.make({ client, imageId: request.imageId, reply })
    yield* FiberMap.run(keepAlives, reply.sessionId, Effect.interruptible(keepAlive(client, handle, request.timeout)))
    handles.set(reply.sessionId, handle)
    return handle.session
  }, Effect.uninterruptible)

  const remove = Effect.fn("Agb.delete")(function*(sessionId: string) {
    yield* FiberMap.remove(keepAlives, sessionId)
    yield* supervisor.remove(sessionId)
    const handle = handles.get(sessionId)
    handles.delete(sessionId)
    if (handle !== undefined) yield* handle.loss.declare("Released")
  })

  /** The scoped sessions that live. A scope may outlast this service, which then is the last that can delete them. */
  const owned = new Set<string>()
  const release = (sessionId: string) =>
    Effect.suspend(() => owned.delete(sessionId) ? Effect.ignore(remove(sessionId)) : Effect.void)

  const scoped: Agb.Service["scoped"] = (params) =>
    Effect.uninterruptible(Effect.gen(function*() {
      const scope = yield* Effect.scope
      const releases = yield* releasesOf(scope)
      const session = yield* create(params)
      owned.add(session.sessionId)
      const releasing = Effect.forkDaemon(release(session.sessionId))
      yield* Scope.addFinalizer(scope, Effect.map(releasing, (fiber) => releases.push(fiber)))
      return session
    }))

  yield* Effect.addFinalizer(() => Effect.forEach([...owned], release, { concurrency: "unbounded", discard: true }))

  return Agb.of({
    client,
    scoped,
    create,
    attach: Effect.fn("Agb.attach")((sessionId) =>
      Effect.map(
        client.getSession({ sessionId }, { operation: "Session.attach" }),
        (reply) => sessions.make({ client, imageId: "", reply }).session
      )
    ),
    delete: remove,
    list: list(client),
    undeleted: supervisor.undeleted
  })
})

/**
 * The service over a transport of a platform's own, with the client under it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTransport: Layer.Layer<Agb | AgbClient.AgbClient, never, AgbConfig | Transport.Transport> = Layer
  .scoped(Agb, make).pipe(Layer.provideMerge(AgbClient.layer))

/**
 * The service over any `HttpClient`, with the client under it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Agb | AgbClient.AgbClient, never, AgbConfig | HttpClient.HttpClient> = layerTransport
  .pipe(Layer.provide(Transport.layer))
