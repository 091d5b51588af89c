/**
 * The SDK on Node for programs that do not use Effect: promises of plain results, told apart by `success`, against the
 * AGB cloud or on this machine.
 *
 * An operation never rejects for what it can answer, bad arguments included. It rejects with the reason of an aborted
 * signal, and with the original error where the SDK itself is at fault. An `AGB` owns the sessions that it creates:
 * `dispose` deletes those that are left.
 *
 * @since 0.1.0
 */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Core from "@effect-agb/core/AgbPromise"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { keepsAlive } from "./internal/node/processRef.js"
import * as transport from "./internal/node/transport.js"
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
   * What a session is created with.
   *
   * @since 0.1.0
   * @category models
   */
  CreateSessionParams,
  /**
   * The same as `BaseSession`, under its older name.
   *
   * @since 0.1.0
   * @category models
   */
  Session
} from "@effect-agb/core/AgbPromise"

/**
 * The types of the promise face.
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
   * The answer of a creation.
   *
   * @since 0.1.0
   * @category models
   */
  SessionResult
} from "@effect-agb/core/AgbPromise"

/**
 * All optional: what is absent is taken from the environment, and then has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Else `AGB_API_KEY`. */
  readonly apiKey?: string | undefined
  /** Host or URL. Else `AGB_ENDPOINT`, else `sdk-api.agb.cloud`; plain `http` is accepted for loopback addresses only. */
  readonly endpoint?: string | undefined
  /** Deadline of one call to the API in milliseconds, at most a day. Else `AGB_TIMEOUT_MS`, else 60,000. */
  readonly timeoutMs?: number | undefined
}

const complete = (options: string | Options | Core.LayerOptions): Core.EndpointOptions | Core.LayerOptions => {
  if (typeof options === "string") return { apiKey: options, transport: transport.layer }
  return Predicate.isRecord(options) && !("layer" in options)
    ? { ...options, transport: transport.layer }
    : options as Core.LayerOptions
}

/**
 * Creates, finds and deletes sessions. It keeps the sessions that it created alive, and deletes them at the latest when
 * it is disposed. Constructing it sends nothing; a missing or wrong setting throws a `ConfigurationError`.
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
  /** An API key, or settings; what is absent is taken from `AGB_API_KEY`, `AGB_ENDPOINT` and `AGB_TIMEOUT_MS`. */
  constructor(options: string | Options | Core.LayerOptions = {}) {
    super(complete(options))
  }

  /**
   * Sessions on this machine, in sandboxes: no account and no network is needed. The runtime is started on first use and
   * ends with `dispose`. Where it cannot be started, results fail with a `RuntimeUnavailableError` that says what to do.
   */
  static local(options: LocalAgb.Options = {}): AGB {
    if (!Predicate.isRecord(options)) throw new ConfigurationError({ field: "options", expected: "an object" })
    return new AGB({ layer: Layer.locally(LocalAgb.layer(options), keepsAlive, false) })
  }
}
