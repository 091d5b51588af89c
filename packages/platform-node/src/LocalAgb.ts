/**
 * The local runtime: a server on loopback that speaks the wire of the cloud and runs real processes in sandboxes. Swap
 * this layer for the cloud's and the same program runs without an account and without a network.
 *
 * The layer owns the server and all its sessions: when it ends, every process and every file of theirs is gone.
 *
 * @since 0.1.0
 */
import * as Agb from "@effect-agb/core/Agb"
import type { AgbClient } from "@effect-agb/core/AgbClient"
import * as AgbConfig from "@effect-agb/core/AgbConfig"
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as AgbServer from "@effect-agb/core/AgbServer"
import type { Language } from "@effect-agb/core/AgbTools"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import * as contextsModule from "./internal/contexts/contexts.js"
import * as transport from "./internal/node/transport.js"
import { resolveNetwork } from "./internal/options/networkOption.js"
import { availableLanguages, describeLanguages } from "./internal/sandbox/confine/interpreters.js"
import { findInterpreters } from "./internal/sandbox/languages/interpreterSearch.js"
import * as javaArchives from "./internal/sandbox/languages/javaArchive.js"
import * as sandboxPools from "./internal/sandbox/pool.js"
import { serve } from "./internal/server/http/httpServer.js"
import type { LocalServerError } from "./internal/server/http/localServerError.js"
import { placeOf } from "./internal/server/http/requestLog.js"
import { resolve as resolveServerLimits, type ServerLimitOptions } from "./internal/server/http/serverLimits.js"
import * as apiRoute from "./internal/server/routes/apiRoute.js"
import * as linkGateway from "./internal/server/routes/linkGateway.js"
import * as linkRoute from "./internal/server/routes/linkRoute.js"
import * as webSocketRoute from "./internal/server/routes/webSocketRoute.js"
import * as handlers from "./internal/server/sessions/handlers.js"
import * as registries from "./internal/server/sessions/registry.js"
import * as Isolation from "./Isolation.js"

/**
 * All optional.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Default `auto`: the best isolation there is, and a failure where there is none. `none` only in words. One that was
   * probed before is taken as it is. With `none` the file tools still keep to the home and the temporary directory of
   * the session, and take `/tmp` for the latter, `$TMPDIR` of its commands; commands and code have all of this machine.
   */
  readonly isolation?: Isolation.IsolationRequest | Isolation.Isolation | undefined
  /** Default 0: any free port. */
  readonly port?: number | undefined
  /** The key that clients must send. Default: a random one. */
  readonly apiKey?: Redacted.Redacted<string> | string | undefined
  /**
   * Default `none`. With `outbound` sessions reach public addresses through a proxy of their own, which their environment
   * names, and nothing of this machine or its private networks; `allowPrivate` lists private addresses, ranges of them
   * (`10.1.0.0/16`, `fd00::/8`) and names of hosts that may be reached as well. It needs the isolation `namespaces`, and
   * the start fails with `SandboxUnavailableError` at any other. `host` gives sessions the network of this machine, its
   * loopback services included.
   */
  readonly network?:
    | "none"
    | "outbound"
    | "host"
    | { readonly outbound: { readonly allowPrivate?: ReadonlyArray<string> | undefined } }
    | undefined
  /** Sandboxes that wait ready for the next session. Default 1. */
  readonly warm?: number | undefined
  /** Default 1000; one more is refused with 429. */
  readonly maxSessions?: number | undefined
  /** When a session that named no idle time is released. Default 5 minutes. */
  readonly idleTimeout?: Duration.DurationInput | undefined
  /** How long a session may live however much it is used. Default: without end. */
  readonly maxLifetime?: Duration.DurationInput | undefined
  /** What a client of the server may take. */
  readonly server?: ServerLimitOptions | undefined
  /**
   * Where contexts are kept, also for the next start; one server at a time may use it. Default: a directory that ends with
   * this one.
   */
  readonly contextsDirectory?: string | undefined
  readonly contextLimits?: {
    /** What one context may hold, in bytes. Default 4 GiB. */
    readonly contextBytes?: number | undefined
    /** How many files one context may hold. Default 100,000. */
    readonly contextFiles?: number | undefined
    /** What all contexts may hold together, in bytes. Default 16 GiB. */
    readonly totalBytes?: number | undefined
  } | undefined
  /** The level of the log's line about each request. Default `Debug`, so that programs are quiet. */
  readonly requestLogLevel?: "Info" | "Debug" | "Trace" | undefined
  readonly limits?: {
    /** Size of home and of /tmp, each, in bytes. Default 512 MiB. */
    readonly workspaceBytes?: number | undefined
    /**
     * Memory of a session in bytes: its processes together, what they share, and its files, which are in memory. What
     * would exceed it is killed, the largest process first. No process may claim more for itself either. Default 2 GiB.
     */
    readonly memoryBytes?: number | undefined
    /** Processes and threads of a session. Default 512. */
    readonly processes?: number | undefined
    /** Kept output of one call, per stream, in bytes. Default 1 MiB. */
    readonly outputBytes?: number | undefined
    /** The longest timeout that a client may ask for one call; a longer one is refused. Default 24 hours. */
    readonly longestCall?: Duration.DurationInput | undefined
  } | undefined
}

