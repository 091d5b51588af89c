/**
 * The AGB service: creates, lists and deletes the sessions of an account. Most programs use `Session.make` and
 * `Session.layer`, which are built on it and delete their sessions.
 *
 * It keeps its sessions alive and owns pending deletions and creates in doubt: the end of its layer waits for them, at most
 * for `deleteBudget` and 5 seconds. Later calls are refused.
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Labels } from "./AgbApi.js"
import * as AgbClient from "./AgbClient.js"
import type { AgbConfig } from "./AgbConfig.js"
import { type ClientError, InvalidRequestError } from "./AgbError.js"
import * as CreateSessionParams from "./CreateSessionParams.js"
import { Guardian } from "./Guardian.js"
import { internalOptions } from "./internal/client/callOptions.js"
import * as issues from "./internal/client/checks/issues.js"
import * as optionObjects from "./internal/client/checks/options.js"
import * as pages from "./internal/client/pages.js"
import * as spans from "./internal/client/spans.js"
import type { Created, CreateRequest } from "./internal/lifecycle/attempts.js"
import { keepAlive } from "./internal/lifecycle/keepAlive.js"
import { Election } from "./internal/lifecycle/owners.js"
import * as scopedDeletions from "./internal/lifecycle/scopedDeletions.js"
import { Stamps } from "./internal/lifecycle/stamps.js"
import type { Custody } from "./internal/lifecycle/supervisor.js"
import * as supervisors from "./internal/lifecycle/supervisor.js"
import * as sweeps from "./internal/lifecycle/sweep.js"
import type { SweepOptions, SweepReport } from "./internal/lifecycle/sweep.js"
import { noWatch } from "./internal/lifecycle/watch.js"
import * as sessions from "./internal/session/session.js"
import { idleLabel } from "./internal/wire/ownLabels.js"
import { persistenceOf } from "./internal/wire/persistence.js"
import { visible } from "./internal/wire/text/visibleText.js"
import { Program } from "./Program.js"
import { SessionRef } from "./SessionRef.js"
import * as Transport from "./Transport.js"

export type {
  /**
   * A session that carries the label by which the sweep looks for sessions, and why it was kept. `ProgramRunning`: its program
   * runs on this machine. `ProgramUnknown`: its program runs, or ran, where this one cannot look, and the session is not older
   * than `olderThan`. `Unproven`: its labels do not prove that this SDK created it with this API key. `Copied`: other sessions
   * carry the same labels, and only one of them can be genuine. `Unreadable`: its labels could not be read, see `error`.
   *
   * @since 0.1.0
   * @category models
   */
  KeptSession,
  /**
   * Options of `sweep`.
   *
   * @since 0.1.0
   * @category models
   */
  SweepOptions,
  /**
   * What a sweep did. Each session is in one of the lists.
   *
   * @since 0.1.0
   * @category models
   */
  SweepReport,
  /**
   * A session whose program has ended, `ProgramEnded`, or which is older than `olderThan`, `TooOld`.
   *
   * @since 0.1.0
   * @category models
   */
  SweptSession
} from "./internal/lifecycle/sweep.js"

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
 * Options of `create`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CreateOptions {
  /** Whether the session is kept alive while the program runs. Default: true. Else it ends after its idle timeout. */
  readonly keepAlive?: boolean | undefined
}

/**
 * Options of `delete`.
 *
 * @since 0.1.0
 * @category models
 */
