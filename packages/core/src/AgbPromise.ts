/**
 * The SDK for programs that do not use Effect: promises of plain results, discriminated by `success`. On Node use the `AGB`
 * of `@effect-agb/platform-node`, which includes a transport and reads the environment.
 *
 * Failures, including invalid arguments, are results. A promise rejects only with the reason of an aborted signal or with a
 * defect of the SDK. An `AGB` owns the sessions it creates: `dispose` deletes the remaining ones.
 *
 * @since 0.1.0
 */
/// <reference lib="esnext.disposable" preserve="true" />
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Redacted from "effect/Redacted"
import { Agb } from "./Agb.js"
import type { Labels } from "./AgbApi.js"
import { InvalidRequestError } from "./AgbError.js"
import type { Input } from "./CreateSessionParams.js"
import * as issues from "./internal/client/issues.js"
import * as agbOperations from "./internal/promise/agbOperations.js"
import * as clients from "./internal/promise/client.js"
import { Code } from "./internal/promise/code.js"
import { Command } from "./internal/promise/command.js"
import { connect, type EndpointOptions, type LayerOptions } from "./internal/promise/connect.js"
import type { Connection } from "./internal/promise/connection.js"
import { FileSystem } from "./internal/promise/fileSystem.js"
import type { CallOptions, Operation } from "./internal/promise/operation.js"
import { SessionInvoker } from "./internal/promise/sessionInvoker.js"
import * as operations from "./internal/promise/sessionOperations.js"
import * as sessions from "./internal/session/session.js"
import type * as Results from "./OperationResult.js"

export {
  /**
   * Parameters of `create`: image, labels and idle timeout. The constructor never throws: `create` validates the values
   * before anything is sent.
   *
   * @since 0.1.0
   * @category models
   */
  CreateSessionParams
} from "./CreateSessionParams.js"

export {
  /**
   * The low-level client: one method per endpoint, under its wire name.
   *
   * @since 0.1.0
   * @category models
   */
  type Client
} from "./internal/promise/client.js"

export {
  /**
   * Runs code in a session. Each language has a kernel that keeps its state between calls.
   *
   * @since 0.1.0
   * @category models
   */
  type Code
} from "./internal/promise/code.js"

export {
  /**
   * Runs shell commands in a session. Each call starts a fresh shell.
   *
   * @since 0.1.0
   * @category models
   */
  type Command,
  /**
   * Options of `executeCommand`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ExecuteCommandOptions
} from "./internal/promise/command.js"

export {
  /**
   * An endpoint and the transport to reach it.
   *
   * @since 0.1.0
   * @category models
   */
  type EndpointOptions,
  /**
   * A layer that provides the `Agb` service.
   *
   * @since 0.1.0
   * @category models
   */
  type LayerOptions
} from "./internal/promise/connect.js"

export {
  /**
   * Files and directories of a session.
   *
   * @since 0.1.0
   * @category models
   */
  type FileSystem,
  /**
   * Options of `readFile` and `readFileBytes`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ReadFileOptions,
  /**
   * Options of `watchDirectory`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type WatchDirectoryOptions
} from "./internal/promise/fileSystem.js"

export {
  /**
   * Options of every call, passed as its last argument: `signal` cancels the call.
   *
   * @since 0.1.0
   * @category models
   */
  type CallOptions
} from "./internal/promise/operation.js"

export {
  /**
   * Result of `info`. It contains credentials: do not log it.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionInfo
} from "./internal/promise/sessionOperations.js"

/**
 * Result of `create` and `attach`.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionResult = Results.SessionResult<Session>

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

  static {
    connectionOf = (agb) => {
      if (agb instanceof AGB) return agb.#connection
      throw invalid("BaseSession", "agb", agb, "an AGB")
    }
  }

  constructor(options: EndpointOptions | LayerOptions) {
    this.#connection = connect(options)
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
  async create(params: Input, options?: CallOptions): Promise<SessionResult> {
    return this.#adopt(await this.#answer(agbOperations.create, { params }, options))
  }

  /** Uses an existing session of another owner: it is neither kept alive nor deleted by `dispose`. */
  async attach(sessionId: string, options?: CallOptions): Promise<SessionResult> {
    return this.#adopt(await this.#answer(agbOperations.attach, { sessionId }, options))
  }

  /** Lists the live sessions of the account that have all the given labels. */
  list(labels?: Labels, options?: CallOptions): Promise<Results.SessionListResult> {
    return this.#answer(agbOperations.list, { labels }, options)
  }

  /** Deletes a session and waits until the server confirms it. A session that does not exist counts as deleted. */
  delete(session: BaseSession | string, options?: CallOptions): Promise<Results.DeleteResult> {
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
  readonly #agb: AGB
  readonly #calls: SessionInvoker
  readonly #resourceUrl: string

  constructor(
    agb: AGB,
    sessionId: string,
    /** @internal */
    known?: sessions.Session
  ) {
    if (typeof sessionId !== "string") throw invalid("BaseSession", "sessionId", sessionId, "a session id")
    this.#calls = new SessionInvoker(
      connectionOf(agb),
      known === undefined ? unknownSession(sessionId) : Effect.succeed(known)
    )
    this.#agb = agb
    this.#resourceUrl = known?.resourceUrl ?? ""
    this.sessionId = sessionId
    this.imageId = known?.imageId ?? ""
    this.code = new Code(this.#calls)
    this.command = new Command(this.#calls)
    this.fileSystem = new FileSystem(this.#calls)
  }

  /** URL to view the session, or empty. It contains a short-lived access code: do not log it. */
  get resourceUrl(): string {
    return this.#resourceUrl
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

  /** Returns a public URL of the session, or of one of its ports from 30100 to 30199. `protocolType` is `https` or `wss`. */
  getLink(protocolType?: string, port?: number, options?: CallOptions): Promise<Results.OperationResult<string>> {
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

  /** Returns the labels of the session. */
  getLabels(options?: CallOptions): Promise<Results.OperationResult<Labels>> {
    return this.#calls.answer(operations.getLabels, {}, options)
  }

  /** Replaces all labels; at least one is required. */
  setLabels(labels: Labels, options?: CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(operations.setLabels, { labels }, options)
  }

  /** Deletes the session and waits until the server confirms it. A session that does not exist counts as deleted. */
  delete(options?: CallOptions): Promise<Results.DeleteResult> {
    return this.#agb.delete(this.sessionId, options)
  }

  /** Deletes the session if its `AGB` created it. An attached session has another owner and is left alone. */
  async [Symbol.asyncDispose](): Promise<void> {
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
