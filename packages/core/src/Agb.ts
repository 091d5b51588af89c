/**
 * The AGB service: creates, lists and deletes the sessions of an account. Most programs use `Session.make` and
 * `Session.layer`, which are built on it and delete their sessions.
 *
 * It keeps its sessions alive and owns pending deletions: the end of its layer waits for them, at most for `deleteBudget`
 * and 5 seconds.
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Labels } from "./AgbApi.js"
import * as AgbClient from "./AgbClient.js"
import type { AgbConfig } from "./AgbConfig.js"
import { type ClientError, type InvalidRequestError, MalformedResponseError } from "./AgbError.js"
import * as CreateSessionParams from "./CreateSessionParams.js"
import { internalOptions } from "./internal/client/callOptions.js"
import * as issues from "./internal/client/issues.js"
import { keepAlive } from "./internal/lifecycle/keepAlive.js"
import * as scopedDeletions from "./internal/lifecycle/scopedDeletions.js"
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
  /** In upper case; empty if the server does not report it. */
  readonly status: string
}

/**
 * A session that could not be deleted, or a create attempt of unknown outcome, identified by its label alone.
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
 * Tag of the AGB service.
 *
 * @since 0.1.0
 * @category tags
 */
export class Agb extends Context.Tag("@effect-agb/core/Agb")<Agb, Agb.Service>() {}

/**
 * Types of the AGB service.
 *
 * @since 0.1.0
 * @category models
 */
export declare namespace Agb {
  /**
   * Creates, attaches to, lists and deletes sessions.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** The low-level client. */
    readonly client: AgbClient.AgbClient.Service
    /**
     * Creates a session that is not bound to a scope: it incurs costs until `delete` or its idle timeout. The create is
     * supervised: an interruption ends the wait immediately, and a session that the server created nevertheless is found by
     * its label and deleted in the background.
     */
    readonly create: (params: CreateSessionParams.Input) => Effect.Effect<sessions.Session, ClientError>
    /**
     * Deletes sessions at the end of the current scope, in parallel. `Session.make` is built on it.
     *
     * @internal
     */
    readonly deletions: Effect.Effect<scopedDeletions.ScopedDeletions, never, Scope.Scope>
    /** Uses an existing session of another owner: it is neither kept alive nor deleted. */
    readonly attach: (sessionId: string) => Effect.Effect<sessions.Session, ClientError>
    /**
     * Deletes a session and waits until the server confirms it, at most for `deleteBudget`. A session that does not exist
     * counts as deleted. A failure is also reported in `undeleted`.
     */
    readonly delete: (sessionId: string) => Effect.Effect<void, ClientError>
    /** Streams the live sessions of the account that have all the given labels, requested page by page. */
    readonly list: (labels?: Labels) => Stream.Stream<SessionSummary, ClientError>
    /** Sessions that could not be deleted. Each was also logged, and counted in the metric `agb_sessions_undeleted`. */
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

/** A server that returns the current page token as the next one would cause an endless loop. */
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
      client.listSession(
        { labels, maxResults: pageSize, ...(token === "" ? {} : { nextToken: token }) },
        internalOptions({ operation: "Agb.list" })
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

/**
 * Creates the service. The end of its scope waits for pending deletions.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Agb.Service, never, AgbClient.AgbClient | Scope.Scope> = Effect.gen(function*() {
  const client = yield* AgbClient.AgbClient
  const supervisor = yield* supervisors.make(client)
  const keepAlives = yield* FiberMap.make<string>()
  const handles = new Map<string, sessions.Handle>()

  const create = Effect.fn("Agb.create")(function*(params: CreateSessionParams.Input) {
    const request = yield* toRequest(params)
    const reply = yield* supervisor.create(request)
    const handle = sessions.make({ client, imageId: request.imageId, reply })
    yield* FiberMap.run(
      keepAlives,
      reply.sessionId,
      Effect.interruptible(keepAlive(client, reply.sessionId, handle.state, request.timeout))
    )
    handles.set(reply.sessionId, handle)
    return handle.session
  }, Effect.uninterruptible)

  const remove = Effect.fn("Agb.delete")(function*(sessionId: string) {
    yield* FiberMap.remove(keepAlives, sessionId)
    yield* supervisor.remove(sessionId)
    const handle = handles.get(sessionId)
    handles.delete(sessionId)
    if (handle !== undefined) yield* handle.state.markLost("Released")
  })

  const deletions = yield* scopedDeletions.make(remove)

  return Agb.of({
    client,
    create,
    deletions,
    attach: Effect.fn("Agb.attach")((sessionId) =>
      Effect.map(
        client.getSession({ sessionId }, internalOptions({ operation: "Session.attach" })),
        (reply) => sessions.make({ client, imageId: "", reply }).session
      )
    ),
    delete: remove,
    list: list(client),
    undeleted: supervisor.undeleted
  })
})

/**
 * Layer of the service and its client, over any `Transport`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTransport: Layer.Layer<Agb | AgbClient.AgbClient, never, AgbConfig | Transport.Transport> = Layer
  .scoped(Agb, make).pipe(Layer.provideMerge(AgbClient.layer))

/**
 * Layer of the service and its client, over any `HttpClient`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Agb | AgbClient.AgbClient, never, AgbConfig | HttpClient.HttpClient> = layerTransport
  .pipe(Layer.provide(Transport.layer))
