/**
 * The local runtime: a server, on loopback unless configured otherwise, that speaks the wire of the AGB cloud and runs
 * real processes in sandboxes. Provide its layer in place of the cloud's, and the same program runs without an account or
 * a network.
 *
 * The layer owns the server and its sessions: when it ends, all their processes and files are removed.
 *
 * @since 0.1.0
 */
import * as Agb from "@effect-agb/core/Agb"
import type { AgbClient } from "@effect-agb/core/AgbClient"
import * as AgbConfig from "@effect-agb/core/AgbConfig"
import type { ConfigurationError } from "@effect-agb/core/AgbError"
import type { Language } from "@effect-agb/core/AgbTools"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { layerNone as layerUnguarded } from "./internal/guardian/guardian.js"
import * as localRuntime from "./internal/localRuntime.js"
import * as transport from "./internal/node/transport.js"
import { resolveApiKey } from "./internal/options/apiKey.js"
import { resolveContextLimits } from "./internal/options/contextLimits.js"
import { checkNames } from "./internal/options/knownNames.js"
import { resolveNetwork } from "./internal/options/networkOption.js"
import { resolveSandboxLimits } from "./internal/options/sandboxLimits.js"
import { integer, seconds } from "./internal/options/scalars.js"
import { resolveServerLimits, type ServerLimitOptions } from "./internal/options/serverLimits.js"
import { availableLanguages, describeLanguages } from "./internal/sandbox/confine/interpreters.js"
import { findInterpreters } from "./internal/sandbox/languages/interpreterSearch.js"
import { resolveHosts } from "./internal/server/http/hosts.js"
import type { LocalServerError } from "./internal/server/http/localServerError.js"
import * as Isolation from "./Isolation.js"

export {
  /**
   * The server could not listen, for example because its port is taken. `code` is the system's error code.
   *
   * @since 0.1.0
   * @category errors
   */
  LocalServerError
} from "./internal/server/http/localServerError.js"

export {
  /**
   * Limits on what one client of the server may use. All fields are optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ServerLimitOptions
} from "./internal/options/serverLimits.js"

/**
 * How a runtime is started. All fields are optional.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * How sandboxed code is separated from this machine. Default `auto`: the strongest level that works here; the start
   * fails where none does. `none` is used only if requested explicitly: file tools stay confined to the home and
   * temporary directory of the session (`/tmp` in their paths is that directory, `$TMPDIR` of its commands), but commands
   * and code run with all rights of this user. An `Isolation` from {@link Isolation.probe} is used unchanged.
   */
  readonly isolation?: Isolation.IsolationRequest | Isolation.Isolation | undefined
  /**
   * Address to listen on. Default `127.0.0.1`: only programs on this machine reach the server. With any other, such as
   * `0.0.0.0`, other machines do, over plain HTTP; a warning that says so is logged.
   */
  readonly host?: string | undefined
  /**
   * Host names and addresses, without ports, that clients may use besides the server's own address: those of a container,
   * a proxy or a forwarded port. Requests for any other host are rejected (DNS rebinding).
   */
  readonly allowedHosts?: ReadonlyArray<string> | undefined
  /** Default 0: any free port. */
  readonly port?: number | undefined
  /** Key that clients must send. Default: a random one. */
  readonly apiKey?: Redacted.Redacted<string> | string | undefined
  /**
   * Network access of sessions. Default `none`.
   *
   * - `outbound`: public addresses only, through a proxy per session that the proxy variables of its environment name.
   *   This machine and its private networks stay unreachable, except for the addresses, CIDR ranges (`10.1.0.0/16`,
   *   `fd00::/8`) and host names in `allowPrivate`. Requires isolation `namespaces`; at any other level the start fails
   *   with `SandboxUnavailableError`.
   * - `host`: the network of this machine, loopback services included.
   */
  readonly network?:
    | "none"
    | "outbound"
    | "host"
    | { readonly outbound: { readonly allowPrivate?: ReadonlyArray<string> | undefined } }
    | undefined
  /** Sandboxes kept started for the next sessions, 0 to 64. Default 1. */
  readonly poolSize?: number | undefined
  /** Concurrent sessions; creating one more fails with status 429. Default 1000. */
  readonly maxSessions?: number | undefined
  /** Idle timeout of sessions that ask for none, at least 1 second. Default 5 minutes. */
  readonly idleTimeout?: Duration.DurationInput | undefined
  /** Maximum lifetime of a session, even one in use. Default: unlimited. */
  readonly maxLifetime?: Duration.DurationInput | undefined
  /** Limits on what one client of the server may use. */
  readonly server?: ServerLimitOptions | undefined
  /**
   * Directory that keeps contexts across restarts; only one server at a time may use it. Default: a temporary directory,
   * removed with this runtime.
   */
  readonly contextsDirectory?: string | undefined
  /** Limits on the storage of contexts. */
  readonly contextLimits?: {
    /**
     * Size of one context, in bytes. Both versions of a file count while a session saves it. Default 4 GiB.
     */
    readonly contextBytes?: number | undefined
    /** Files in one context. Default 100,000. */
    readonly contextFiles?: number | undefined
    /** Size of all contexts together, in bytes. Default 16 GiB. */
    readonly totalBytes?: number | undefined
  } | undefined
  /** Level of the one log line per request. Default `Debug`. */
  readonly requestLogLevel?: "Info" | "Debug" | "Trace" | undefined
  /** Limits on what one session may use. */
  readonly limits?: {
    /** Size of the home directory and of `/tmp`, each, in bytes. Default 2 GiB. */
    readonly workspaceBytes?: number | undefined
    /**
     * Memory of a session, in bytes: all its processes, their shared memory and its files, which are kept in memory. When
     * it is exceeded the largest process is killed first. It is also the most that one process can allocate. Default
     * 4 GiB.
     */
    readonly memoryBytes?: number | undefined
    /** Processes and threads of a session. Default 512. */
    readonly processes?: number | undefined
    /** Output of one call that is kept, per stream, in bytes. Default 1 MiB. */
    readonly outputBytes?: number | undefined
    /** Longest timeout that a client may request for one call; a longer one is rejected. Default 24 hours. */
    readonly longestCall?: Duration.DurationInput | undefined
  } | undefined
}

