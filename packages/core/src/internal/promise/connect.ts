/** Creates the connection of an `AGB`. Invalid options throw a `ConfigurationError`: a constructor cannot return a result. */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import * as Agb from "../../Agb.js"
import * as AgbConfig from "../../AgbConfig.js"
import { type AgbError, ConfigurationError, isAgbError, RuntimeUnavailableError } from "../../AgbError.js"
import * as Transport from "../../Transport.js"
import { Connection } from "./connection.js"

/**
 * An endpoint and the transport to reach it. Absent settings are read from the environment or have defaults.
 */
export type EndpointOptions =
  & Settings
  & ({
    /** Any `HttpClient` of `@effect/platform`, e.g. `FetchHttpClient.layer`. */
    readonly httpClient: Layer.Layer<HttpClient.HttpClient>
  } | {
    /** A custom transport. */
    readonly transport: Layer.Layer<Transport.Transport>
  })

interface Settings {
  /** Default: `AGB_API_KEY`. */
  readonly apiKey?: string | Redacted.Redacted<string> | undefined
  /** Host or URL. Default: `AGB_ENDPOINT`, then `sdk-api.agb.cloud`. `http` is accepted for loopback addresses only. */
  readonly endpoint?: string | undefined
  /**
   * Deadline of one API call in milliseconds, at most 1 day. Default: `AGB_TIMEOUT_MS`, then 60,000. Timeouts of tools are
   * added to it.
   */
  readonly timeoutMs?: number | undefined
}

/**
 * A layer that provides the `Agb` service, e.g. a local runtime or a fake. It is built on first use and released by
 * `dispose`.
 */
export interface LayerOptions {
  readonly layer: Layer.Layer<Agb.Agb, unknown>
}

const invalid = (field: string, expected: string) => new ConfigurationError({ field, expected })

const isTime = (value: unknown): boolean => typeof value === "number" && value > 0 && value <= 86_400_000

const configOf = ({ apiKey, endpoint, timeoutMs }: Settings): AgbConfig.AgbConfig.Service => {
  if (endpoint !== undefined && typeof endpoint !== "string") throw invalid("endpoint", "a host or a URL")
  if (timeoutMs !== undefined && !isTime(timeoutMs)) {
    throw invalid("timeoutMs", "a number of milliseconds above 0 and up to 1 day")
  }
  const layer = AgbConfig.layerConfig({
    ...(apiKey === undefined ? {} : { apiKey: Config.succeed(apiKey) }),
    ...(endpoint === undefined ? {} : { endpoint: Config.succeed(endpoint) }),
    ...(timeoutMs === undefined ? {} : { timeout: Config.succeed(timeoutMs) })
  })
  const config = Effect.runSyncExit(Effect.provide(AgbConfig.AgbConfig, layer))
  if (Exit.isFailure(config)) throw Cause.squash(config.cause)
  return config.value
}

const checkLayer = (field: string, layer: unknown, service: string): void => {
  if (!Layer.isLayer(layer)) throw invalid(field, `a Layer that provides ${service}`)
}

/** Wraps errors of the platform, whose types are unknown here. */
const toAgbError = (error: unknown): AgbError => {
  if (isAgbError(error)) return error
  const reason = Predicate.hasProperty(error, "_tag") ? String(error._tag) : "Unknown"
  return new RuntimeUnavailableError({
    reason,
    detail: error instanceof Error ? error.message : String(error),
    cause: error
  })
}

const transportOf = (options: EndpointOptions): Layer.Layer<Transport.Transport> => {
  if ("transport" in options) {
    checkLayer("transport", options.transport, "Transport")
    return options.transport
  }
  checkLayer("httpClient", options.httpClient, "HttpClient")
  return Layer.provide(Transport.layer, options.httpClient)
}

const isLayerOptions = (options: EndpointOptions | LayerOptions): options is LayerOptions => "layer" in options

export const connect = (options: EndpointOptions | LayerOptions): Connection => {
  if (!Predicate.isRecord(options)) throw invalid("options", "an object")
  if (isLayerOptions(options)) {
    checkLayer("layer", options.layer, "Agb")
    return new Connection(Layer.mapError(options.layer, toAgbError), undefined)
  }
  const config = configOf(options)
  const layer = Agb.layerTransport.pipe(
    Layer.provide(transportOf(options)),
    Layer.provide(Layer.succeed(AgbConfig.AgbConfig, config))
  )
  return new Connection(layer, config)
}