export interface DeleteOptions {
  /** Saves the contexts of the session before. Default: false; the server then saves what its policy says. */
  readonly sync?: boolean | undefined
  /** Deletes the session also if the save failed or was not confirmed. Default: false. */
  readonly deleteUnsaved?: boolean | undefined
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
     * its label and deleted in the background. So is a create in flight when the layer ends.
     */
    readonly create: (
      params: CreateSessionParams.Input,
      options?: CreateOptions
    ) => Effect.Effect<sessions.Session, ClientError>
    /**
     * Deletes sessions at the end of the current scope, in parallel. `Session.make` is built on it.
     *
     * @internal
     */
    readonly deletions: Effect.Effect<
      scopedDeletions.ScopedDeletions<CreateSessionParams.Input, CreateOptions, sessions.Session, ClientError>,
      never,
      Scope.Scope
    >
    /** Uses an existing session of another owner: it is neither kept alive nor deleted. */
    readonly attach: (sessionId: string) => Effect.Effect<sessions.Session, ClientError>
    /**
     * Finds the session of an owner, any text that names what the session is for, or creates it with these parameters. If
     * several programs ask at the same time they get the same session: of those that were created the older one wins and the
     * others are deleted. Nobody deletes the session or keeps it alive: use it with `Session.resume`.
     */
    readonly ensure: (owner: string, params: CreateSessionParams.Input) => Effect.Effect<SessionRef, ClientError>
    /** Uses a session and keeps it alive until the end of the scope. `Session.resume` is built on it. */
    readonly resume: (ref: SessionRef) => Effect.Effect<sessions.Session, ClientError, Scope.Scope>
    /**
     * Deletes a session and waits until the server confirms it, at most for `deleteBudget`. A session that does not exist
     * counts as deleted, and so does one whose release was accepted if it is not confirmed within a third of the budget. A
     * failure is also reported in `undeleted`. An interruption ends the wait, not the deletion.
     *
     * With `sync` it first saves the contexts of the session and waits for the confirmation. A session that was not saved is not
     * deleted, unless `deleteUnsaved` says so: the failure is that of the save, e.g. `ContextError`, or `SessionLostError` if there
     * is no session to save. Such a session goes on until it is deleted or its idle timeout.
     */
    readonly delete: (sessionId: string, options?: DeleteOptions) => Effect.Effect<void, ClientError>
    /** Streams the live sessions of the account that have all the given labels, requested page by page. */
    readonly list: (labels?: Labels) => Stream.Stream<SessionSummary, ClientError>
    /**
     * Deletes the sessions of programs that ended without deleting them, e.g. after `kill -9`. A session is deleted only if its
     * labels prove that this SDK created it with this API key by `Session.make`, a layer or a pool, if no other session carries
     * the same labels, and if its program has ended. That is certain only for programs of this machine; `olderThan` deletes
     * those of others by their age.
     *
     * Fails, before anything is deleted, if the sessions cannot be listed. What cannot be deleted is in the report.
     */
    readonly sweep: (options?: SweepOptions) => Effect.Effect<SweepReport, ClientError>
    /**
     * Sessions that could not be deleted, and creates that are still in doubt. Each was also logged, and counted in the metric
     * `agb_sessions_undeleted`.
     */
    readonly undeleted: Effect.Effect<ReadonlyArray<Undeleted>>
  }
}

const pageSize = 50

const defaultIdleSeconds = 300

/** Whoever resumes the session without its `SessionRef` reads the idle timeout from this label. */
const withIdleLabel = (request: CreateRequest): CreateRequest =>
  request.timeout === undefined || request.timeout === defaultIdleSeconds
    ? request
    : { ...request, labels: { ...request.labels, [idleLabel]: String(request.timeout) } }

const labelledIdleSeconds = (labels: Labels): number | undefined => {
  const text = labels[idleLabel] ?? ""
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined
}

const invalidOwner = (owner: unknown) =>
  new InvalidRequestError({
    operation: "Agb.ensure",
    field: "owner",
    given: typeof owner === "string" ? "a blank text" : typeof owner,
    expected: "a text that is not blank"
  })

const keptAlive = (given: CreateOptions | undefined): Either.Either<boolean, InvalidRequestError> =>
  Either.flatMap(
    optionObjects.check("Session.make", given, ["keepAlive"]),
    ({ keepAlive = true }) =>
      typeof keepAlive === "boolean" ? Either.right(keepAlive) : Either.left(
        new InvalidRequestError({
          operation: "Session.make",
          field: "keepAlive",
          given: issues.describe(keepAlive, "keepAlive"),
          expected: "a boolean"
        })
      )
  )