/**
 * Why a runtime did not start: an invalid option, an isolation that is not available, or a port that cannot be bound.
 *
 * @since 0.1.0
 * @category errors
 */
export type StartError = ConfigurationError | Isolation.SandboxUnavailableError | LocalServerError

/**
 * The service tag of a running runtime.
 *
 * @since 0.1.0
 * @category tags
 */
export class LocalAgb extends Context.Tag("@effect-agb/platform-node/LocalAgb")<LocalAgb, LocalAgb.Service>() {}

/**
 * @since 0.1.0
 */
export declare namespace LocalAgb {
  /**
   * A running runtime.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** `http://127.0.0.1:<port>`, unless the server listens on another address alone. */
    readonly endpoint: string
    /** Key that clients must send. */
    readonly apiKey: Redacted.Redacted<string>
    /**
     * A new address of the runtime's page, which lists its sessions, for a browser on this machine. It works once, within 30
     * minutes, and whoever opens it may steer the sessions: do not log it.
     */
    readonly pageUrl: Effect.Effect<string>
    /** The isolation in force. */
    readonly isolation: Isolation.Isolation
    /** Languages that sessions can run here. */
    readonly languages: ReadonlyArray<Language>
    /** One line for people: which languages were found, and what to install for the others. */
    readonly languageSummary: string
  }
}

const names: Readonly<Record<keyof Options, true>> = {
  isolation: true,
  host: true,
  allowedHosts: true,
  port: true,
  apiKey: true,
  network: true,
  poolSize: true,
  maxSessions: true,
  idleTimeout: true,
  maxLifetime: true,
  server: true,
  contextsDirectory: true,
  contextLimits: true,
  requestLogLevel: true,
  limits: true
}

const resolve = (options: Options): Effect.Effect<localRuntime.RuntimeSettings, StartError> =>
  Effect.gen(function*() {
    yield* checkNames("", options, Object.keys(names))
    const numbers = yield* Effect.all({
      apiKey: resolveApiKey(options.apiKey),
      port: integer("port", options.port, { default: 0, min: 0, max: 65_535 }),
      poolSize: integer("poolSize", options.poolSize, { default: 1, min: 0, max: 64 }),
      maxSessions: integer("maxSessions", options.maxSessions, { default: 1000, min: 1, max: 100_000 }),
      defaultIdleSeconds: seconds("idleTimeout", options.idleTimeout ?? "5 minutes"),
      maxLifetimeSeconds: seconds("maxLifetime", options.maxLifetime ?? Duration.infinity),
      sandboxLimits: resolveSandboxLimits(options.limits),
      serverLimits: resolveServerLimits(options.server),
      contextLimits: resolveContextLimits(options.contextLimits)
    })
    const request = options.isolation ?? "auto"
    const isolation = typeof request === "string" ? yield* Isolation.probe(request) : request
    return {
      ...numbers,
      hosts: yield* resolveHosts(options),
      isolation,
      network: yield* resolveNetwork(options.network, isolation),
      interpreters: yield* findInterpreters(isolation.confinement),
      contextsDirectory: options.contextsDirectory,
      requestLogLevel: LogLevel.fromLiteral(options.requestLogLevel ?? "Debug")
    }
  })

/**
 * Starts a runtime that stops with the scope. Fails with a {@link StartError}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<LocalAgb.Service, StartError, Scope.Scope> =>
  Effect.gen(function*() {
    const settings = yield* resolve(options)
    const { origin: endpoint, pageUrl } = yield* localRuntime.start(settings)
    const { apiKey, interpreters, isolation } = settings
    return {
      endpoint,
      apiKey,
      isolation,
      pageUrl,
      languages: availableLanguages(interpreters),
      languageSummary: describeLanguages(interpreters)
    }
  }).pipe(Effect.withSpan("LocalAgb.make"))

/**
 * The server alone, for other clients: the service has its address and key.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerServer = (options: Options = {}): Layer.Layer<LocalAgb, StartError> =>
  Layer.scoped(LocalAgb, make(options))

const clientConfig = Layer.unwrapEffect(
  Effect.map(LocalAgb, ({ apiKey, endpoint }) => AgbConfig.layer({ apiKey, endpoint }))
)

/**
 * A runtime, and the SDK connected to it over HTTP. Each call makes a layer of its own, hence another runtime: provide one
 * once, at the edge of the program.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<LocalAgb | Agb.Agb | AgbClient, StartError> =>
  Agb.layerTransport.pipe(
    Layer.provide(transport.layer),
    // The sessions end with this process.
    Layer.provide(layerUnguarded),
    Layer.provide(clientConfig),
    Layer.provideMerge(layerServer(options))
  )