/**
 * What starting the runtime can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type StartError = ConfigurationError | Isolation.SandboxUnavailableError | LocalServerError

/**
 * @since 0.1.0
 * @category tags
 */
export class LocalAgb extends Context.Tag("@effect-agb/platform-node/LocalAgb")<LocalAgb, LocalAgb.Service>() {}

/**
 * @since 0.1.0
 */
export declare namespace LocalAgb {
  /**
   * A runtime that listens.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** `http://127.0.0.1:<port>`. */
    readonly endpoint: string
    readonly apiKey: Redacted.Redacted<string>
    readonly isolation: Isolation.Isolation
    /** The languages that sessions can run here. */
    readonly languages: ReadonlyArray<Language>
    /** One line for people: which languages were found, and what to install for the others. */
    readonly languageSummary: string
  }
}

const whole = (field: string, value: number | undefined, otherwise: number, from: number, to: number) => {
  const number = value ?? otherwise
  return Number.isSafeInteger(number) && number >= from && number <= to
    ? Effect.succeed(number)
    : Effect.fail(new ConfigurationError({ field, expected: `a whole number from ${from} to ${to}` }))
}

const keyOf = (key: Options["apiKey"]): Effect.Effect<Redacted.Redacted<string>, ConfigurationError> => {
  const given = key === undefined || Redacted.isRedacted(key) ? key : Redacted.make(key)
  const chosen = given ?? Redacted.make(`akm-${Crypto.randomUUID()}`)
  return Effect.map(AgbConfig.make({ apiKey: chosen }), ({ apiKey }) => apiKey)
}

const secondsOf = (field: string, input: Duration.DurationInput) =>
  Option.match(Option.filter(Duration.decodeUnknown(input), Duration.greaterThanOrEqualTo("1 second")), {
    onNone: () => Effect.fail(new ConfigurationError({ field, expected: "a duration of at least 1 second" })),
    onSome: (duration) => Effect.succeed(Math.ceil(Duration.toSeconds(duration)))
  })

const limitsOf = (
  { longestCall, memoryBytes, outputBytes, processes, workspaceBytes }: NonNullable<Options["limits"]>
) =>
  Effect.all({
    workspaceBytes: whole("limits.workspaceBytes", workspaceBytes, 512 * 2 ** 20, 2 ** 20, 2 ** 40),
    memoryBytes: whole("limits.memoryBytes", memoryBytes, 2 * 2 ** 30, 64 * 2 ** 20, 2 ** 40),
    processes: whole("limits.processes", processes, 512, 16, 65_536),
    outputBytes: whole("limits.outputBytes", outputBytes, 2 ** 20, 1024, 16 * 2 ** 20),
    longestCallMillis: Effect.map(
      secondsOf("limits.longestCall", longestCall ?? "24 hours"),
      (seconds) => Math.min(seconds * 1000, 2 ** 31 - 1)
    )
  })

