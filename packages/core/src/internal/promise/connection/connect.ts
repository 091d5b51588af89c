/** Creates the connection of an `AGB`. Invalid options throw a `ConfigurationError`: a constructor cannot return a result. */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import * as Agb from "../../../Agb.js"
import * as AgbConfig from "../../../AgbConfig.js"
import { type AgbError, ConfigurationError, isAgbError, RuntimeUnavailableError } from "../../../AgbError.js"
import * as Transport from "../../../Transport.js"
import { refuseUnknown } from "../../wire/options.js"
import { Connection } from "./connection.js"
import type { SessionOwners } from "./sessionOwner.js"

/** Settings of an endpoint. Absent ones are read from the environment or have defaults. */
export interface EndpointSettings {
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
 * An endpoint and the transport to reach it.
 */
export type EndpointOptions =
  & EndpointSettings
  & ({
    /** Any `HttpClient` of `@effect/platform`, e.g. `FetchHttpClient.layer`. */
    readonly httpClient: Layer.Layer<HttpClient.HttpClient>
  } | {
    /** A custom transport, with what else `Agb.layerTransport` makes use of. Where it cannot be had, every call fails. */
    readonly transport: Layer.Layer<Transport.Transport, unknown>
  })

/**
 * A layer that provides the `Agb` service, e.g. a local runtime or a fake. It is built on first use and released by
 * `dispose`.
 */
export interface LayerOptions {
  readonly layer: Layer.Layer<Agb.Agb, unknown>
}

const invalid = (field: string, expected: string) => new ConfigurationError({ field, expected })

const isTime = (value: unknown): boolean => typeof value === "number" && value > 0 && value <= 86_400_000

const configOf = ({ apiKey, endpoint, timeoutMs }: EndpointSettings): AgbConfig.AgbConfig.Service => {
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

const transportOf = (options: EndpointOptions): Layer.Layer<Transport.Transport, unknown> => {
  if ("transport" in options) {
    checkLayer("transport", options.transport, "Transport")
    return options.transport
  }
  checkLayer("httpClient", options.httpClient, "HttpClient")
  return Layer.provide(Transport.layer, options.httpClient)
}

const isLayerOptions = (options: EndpointOptions | LayerOptions): options is LayerOptions => "layer" in options

const settings = ["apiKey", "endpoint", "timeoutMs"]

/** Of a layer, a transport and a client only one can be used: another one beside it is unknown. */
const namesOf = (options: object): ReadonlyArray<string> =>
  "layer" in options ? ["layer"] : [...settings, "transport" in options ? "transport" : "httpClient"]

export const connect = (options: EndpointOptions | LayerOptions, owners: SessionOwners | undefined): Connection => {
  if (!Predicate.isRecord(options)) throw invalid("options", "an object")
  const unknown = refuseUnknown(options, namesOf(options))
  if (unknown !== undefined) throw new ConfigurationError(unknown)
  if (isLayerOptions(options)) {
    checkLayer("layer", options.layer, "Agb")
    return new Connection(Layer.mapError(options.layer, toAgbError), undefined, owners)
  }
  const config = configOf(options)
  const layer = Agb.layerTransport.pipe(
    Layer.provide(transportOf(options)),
    Layer.provide(Layer.succeed(AgbConfig.AgbConfig, config))
  )
  return new Connection(Layer.mapError(layer, toAgbError), config, owners)
}
