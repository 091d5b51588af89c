/**
 * The local runtime: a server on loopback that speaks the wire of the cloud and runs real processes in sandboxes. Swap
 * this layer for the cloud's and the same program runs without an account and without a network.
 *
 * The layer owns the server and all its sessions: when it ends, every process and every file of theirs is gone.
 *
 * @since 0.1.0
 */
import * as Agb from "@effect-agb/core/Agb"
import { endpoints } from "@effect-agb/core/AgbApi"
import type { AgbClient } from "@effect-agb/core/AgbClient"
import * as AgbConfig from "@effect-agb/core/AgbConfig"
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as AgbServer from "@effect-agb/core/AgbServer"
import type { Language } from "@effect-agb/core/AgbTools"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import * as handlers from "./internal/local/handlers.js"
import { type LocalServerError, serve } from "./internal/local/httpServer.js"
import * as registries from "./internal/local/registry.js"
import { availableLanguages, describeLanguages } from "./internal/sandbox/interpreters.js"
import { findInterpreters } from "./internal/sandbox/interpreterSearch.js"
import * as sandboxPools from "./internal/sandbox/sandboxPool.js"
import * as undiciTransport from "./internal/undiciTransport.js"
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
   * probed before is taken as it is.
   */
  readonly isolation?: Isolation.IsolationRequest | Isolation.Isolation | undefined
  /** Default 0: any free port. */
  readonly port?: number | undefined
  /** The key that clients must send. Default: a random one. */
  readonly apiKey?: Redacted.Redacted<string> | string | undefined
  /** Default `none`. `host` gives sessions the network of this machine, its loopback services included. */
  readonly network?: "none" | "host" | undefined
  /** Sandboxes that wait ready for the next session. Default 1. */
  readonly warm?: number | undefined
  /** Default 1000; one more is refused with 429. */
  readonly maxSessions?: number | undefined
  /** When a session that named no idle time is released. Default 5 minutes. */
  readonly idleTimeout?: Duration.DurationInput | undefined
  readonly limits?: {
    /** Size of home and of /tmp, each, in bytes. Default 512 MiB. */
    readonly workspaceBytes?: number | undefined
    /** Private memory of one process in bytes. Default 2 GiB. */
    readonly memoryBytes?: number | undefined
    /** Default 512. */
    readonly processes?: number | undefined
    /** Kept output of one call, per stream, in bytes. Default 1 MiB. */
    readonly outputBytes?: number | undefined
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

const maxBodyBytes = 32 * 1024 * 1024

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

const idleSecondsOf = (input: Duration.DurationInput = "5 minutes") =>
  Option.match(Option.filter(Duration.decodeUnknown(input), Duration.greaterThanOrEqualTo("1 second")), {
    onNone: () =>
      Effect.fail(new ConfigurationError({ field: "idleTimeout", expected: "a duration of at least 1 second" })),
    onSome: (duration) => Effect.succeed(Math.ceil(Duration.toSeconds(duration)))
  })

const limitsOf = ({ memoryBytes, outputBytes, processes, workspaceBytes }: NonNullable<Options["limits"]>) =>
  Effect.all({
    workspaceBytes: whole("limits.workspaceBytes", workspaceBytes, 512 * 2 ** 20, 2 ** 20, 2 ** 40),
    memoryBytes: whole("limits.memoryBytes", memoryBytes, 2 * 2 ** 30, 64 * 2 ** 20, 2 ** 40),
    processes: whole("limits.processes", processes, 512, 16, 65_536),
    outputBytes: whole("limits.outputBytes", outputBytes, 2 ** 20, 1024, 16 * 2 ** 20)
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
    const defaultIdleSeconds = yield* idleSecondsOf(options.idleTimeout)
    const limits = yield* limitsOf(options.limits ?? {})
    const request = options.isolation ?? "auto"
    const isolation = typeof request === "string" ? yield* Isolation.probe(request) : request
    const interpreters = yield* findInterpreters(isolation.confinement)
    const pool = yield* sandboxPools.make({ isolation, interpreters, limits, network: options.network, warm })
    const registry = yield* registries.make({ pool, maxSessions })
    const origin = () => `http://127.0.0.1:${server.port}`
    const server = yield* serve({
      port,
      apiKey: Redacted.value(apiKey),
      maxBodyBytes,
      answer: AgbServer.make(
        handlers.make({ registry, origin, defaultIdleSeconds }),
        (cause) => Effect.logError("A request met a defect", cause)
      ),
      endsWithClient: (path) => path === endpoints.callTool.path
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
    Layer.provide(undiciTransport.layer),
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
