/**
 * The SDK for programs that do not use Effect: promises of plain results, told apart by `success`. On Node use the `AGB`
 * of `@effect-agb/platform-node`, which brings its transport and reads the environment.
 *
 * An operation never rejects for what it can answer, bad arguments included. It rejects with the reason of an aborted
 * signal, and with the original error where the SDK itself is at fault. An `AGB` owns the sessions that it creates:
 * `dispose` deletes those that are left.
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
import { SessionInvoker } from "./internal/promise/sessionInvoker.js"
import * as clients from "./internal/promise/client.js"
import { Code } from "./internal/promise/code.js"
import { Command } from "./internal/promise/command.js"
import { connect, type EndpointOptions, type LayerOptions } from "./internal/promise/connect.js"
import type { Connection } from "./internal/promise/connection.js"
import { FileSystem } from "./internal/promise/fileSystem.js"
import type { CallOptions, Operation } from "./internal/promise/operation.js"
import * as operations from "./internal/promise/sessionOperations.js"
import * as sessions from "./internal/session/session.js"
import type * as Results from "./OperationResult.js"

export {
  /**
   * The image to start, labels to find the session by, and for how long it may be idle. Constructing it never throws: the
   * values are checked by `create`, before anything is sent.
   *
   * @since 0.1.0
   * @category models
   */
  CreateSessionParams
} from "./CreateSessionParams.js"

export {
  /**
   * One method per endpoint, each under its name on the wire.
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
   * Runs shell commands in a session. Each call is a fresh shell.
   *
   * @since 0.1.0
   * @category models
   */
  type Command,
  /**
   * How `executeCommand` is asked; all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ExecuteCommandOptions
} from "./internal/promise/command.js"

export {
  /**
   * An endpoint and how to reach it.
   *
   * @since 0.1.0
   * @category models
   */
  type EndpointOptions,
  /**
   * Anything that provides the `Agb` service.
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
   * How a file is read; all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ReadFileOptions,
  /**
   * How a directory is watched; all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type WatchDirectoryOptions
} from "./internal/promise/fileSystem.js"

export {
  /**
   * What every call takes as its last argument: `signal`, which ends the work when it is aborted.
   *
   * @since 0.1.0
   * @category models
   */
  type CallOptions
} from "./internal/promise/operation.js"

