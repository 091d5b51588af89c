/** The two classes of the promise API, each of which names the other: an account, and a session of it. */
/// <reference lib="esnext.disposable" preserve="true" />
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Redacted from "effect/Redacted"
import type * as Effectful from "../../Agb.js"
import { Agb } from "../../Agb.js"
import type { Labels, ToolDescription } from "../../AgbApi.js"
import { InvalidRequestError } from "../../AgbError.js"
import type { Input } from "../../CreateSessionParams.js"
import type * as Results from "../../OperationResult.js"
import { SessionRef } from "../../SessionRef.js"
import * as issues from "../client/checks/issues.js"
import * as sessions from "../session/session.js"
import * as agbOperations from "./agbOperations.js"
import * as clients from "./client.js"
import { connect, type EndpointOptions, type LayerOptions } from "./connection/connect.js"
import type { Connection } from "./connection/connection.js"
import type { SessionOwners } from "./connection/sessionOwner.js"
import { Contexts } from "./contexts.js"
import type { CallOptions, Operation } from "./operation.js"
import * as pools from "./pool.js"
import { Code } from "./session/code.js"
import { Command } from "./session/command.js"
import { FileSystem } from "./session/fileSystem.js"
import * as sessionContexts from "./session/sessionContexts.js"
import { SessionInvoker } from "./session/sessionInvoker.js"
import * as operations from "./session/sessionOperations.js"
import { Terminals } from "./session/terminal.js"

/**
 * Options of a pool.
 *
 * @since 0.1.0
 * @category models
 */
export type PoolOptions = pools.PoolOptions<Session>

/**
 * Sessions that many callers share, each with one of its own for as long as it needs it.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionPool = pools.SessionPool<Session>

/**
 * Result of `pool`. `pool` is absent on failure.
 *
 * @since 0.1.0
 * @category models
 */
export type PoolResult = pools.PoolResult<Session>

/**
 * Result of `create` and `attach`.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionResult = Results.SessionResult<Session>

/**
 * Options of `create`: without `keepAlive` the session ends after its idle timeout also while the program runs.
 *
 * @since 0.1.0
 * @category models
 */
export interface CreateOptions extends Effectful.CreateOptions, CallOptions {}

/**
 * Options of `delete`: `sync` saves the contexts of the session before, and `deleteUnsaved` deletes it also if that failed.
 *
 * @since 0.1.0
 * @category models
 */
export interface DeleteOptions extends Effectful.DeleteOptions, CallOptions {}

let connectionOf: (agb: AGB) => Connection

const invalid = (operation: string, field: string, given: unknown, expected: string) =>
  new InvalidRequestError({ operation, field, given: issues.describe(given, field), expected })

