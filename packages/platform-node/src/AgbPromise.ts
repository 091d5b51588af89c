/**
 * The SDK on Node for programs without Effect: promises of plain result objects with a `success` field, against the AGB cloud
 * or the local runtime.
 *
 * An expected failure, invalid arguments included, is a result with `success: false`. A promise rejects only with the reason
 * of an aborted signal, or with the original error after a defect in the SDK. An `AGB` owns the sessions that it creates:
 * `dispose` deletes the remaining ones.
 *
 * @since 0.1.0
 */
import { type CodeResultItem, ConfigurationError } from "@effect-agb/core/AgbError"
import * as Core from "@effect-agb/core/AgbPromise"
import type { OperationResult } from "@effect-agb/core/OperationResult"
import type { Representation } from "@effect-agb/core/RichResult"
import type { Progress } from "@effect-agb/core/Transfer"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as guardian from "./internal/guardian/guardian.js"
import type { GuardianOptions } from "./internal/guardian/guardian.js"
import { ForgottenSessions } from "./internal/node/forgottenSessions.js"
import { keepsProcessAlive } from "./internal/node/processRef.js"
import * as transport from "./internal/node/transport.js"
import * as savedResult from "./internal/promise/savedResult.js"
import * as sessionOperations from "./internal/promise/sessionOperations.js"
import type { Forwarded, ForwardOptions, TransferOptions } from "./internal/promise/sessionOperations.js"
import * as LocalAgb from "./LocalAgb.js"

export {
  /**
   * A session and its modules.
   *
   * @since 0.1.0
   * @category models
   */
  BaseSession,
  /**
   * Parameters of a new session.
   *
   * @since 0.1.0
   * @category models
   */
  CreateSessionParams,
  /**
   * An alias of `BaseSession`.
   *
   * @since 0.1.0
   * @category models
   */
  Session
} from "@effect-agb/core/AgbPromise"

/**
 * The types of the promise API.
 *
 * @since 0.1.0
 * @category models
 */
export type * from "@effect-agb/core/AgbPromise"

/**
 * The types of its results.
 *
 * @since 0.1.0
 * @category models
 */
export type * from "@effect-agb/core/OperationResult"

export type {
  /**
   * A port of this machine that leads into a session.
   *
   * @since 0.1.0
   * @category models
   */
  Forwarded,
  /**
   * Options of `forward`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  ForwardOptions,
  /**
   * Options of `upload` and `download`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  TransferOptions
} from "./internal/promise/sessionOperations.js"

export type {
  /**
   * How far a transfer is. The last report of a transfer has `files` equal to `totalFiles`.
   *
   * @since 0.1.0
   * @category models
   */
  Progress
} from "@effect-agb/core/Transfer"

export type {
  /**
   * The result of creating a session.
   *
   * @since 0.1.0
   * @category models
   */
  SessionResult
} from "@effect-agb/core/AgbPromise"

/**
 * How to connect. All fields are optional: a missing one is read from the environment, or else has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** API key. Default: `AGB_API_KEY`. */
  readonly apiKey?: string | undefined
  /** Host or URL. Default: `AGB_ENDPOINT`, or else `sdk-api.agb.cloud`. Plain `http` is allowed for loopback only. */
  readonly endpoint?: string | undefined
  /** Deadline of one API call, in milliseconds, at most a day. Default: `AGB_TIMEOUT_MS`, or else 60,000. */
  readonly timeoutMs?: number | undefined
  /**
   * A process that deletes the sessions of this `AGB` also if the program is killed: `true`, or options of `NodeAgb.layerGuardian`.
   * It starts with the first call and ends after `dispose`; where it cannot start, results have a `RuntimeUnavailableError`, reason
   * `GuardianError`. Default: false.
   */
  readonly guardian?: boolean | GuardianOptions | undefined
}

const guarded = (options: true | GuardianOptions) => {
  const given = options === true ? {} : options
  const checked = Effect.runSync(Effect.either(guardian.directoryOf(given)))
  if (Either.isLeft(checked) && checked.left._tag === "ConfigurationError") throw checked.left
  return Layer.merge(transport.layer, guardian.layer(given))
}

