/** From the options of an `AGB` to its connection. What is wrong with them is thrown: there is no result to put it in. */
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
 * An endpoint and how to reach it. What is absent is taken from the environment, or has a default.
 */
export type EndpointOptions =
  & Settings
  & ({
    /** Any client of `@effect/platform`, for example `FetchHttpClient.layer`. */
    readonly httpClient: Layer.Layer<HttpClient.HttpClient>
  } | {
    /** A transport of a platform's own. */
    readonly transport: Layer.Layer<Transport.Transport>
  })

interface Settings {
  /** Else `AGB_API_KEY`. */
  readonly apiKey?: string | Redacted.Redacted<string> | undefined
  /** Host or URL. Else `AGB_ENDPOINT`, else `sdk-api.agb.cloud`; plain `http` is accepted for loopback addresses only. */
  readonly endpoint?: string | undefined
  /**
   * Deadline of one call to the API in milliseconds, at most a day. Else `AGB_TIMEOUT_MS`, else 60,000. A tool's own time
   * comes on top.
   */
  readonly timeoutMs?: number | undefined
}

/**
 * Anything that provides the `Agb` service: a runtime of one's own, a transport inside the process, a fake. It is
 * started on first use and ends with `dispose`.
 */
export interface LayerOptions {
  readonly layer: Layer.Layer<Agb.Agb, unknown>
}

const invalid = (field: string, expected: string) => new ConfigurationError({ field, expected })

const isTime = (value: unknown): boolean => typeof value === "number" && value > 0 && value <= 86_400_000

const configOf = ({ apiKey, endpoint, timeoutMs }: Settings): AgbConfig.AgbConfig.Service => {
  if (endpoint !== undefined && typeof endpoint !== "string") throw invalid("endpoint", "a host or a URL")
  if (timeoutMs !== undefined && !isTime(timeoutMs)) {
    throw invalid("timeoutMs", "a number of milliseconds above zero and at most a day")
  }
  const layer = AgbConfig.layerConfig({
    ...(apiKey === undefined ? {} : { apiKey: Config.succeed(apiKey) }),
    endpoint: Config.succeed(endpoint),
    timeout: Config.succeed(timeoutMs)
  })
  const config = Effect.runSyncExit(Effect.provide(AgbConfig.AgbConfig, layer))
  if (Exit.isFailure(config)) throw Cause.squash(config.cause)
  return config.value
}

const checkLayer = (field: string, layer: unknown, service: string): void => {
  if (!Layer.isLayer(layer)) throw invalid(field, `a Layer that provides ${service}`)
}

/** The platform's own errors are not known here. */
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