/**
 * Creates, attaches to, lists and deletes sessions. It keeps the sessions it created alive and deletes the remaining ones on
 * `dispose`. The constructor sends nothing; invalid options throw a `ConfigurationError`.
 *
 * @example
 * ```ts
 * import { AgbPromise } from "@effect-agb/core"
 * import { FetchHttpClient } from "@effect/platform"
 *
 * export const hello = async (apiKey: string) => {
 *   const agb = new AgbPromise.AGB({ apiKey, httpClient: FetchHttpClient.layer })
 *   try {
 *     const created = await agb.create({ imageId: "agb-code-space-1" })
 *     if (!created.success) return created.errorMessage
 *     const run = await created.session.code.runCode("print('Hello World')", "python")
 *     return run.success ? run.result : run.errorMessage
 *   } finally {
 *     await agb.dispose()
 *   }
 * }
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class AGB {
  readonly #connection: Connection
  #client: clients.Client | undefined
  /** The contexts of the account. */
  readonly contexts: Contexts

  static {
    connectionOf = (agb) => {
      if (agb instanceof AGB) return agb.#connection
      throw invalid("BaseSession", "agb", agb, "an AGB")
    }
  }

  constructor(
    options: EndpointOptions | LayerOptions,
    /** @internal */
    owners?: SessionOwners
  ) {
    this.#connection = connect(options, owners)
    this.contexts = new Contexts(this.#connection)
  }

  /** The API key. Empty until the first call when the options are a layer. */
  get apiKey(): string {
    const { config } = this.#connection
    return config === undefined ? "" : Redacted.value(config.apiKey)
  }

  /** Scheme, host and path of the API. Empty until the first call when the options are a layer. */
  get endpoint(): string {
    return this.#connection.config?.endpoint ?? ""
  }

  /** Deadline of one API call in milliseconds. 0 until the first call when the options are a layer. */
  get timeoutMs(): number {
    return Duration.toMillis(this.#connection.config?.timeout ?? 0)
  }

  /** The low-level client, for endpoints without a method here. */
  get client(): clients.Client {
    return this.#client ??= clients.make(this.#connection)
  }

  /**
   * Creates a session, which incurs costs until it is deleted. Aborting the signal ends the wait immediately; a session that
   * the server created nevertheless is found and deleted.
   */
  async create(params: Input, options?: CreateOptions): Promise<SessionResult> {
    return this.#adopt(await this.#answer(agbOperations.create, { params }, options))
  }

  /** Uses an existing session of another owner: it is neither kept alive nor deleted by `dispose`. */
  async attach(sessionId: string, options?: CallOptions): Promise<SessionResult> {
    return this.#adopt(await this.#answer(agbOperations.attach, { sessionId }, options))
  }

  /**
   * Finds the session of an owner, any text that names what the session is for, or creates it. Nobody deletes it or keeps it alive:
   * use it with `resume`.
   */
  ensure(
    owner: string,
    params: Input,
    options?: CallOptions
  ): Promise<Results.OperationResult<SessionRef>> {
    return this.#answer(agbOperations.ensure, { owner, params }, options)
  }

  /**
   * Goes on with a session, also of another program, and keeps it alive until it is disposed of, by `await using`, or with this
   * `AGB`. It is not deleted.
   */
  async resume(ref: Pick<SessionRef, keyof SessionRef>, options?: CallOptions): Promise<SessionResult> {
    const connection = this.#connection
    const subject = Effect.map(Agb, (agb) => ({ agb, connection }))
    const result = await connection.acquire(agbOperations.resume, subject, { ref }, options)
    if (!result.success) return result
    const { data, requestId } = result
    const { value } = data
    const session = new Session(this, value.sessionId, value, () => connection.release(data))
    return { requestId, success: true, session }
  }

  /** Opens a pool, whose sessions end with it, or with this `AGB`. */
  pool(options: PoolOptions): Promise<PoolResult> {
    return pools.open(this.#connection, (session) => new Session(this, session.sessionId, session), options)
  }

  /** Lists the live sessions of the account that have all the given labels. */
  list(labels?: Labels, options?: CallOptions): Promise<Results.SessionListResult> {
    return this.#answer(agbOperations.list, { labels }, options)
  }

  /** Deletes the sessions of programs that ended without deleting them, e.g. after `kill -9`, and tells which. */
  sweep(options?: agbOperations.SweepOptions): Promise<Results.OperationResult<agbOperations.SweepReport>> {
    return this.#answer(agbOperations.sweep, {}, options)
  }

  /** Sessions that could not be deleted, and creates that are still in doubt. */
  undeleted(options?: CallOptions): Promise<Results.OperationResult<ReadonlyArray<Effectful.Undeleted>>> {
    return this.#answer(agbOperations.undeleted, {}, options)
  }

  /**
   * Deletes a session and waits until the server confirms it. A session that does not exist counts as deleted. With `sync` its
   * contexts are saved before, and a session that could not be saved is not deleted.
   */
  delete(session: BaseSession | string, options?: DeleteOptions): Promise<Results.DeleteResult> {
    return this.#answer(agbOperations.remove, { session: agbOperations.sessionIdOf(session) }, options)
  }

  /**
   * Creates a session, passes it to `use`, and deletes it when `use` returns or throws. Rejects with the error of `use`, or
   * with an `Error` whose `cause` is the typed error if the session could not be created. The signal cancels the create only.
   */
  async withSession<A>(
    params: Input,
    use: (session: Session) => A | PromiseLike<A>,
    options?: CallOptions
  ): Promise<A> {
    if (typeof use !== "function") throw invalid("Agb.withSession", "use", use, "a function that takes a session")
    const created = await this.create(params, options)
    if (!created.success) {
      throw new Error(`Failed to create session: ${created.errorMessage}`, { cause: created.error })
    }
    try {
      return await use(created.session)
    } finally {
      await this.delete(created.session)
    }
  }

  #answer<Args, A, Result>(
    operation: Operation<agbOperations.Subject, Args, A, Result>,
    args: object,
    options: unknown
  ): Promise<Result> {
    const connection = this.#connection
    return connection.answer(operation, Effect.map(Agb, (agb) => ({ agb, connection })), args, options)
  }

  #adopt(result: Results.SessionResult<sessions.Session>): SessionResult {
    return result.success
      ? { ...result, session: new Session(this, result.session.sessionId, result.session) }
      : result
  }

  /** Deletes the sessions that this `AGB` still owns and releases its resources. Repeated calls have no effect. */
  dispose(): Promise<void> {
    return this.#connection.dispose()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  /** @internal */
  toJSON(): unknown {
    return { _id: "AGB", endpoint: this.endpoint, timeoutMs: this.timeoutMs }
  }

  /** @internal */
  [Inspectable.NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}

/** A session of which only the id is known. */
const unknownSession = (sessionId: string): Effect.Effect<sessions.Session, never, Agb> => {
  let session: sessions.Session | undefined
  return Effect.map(
    Agb,
    ({ client }) => session ??= sessions.make({ client, imageId: "", reply: { sessionId } }).session
  )
}

/**
 * A session and its modules. Once the session is lost, every call returns a failed result with a `SessionLostError`.
 *
 * The constructor creates a handle for a known session id without a request; use `attach` to verify that the session exists.
 *
 * @since 0.1.0
 * @category models
 */
export class BaseSession {
  readonly sessionId: string
  /** Empty for an attached session, whose image the server does not report. */
  readonly imageId: string
  readonly code: Code
  readonly command: Command
  readonly fileSystem: FileSystem
  readonly contexts: sessionContexts.SessionContexts
  readonly link: sessionContexts.SessionLink
  readonly terminal: Terminals
  readonly #agb: AGB
  readonly #calls: SessionInvoker
  readonly #ref: SessionRef
  readonly #resourceUrl: string
  readonly #handles: sessions.Handles | undefined
  readonly #release: (() => Promise<void>) | undefined

  constructor(
    agb: AGB,
    sessionId: string,
    /** @internal */
    known?: sessions.Session,
    /** @internal */
    release?: () => Promise<void>
  ) {
    if (typeof sessionId !== "string") throw invalid("BaseSession", "sessionId", sessionId, "a session id")
    this.#calls = new SessionInvoker(
      connectionOf(agb),
      known === undefined ? unknownSession(sessionId) : Effect.succeed(known)
    )
    this.#agb = agb
    this.#ref = known?.ref ?? new SessionRef({ sessionId, imageId: "" }, { disableValidation: true })
    this.#resourceUrl = known?.resourceUrl ?? ""
    this.#release = release
    this.#handles = known && sessions.handlesOf(known)
    this.sessionId = sessionId
    this.imageId = known?.imageId ?? ""
    this.code = new Code(this.#calls)
    this.command = new Command(this.#calls)
    this.fileSystem = new FileSystem(this.#calls)
    this.contexts = new sessionContexts.SessionContexts(this.#calls)
    this.link = new sessionContexts.SessionLink(this.#calls)
    this.terminal = new Terminals(this.#calls)
  }

  /** A reference by which another program can go on with the session: `resume`. */
  get ref(): SessionRef {
    return this.#ref
  }

  /** URL to view the session, or empty. It contains a short-lived access code: do not log it. */
  get resourceUrl(): string {
    return this.#resourceUrl
  }

  /**
   * Runs operations of platform packages on the session.
   *
   * @internal
   */
  get calls(): SessionInvoker {
    return this.#calls
  }

  /**
   * What the server said when the session was created or attached.
   *
   * @internal
   */
  get handles(): sessions.Handles | undefined {
    return this.#handles
  }

  /** Returns the URL to view the session and, for desktop images, the connection parameters of the viewer. */
  info(options?: CallOptions): Promise<Results.OperationResult<operations.SessionInfo>> {
    return this.#calls.answer(operations.info, {}, options)
  }

  /** Returns the API key used by the calls of this session. */
  getApiKey(): string {
    return this.#agb.apiKey
  }

  /** Returns the id of the session. */
  getSessionId(): string {
    return this.sessionId
  }

  /** Returns the low-level client, for endpoints without a method here. */
  getClient(): clients.Client {
    return this.#agb.client
  }

  /** Returns the resource usage of the session. */
  getMetrics(options?: CallOptions): Promise<Results.OperationResult<sessionContexts.SessionMetrics>> {
    return this.#calls.answer(sessionContexts.getMetrics, {}, options)
  }

  /** Lists the tools of an image. Default: the image of the session. */
  listTools(
    imageId?: string,
    options?: CallOptions
  ): Promise<Results.OperationResult<ReadonlyArray<ToolDescription>>> {
    return this.#calls.answer(operations.listTools, { imageId }, options)
  }

  /** Calls a tool by name and returns the text of its reply. It is not retried if it may have been executed. */
  callTool(
    name: string,
    args: Readonly<Record<string, unknown>>,
    options?: operations.CallToolOptions
  ): Promise<Results.OperationResult<string>> {
    return this.#calls.answer(operations.callTool, { name, args }, options)
  }

  /** Returns a public URL of the session, or of a port that the server accepts. `protocolType` is `https` or `wss`. */
  getLink(
    protocolType?: sessions.LinkProtocol,
    port?: number,
    options?: CallOptions
  ): Promise<Results.OperationResult<string>> {
    return this.#calls.answer(operations.getLink, { protocolType, port }, options)
  }

  /** Returns `RUNNING`, `DELETING` or `FINISH`, in upper case. It does not reset the idle timer. */
  getStatus(options?: CallOptions): Promise<Results.OperationResult<string>> {
    return this.#calls.answer(operations.getStatus, {}, options)
  }

  /** Resets the idle timer. Sessions created by this program are kept alive automatically. */
  keepAlive(options?: CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(operations.keepAlive, {}, options)
  }

  /** Returns when the server releases the session at the earliest, if that is known and it is neither used nor kept alive. */
  expiresAt(options?: CallOptions): Promise<Results.OperationResult<Date | undefined>> {
    return this.#calls.answer(operations.expiresAt, {}, options)
  }

  /** Returns the labels of the session. */
  getLabels(options?: CallOptions): Promise<Results.OperationResult<Labels>> {
    return this.#calls.answer(operations.getLabels, {}, options)
  }

  /** Replaces all labels; at least one is required. */
  setLabels(labels: Labels, options?: CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(operations.setLabels, { labels }, options)
  }

  /** Deletes the session and waits until the server confirms it. A session that does not exist counts as deleted. */
  delete(options?: DeleteOptions): Promise<Results.DeleteResult> {
    return this.#agb.delete(this.sessionId, options)
  }

  /**
   * Deletes the session if its `AGB` created it. An attached session has another owner and is left alone, as is one that was
   * resumed, which is not kept alive any more.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#release !== undefined) return this.#release()
    if (connectionOf(this.#agb).owns(this.sessionId)) await this.delete()
  }

  /** @internal */
  toJSON(): unknown {
    return { _id: "Session", sessionId: this.sessionId, imageId: this.imageId }
  }

  /** @internal */
  [Inspectable.NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}

/**
 * Alias of `BaseSession`, the older name.
 *
 * @since 0.1.0
 * @category models
 */
export class Session extends BaseSession {}