const complete = (options: string | Options | Core.LayerOptions): Core.EndpointOptions | Core.LayerOptions => {
  if (typeof options === "string") return { apiKey: options, transport: transport.layer }
  if (!Predicate.isRecord(options) || "layer" in options) return options as Core.LayerOptions
  const other = ["transport", "httpClient"].find((name) => name in options)
  if (other !== undefined) {
    throw new ConfigurationError({ field: other, expected: "absent (the AGB of @effect-agb/core takes one)" })
  }
  const { guardian = false, ...others } = options as Options
  if (typeof guardian !== "boolean" && !Predicate.isRecord(guardian)) {
    throw new ConfigurationError({ field: "guardian", expected: "a boolean, or the options of a guardian" })
  }
  return { ...others, transport: guardian === false ? transport.layer : guarded(guardian) }
}

const forgotten = new ForgottenSessions({ outliveProcess: true })

/** Sessions of local runtimes inside this process end with it. */
const forgottenLocal = new ForgottenSessions({ outliveProcess: false })

const localLayers = new WeakSet<object>()

const ownersOf = (options: unknown): ForgottenSessions =>
  Predicate.hasProperty(options, "layer") && Predicate.isObject(options.layer) && localLayers.has(options.layer)
    ? forgottenLocal
    : forgotten

/**
 * Creates, finds and deletes sessions. It keeps the sessions that it created alive, and deletes those that are left when it is
 * disposed. One that is never disposed is disposed when the process has nothing more to do, which a line on standard error
 * says; after `process.exit` or an uncaught exception, that line names the sessions that are left. The constructor makes no request; it throws a `ConfigurationError` for a missing or invalid setting.
 *
 * @example
 * ```ts
 * import { AgbPromise } from "@effect-agb/platform-node"
 *
 * export const hello = async () => {
 *   const agb = AgbPromise.AGB.local()
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
export class AGB extends Core.AGB {
  /** Takes an API key or options; missing ones are read from `AGB_API_KEY`, `AGB_ENDPOINT` and `AGB_TIMEOUT_MS`. */
  constructor(options: string | Options | Core.LayerOptions = {}) {
    super(complete(options), ownersOf(options))
  }

  /**
   * An `AGB` whose sessions run in sandboxes on this machine, without an account or a network. The local runtime starts with
   * the first call and stops with `dispose`. Where it cannot start, results have a `RuntimeUnavailableError` that says what
   * to do.
   */
  static local(options: LocalAgb.Options = {}): AGB {
    if (!Predicate.isRecord(options)) throw new ConfigurationError({ field: "options", expected: "an object" })
    const layer = Layer.locally(LocalAgb.layer(options), keepsProcessAlive, false)
    localLayers.add(layer)
    return new AGB({ layer })
  }

  /**
   * Makes a port of a session a port of this machine, as `NodeAgb.forward` does, until it is closed, by `await using`, or with this
   * `AGB`.
   */
  forward(session: Core.BaseSession, port: number, options?: ForwardOptions): Promise<OperationResult<Forwarded>> {
    return sessionOperations.forward(session, port, options)
  }

  /**
   * Moves a file or directory of this machine into a session, to the path `remote`, and iterates over the progress, for `for await`:
   * nothing is moved unless it is read. Directories are merged with what is there; files are replaced. Failures are thrown as typed
   * errors, and so are those of this machine; the next transfer continues where a broken one has ended.
   */
  upload(
    session: Core.BaseSession,
    local: string,
    remote: string,
    options?: TransferOptions
  ): AsyncIterableIterator<Progress> {
    return sessionOperations.upload(session, local, remote, options)
  }

  /** Moves a file or directory of a session to the path `local` of this machine; see `upload`. */
  download(
    session: Core.BaseSession,
    remote: string,
    local: string,
    options?: TransferOptions
  ): AsyncIterableIterator<Progress> {
    return sessionOperations.download(session, remote, local, options)
  }
}

/**
 * Saves a displayed value of a run, or one representation of it, to a file of this machine and returns its path, as
 * `RichResult.saveAs` does: `chart` becomes `chart.png`. Nothing is sent.
 *
 * @example
 * ```ts
 * import { AgbPromise } from "@effect-agb/platform-node"
 *
 * export const chart = async (session: AgbPromise.Session) => {
 *   const run = await session.code.runCode("import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()", "python")
 *   for (const item of run.results) {
 *     const saved = await AgbPromise.saveAs(item, "chart")
 *     if (saved.success) console.log(saved.data)
 *   }
 * }
 * ```
 *
 * @since 0.1.0
 * @category saving
 */
export const saveAs: (item: CodeResultItem | Representation, path: string) => Promise<OperationResult<string>> =
  savedResult.saveAs