const toRequest = (params: unknown): Either.Either<CreateRequest, InvalidRequestError> =>
  Either.mapBoth(ParseResult.validateEither(CreateSessionParams.Fields)(params), {
    onLeft: (issue) => issues.invalidRequest("Session.make", issue),
    onRight: ({ contexts = [], idleTimeout = "5 minutes", imageId, labels = {}, policyId }) => ({
      imageId,
      labels,
      timeout: Math.ceil(Duration.toSeconds(idleTimeout)),
      ...(policyId === undefined ? {} : { mcpPolicyId: policyId }),
      ...(contexts.length === 0 ? {} : { persistenceDataList: contexts.map(persistenceOf) })
    })
  })

const list =
  (client: AgbClient.AgbClient.Service) => (labels: Labels = {}): Stream.Stream<SessionSummary, ClientError> =>
    Stream.suspend(() => {
      const tokens = new Set<string>()
      return Stream.paginateChunkEffect("", (token) =>
        client.listSession(
          { labels, maxResults: pageSize, ...(token === "" ? {} : { nextToken: token }) },
          internalOptions({ operation: "Agb.list" })
        ).pipe(
          Effect.flatMap(({ nextToken, sessions }) =>
            Either.map(pages.next("Agb.list", tokens, nextToken), (next) =>
              [
                Chunk.fromIterable(sessions.map(({ sessionId, sessionStatus = "" }) => ({
                  sessionId,
                  status: sessionStatus.toUpperCase()
                }))),
                next
              ] as const)
          )
        ))
    }).pipe(spans.stream("Agb.list"))

const logUnsaved = (sessionId: string) => ({ message }: ClientError): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logWarning(`A session is deleted without being saved: ${message}`), {
    sessionId: visible(sessionId)
  })

/** What is known of programs, and who watches over this one, as far as the context says. */
const surroundings = (client: AgbClient.AgbClient.Service) =>
  Effect.gen(function*() {
    const program = Option.getOrUndefined(yield* Effect.serviceOption(Program))
    const guardian = yield* Effect.serviceOption(Guardian)
    return {
      programId: program?.id ?? Effect.succeedNone,
      statusOf: program?.status ?? (() => Effect.succeed("unknown" as const)),
      watch: Option.isSome(guardian) ? yield* guardian.value.watch(client.config) : noWatch
    }
  })

interface Parts {
  readonly client: AgbClient.AgbClient.Service
  readonly supervisor: supervisors.Supervisor
}

/** Creates sessions under the supervisor. */
const starter = ({ client, supervisor }: Parts) => (given: CreateRequest, custody: Custody) => {
  const request = withIdleLabel(given)
  const { imageId, persistenceDataList: mounts = [], timeout: idleTimeoutSeconds } = request
  const handleOf = (reply: Created) => sessions.make({ client, imageId, idleTimeoutSeconds, mounts, reply })
  return Effect.uninterruptible(
    Effect.flatMap(supervisor.create(request, handleOf, custody), ({ isReady, session }) =>
      // Nobody gets a session without the content that was asked for.
      Effect.as(
        Effect.onError(Effect.interruptible(isReady), () => supervisor.discard(session.sessionId)),
        session
      ))
  )
}

type Start = ReturnType<typeof starter>

const creator = (start: Start, isOwned: boolean) =>
  Effect.fn("Agb.create")(
    (params: CreateSessionParams.Input, options?: CreateOptions) =>
      Effect.gen(function*() {
        const isKeptAlive = yield* keptAlive(options)
        return yield* start(yield* toRequest(params), { isOwned, isKeptAlive })
      }),
    Effect.uninterruptible
  )