export {
  /**
   * What `info` says. It holds credentials: do not log it.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionInfo
} from "./internal/promise/sessionOperations.js"

/**
 * The answer of a creation.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionResult = Results.SessionResult<Session>

let connectionOf: (agb: AGB) => Connection

const invalid = (operation: string, field: string, given: unknown, expected: string) =>
  new InvalidRequestError({ operation, field, given: issues.describe(given, field), expected })

/**
 * Creates, finds and deletes sessions. It keeps the sessions that it created alive, and deletes them at the latest when
 * it is disposed. Constructing it sends nothing; wrong options throw a `ConfigurationError`.
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

  /** The key. Empty until the first call when the options are a layer. */
  get apiKey(): string {
    const { config } = this.#connection
    return config === undefined ? "" : Redacted.value(config.apiKey)
  }

  /** Scheme, host and path of the API. Empty until the first call when the options are a layer. */
  get endpoint(): string {
    return this.#connection.config?.endpoint ?? ""
  }

  /** Deadline of one call to the API. 0 until the first call when the options are a layer. */
  get timeoutMs(): number {
    return Duration.toMillis(this.#connection.config?.timeout ?? 0)
  }

  /** The wire itself, for what has no method. */
  get client(): clients.Client {
    return this.#client ??= clients.make(this.#connection)
  }

  /**
   * Creates a session, which costs until it is deleted. Aborting the signal ends the wait at once, and what the server
   * may have created is found and deleted.
   */
  async create(params: Input, options?: CallOptions): Promise<SessionResult> {
    return this.#adopt(await this.#answer(agbOperations.create, { params }, options))
  }

  /** Uses a session that exists and belongs to somebody else: it is neither kept alive nor deleted by the disposal. */
  async attach(sessionId: string, options?: CallOptions): Promise<SessionResult> {
    return this.#adopt(await this.#answer(agbOperations.attach, { sessionId }, options))
  }

  /** The live sessions of the account that carry all the labels. */
  list(labels?: Labels, options?: CallOptions): Promise<Results.SessionListResult> {
    return this.#answer(agbOperations.list, { labels }, options)
  }

  /** Deletes a session and waits until the server confirms it. One that does not exist is deleted. */
  delete(session: BaseSession | string, options?: CallOptions): Promise<Results.DeleteResult> {
    return this.#answer(agbOperations.remove, { session: agbOperations.sessionIdOf(session) }, options)
  }

  /**
   * Creates a session, uses it and deletes it, however the use ends. It rejects with what the use threw, and with an
   * `Error` whose `cause` is the typed error when no session could be created. The signal is for the creation.
   */
  async withSession<A>(
    params: Input,
    use: (session: Session) => A | PromiseLike<A>,
    options?: CallOptions
  ): Promise<A> {
    if (typeof use !== "function") throw invalid("Agb.withSession", "use", use, "a function of a session")
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

  /** Deletes the sessions that this AGB created and still holds, and ends what it started. A second call does nothing. */
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

/** A session of which nothing but the id is known. */
const unknownSession = (sessionId: string): Effect.Effect<sessions.Session, never, Agb> => {
  let session: sessions.Session | undefined
  return Effect.map(
    Agb,
    ({ client }) => session ??= sessions.make({ client, imageId: "", reply: { sessionId } }).session
  )
}

/**
 * A session and its modules. Every call answers with a `SessionLostError` once the session is gone.
 *
 * The constructor makes a handle for a session whose id is known, without asking the server: use `attach` to be told
 * whether it exists.
 *
 * @since 0.1.0
 * @category models
 */
export class BaseSession {
  readonly sessionId: string
  /** Empty for an attached session: the server does not say. */
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
    if (typeof sessionId !== "string") throw invalid("BaseSession", "sessionId", sessionId, "the id of a session")
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

  /** Where the session can be looked at, or empty. It contains a short-lived access code: do not log it. */
  get resourceUrl(): string {
    return this.#resourceUrl
  }

  /** Where the session can be looked at, and for a desktop image how a viewer connects. */
  info(options?: CallOptions): Promise<Results.OperationResult<operations.SessionInfo>> {
    return this.#calls.answer(operations.info, {}, options)
  }

  /** The API key that the calls of this session are made with. */
  getApiKey(): string {
    return this.#agb.apiKey
  }

  /** The id of the session. */
  getSessionId(): string {
    return this.sessionId
  }

  /** The wire itself, for what has no method. */
  getClient(): clients.Client {
    return this.#agb.client
  }

  /** A public URL of the session, or of a port of it from 30100 to 30199. `protocolType` is `https` or `wss`. */
  getLink(protocolType?: string, port?: number, options?: CallOptions): Promise<Results.OperationResult<string>> {
    return this.#calls.answer(operations.getLink, { protocolType, port }, options)
  }

  /** `RUNNING`, `DELETING` or `FINISH`, in upper case. Asking does not count as use. */
  getStatus(options?: CallOptions): Promise<Results.OperationResult<string>> {
    return this.#calls.answer(operations.getStatus, {}, options)
  }

  /** Resets the idle timer. Sessions that this program created are kept alive by themselves. */
  keepAlive(options?: CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(operations.keepAlive, {}, options)
  }

  /** The labels of the session. */
  getLabels(options?: CallOptions): Promise<Results.OperationResult<Labels>> {
    return this.#calls.answer(operations.getLabels, {}, options)
  }

  /** Replaces all labels; at least one is needed. */
  setLabels(labels: Labels, options?: CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(operations.setLabels, { labels }, options)
  }

  /** Deletes the session and waits until the server confirms it. One that does not exist is deleted. */
  delete(options?: CallOptions): Promise<Results.DeleteResult> {
    return this.#agb.delete(this.sessionId, options)
  }

  /** Deletes the session if its AGB created it; one that is attached belongs to somebody else. */
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
 * The same as `BaseSession`, under its older name.
 *
 * @since 0.1.0
 * @category models
 */
export class Session extends BaseSession {}