const contextLimitsOf = ({ contextBytes, contextFiles, totalBytes }: NonNullable<Options["contextLimits"]>) =>
  Effect.all({
    contextBytes: whole("contextLimits.contextBytes", contextBytes, 4 * 2 ** 30, 0, 2 ** 50),
    contextFiles: whole("contextLimits.contextFiles", contextFiles, 100_000, 0, 10_000_000),
    totalBytes: whole("contextLimits.totalBytes", totalBytes, 16 * 2 ** 30, 0, 2 ** 50)
  })

/**
 * Starts a runtime that ends with the scope.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<LocalAgb.Service, StartError, Scope.Scope> =>
  Effect.gen(function*() {
    const apiKey = yield* keyOf(options.apiKey)
    const port = yield* whole("port", options.port, 0, 0, 65_535)
    const warm = yield* whole("warm", options.warm, 1, 0, 64)
    const maxSessions = yield* whole("maxSessions", options.maxSessions, 1000, 1, 100_000)
    const defaultIdleSeconds = yield* secondsOf("idleTimeout", options.idleTimeout ?? "5 minutes")
    const maxLifetimeSeconds = yield* secondsOf("maxLifetime", options.maxLifetime ?? Duration.infinity)
    const limits = yield* limitsOf(options.limits ?? {})
    const serverLimits = yield* resolveServerLimits(options.server)
    const logLevel = LogLevel.fromLiteral(options.requestLogLevel ?? "Debug")
    const request = options.isolation ?? "auto"
    const isolation = typeof request === "string" ? yield* Isolation.probe(request) : request
    const { network, outbound } = yield* resolveNetwork(options.network, isolation)
    const interpreters = yield* findInterpreters(isolation.confinement)
    const contexts = yield* contextsModule.make({
      directory: options.contextsDirectory,
      limits: yield* contextLimitsOf(options.contextLimits ?? {}),
      origin: () => origin(),
      sessions: { find: (sessionId) => registry.find(sessionId), use: (sessionId) => registry.use(sessionId) }
    })
    const javaArchive = yield* javaArchives.make(interpreters.java)
    const pool = yield* sandboxPools.make({
      isolation,
      interpreters,
      limits,
      network,
      outbound,
      warm,
      javaArchive
    })
    const registry = yield* registries.make({ pool, maxSessions, maxLifetimeMillis: maxLifetimeSeconds * 1000 })
    const origin = (): string => `http://127.0.0.1:${server.port}`
    const answer = AgbServer.make(
      handlers.make({ registry, contexts, links: linkGateway.make(), origin, defaultIdleSeconds }),
      (cause) => Effect.logError(`A request met a defect: ${placeOf(Cause.squash(cause))}`)
    )
    const server = yield* serve({
      port,
      limits: serverLimits,
      logLevel,
      routes: [
        contexts.route,
        linkRoute.make({ registry, limits: serverLimits }),
        apiRoute.make({ apiKey: Redacted.value(apiKey), limits: serverLimits, answer })
      ],
      ...webSocketRoute.make({ registry, limits: serverLimits, logLevel })
    })
    return {
      endpoint: origin(),
      apiKey,
      isolation,
      languages: availableLanguages(interpreters),
      languageSummary: describeLanguages(interpreters)
    }
  }).pipe(Effect.withSpan("LocalAgb.make"))

/**
 * The server alone, for other clients: its address and key are in the service.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerServer = (options: Options = {}): Layer.Layer<LocalAgb, StartError> =>
  Layer.scoped(LocalAgb, make(options))

const configured = Layer.unwrapEffect(
  Effect.map(LocalAgb, ({ apiKey, endpoint }) => AgbConfig.layer({ apiKey, endpoint }))
)

/**
 * A runtime with the SDK connected to it over HTTP.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (
  options: Options = {}
): Layer.Layer<LocalAgb | Agb.Agb | AgbClient, StartError> =>
  Agb.layerTransport.pipe(
    Layer.provide(transport.layer),
    Layer.provide(configured),
    Layer.provideMerge(layerServer(options))
  )

/**
 * A runtime with all defaults: the best isolation that this machine offers, or a failure that says what is missing.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<LocalAgb | Agb.Agb | AgbClient, StartError> = layerWith()