const attacher = ({ client }: Parts) =>
(
  { imageId, sessionId }: Pick<SessionRef, "imageId" | "sessionId">,
  operation: string,
  idleSeconds: Effect.Effect<number | undefined, ClientError> = Effect.succeed(undefined)
) =>
  Effect.zipWith(
    client.getSession({ sessionId }, internalOptions({ operation })),
    idleSeconds,
    (reply, idleTimeoutSeconds) => sessions.make({ client, imageId, idleTimeoutSeconds, reply })
  )

/** Finds the session of an owner or creates it; finding it again goes on with it. */
const finders = (parts: Parts, start: Start): Pick<Agb.Service, "attach" | "ensure" | "resume"> => {
  const { client, supervisor } = parts
  const attach = attacher(parts)

  const idleSecondsOf = ({ idleTimeoutSeconds, sessionId }: SessionRef) =>
    idleTimeoutSeconds === undefined
      ? Effect.map(
        client.getLabel({ sessionId }, internalOptions({ operation: "Session.resume" })),
        labelledIdleSeconds
      )
      : Effect.succeed(idleTimeoutSeconds)

  return {
    attach: Effect.fn("Agb.attach")((sessionId) =>
      Effect.map(attach({ sessionId, imageId: "" }, "Session.attach"), ({ session }) => session)
    ),
    ensure: Effect.fn("Agb.ensure")(function*(owner, params) {
      const request = yield* toRequest(params)
      if (typeof owner !== "string" || owner.trim() === "") return yield* invalidOwner(owner)
      const create = (labels: Labels) =>
        Effect.map(
          start({ ...request, labels: { ...request.labels, ...labels } }, { isOwned: false, isKeptAlive: false }),
          ({ sessionId }) => sessionId
        )
      const election = new Election(client, owner, { create, remove: (sessionId) => supervisor.remove(sessionId) })
      const { imageId, timeout: idleTimeoutSeconds } = request
      return new SessionRef({ sessionId: yield* election.run, imageId, idleTimeoutSeconds })
    }),
    resume: Effect.fn("Agb.resume")(function*(ref) {
      const { session, state } = yield* attach(ref, "Session.resume", idleSecondsOf(ref))
      yield* session.keepAlive
      const { idleTimeoutSeconds = defaultIdleSeconds, sessionId } = session.ref
      yield* Effect.forkScoped(Effect.interruptible(keepAlive(client, sessionId, state, idleTimeoutSeconds)))
      return session
    })
  }
}

/**
 * Creates the service. The end of its scope waits for pending deletions. A `Program` and a `Guardian` in its context are used.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Agb.Service, never, AgbClient.AgbClient | Scope.Scope> = Effect.gen(function*() {
  const client = yield* AgbClient.AgbClient
  const { programId, statusOf, watch } = yield* surroundings(client)
  const stamps = new Stamps(client)
  const supervisor = yield* supervisors.make({ client, stamps, programId, watch })
  const start = starter({ client, supervisor })
  return Agb.of({
    client,
    create: creator(start, false),
    deletions: scopedDeletions.make(supervisor, creator(start, true)),
    ...finders({ client, supervisor }, start),
    delete: Effect.fn("Agb.delete")(function*(sessionId, given) {
      const operation = "Agb.delete"
      const options = yield* optionObjects.check(operation, given, ["sync", "deleteUnsaved"])
      const { deleteUnsaved = false, sync = false } = options
      if (sync) {
        const saved = sessions.save(client, sessionId, supervisor.stateOf(sessionId))
        yield* Effect.catchIf(saved, () => deleteUnsaved, logUnsaved(sessionId))
      }
      yield* supervisor.remove(sessionId)
    }),
    list: list(client),
    sweep: Effect.fn("Agb.sweep")((options) => {
      const isOwn = (sessionId: string, attempt: string) => supervisor.owns(sessionId, attempt)
      return sweeps.run(
        { client, stamps, statusOf, isOwn, remove: (sessionId) => supervisor.remove(sessionId) },
        options
      )
    }),
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
