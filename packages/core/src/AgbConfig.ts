/**
 * Where the API is, with which key, and how patient and persistent the SDK is with it.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ConfigurationError } from "./AgbError.js"

/**
 * How calls are repeated. Only what is safe to repeat ever is; all attempts share the call's own deadline.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetryPolicy {
  /** Attempts in all, the first included. Default 4. */
  readonly maxAttempts: number
  /** Upper bound of the first pause; each further one doubles, with full jitter. Default 100 ms. */
  readonly baseDelay: Duration.Duration
  /** Upper bound of any pause that the server did not ask for. Default 5 s. */
  readonly maxDelay: Duration.Duration
}

/**
 * @since 0.1.0
 * @category tags
 */
export class AgbConfig extends Context.Tag("@effect-agb/core/AgbConfig")<AgbConfig, AgbConfig.Service>() {}

/**
 * @since 0.1.0
 */
export declare namespace AgbConfig {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Scheme, host and optional path prefix, without a trailing slash. */
    readonly endpoint: string
    readonly apiKey: Redacted.Redacted<string>
    /** Deadline of one call to the API, all attempts together. A tool's own timeout comes on top. */
    readonly timeout: Duration.Duration
    readonly retry: RetryPolicy
    /** How long the deletion of a session is tried before it is reported as undeleted. */
    readonly deleteBudget: Duration.Duration
    /** Bytes of one reply. */
    readonly maxResponseBytes: number
  }

  /**
   * What `make` and `layer` take; everything but the key has a default.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Options {
    readonly apiKey: Redacted.Redacted<string> | string
    /** Host or URL. Default `sdk-api.agb.cloud`; plain `http` is accepted for loopback addresses only. */
    readonly endpoint?: string | undefined
    /** Default 60 seconds, at most a day. */
    readonly timeout?: Duration.DurationInput | undefined
    readonly retry?: Partial<RetryPolicy> | undefined
    /** Default 30 seconds. */
    readonly deleteBudget?: Duration.DurationInput | undefined
    /** Default 64 MiB. */
    readonly maxResponseBytes?: number | undefined
  }
}

/**
 * The cloud's endpoint.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultEndpoint = "sdk-api.agb.cloud"

const day = Duration.days(1)
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

const fail = (field: string, expected: string) => Either.left(new ConfigurationError({ field, expected }))

const parseEndpoint = (text: string): Either.Either<string, ConfigurationError> => {
  const wanted = "a host or an http(s) URL without credentials, query and fragment"
  const spelled = text.includes("://") ? text : `https://${text}`
  if (text.trim() !== text || text === "" || !URL.canParse(spelled)) return fail("endpoint", wanted)
  const url = new URL(spelled)
  if (!["https:", "http:"].includes(url.protocol) || url.username + url.password + url.search + url.hash !== "") {
    return fail("endpoint", wanted)
  }
  if (url.protocol === "http:" && !loopback.test(url.hostname)) {
    return fail("endpoint", "https, unless it is a loopback address")
  }
  return Either.right(url.href.replace(/\/+$/, ""))
}

const parseKey = (
  key: Redacted.Redacted<string> | string
): Either.Either<Redacted.Redacted<string>, ConfigurationError> => {
  const text = Redacted.isRedacted(key) ? Redacted.value(key) : key
  return typeof text === "string" && /^[\x21-\x7e]+$/.test(text)
    ? Either.right(Redacted.make(text))
    : fail("apiKey", "a non-empty key of visible ASCII characters (AGB_API_KEY)")
}

const parseDuration = (field: string, input: Duration.DurationInput | undefined, otherwise: Duration.DurationInput) => {
  const duration = Duration.decodeUnknown(input ?? otherwise)
  return Option.isSome(duration) && Duration.greaterThan(duration.value, 0) &&
      !Duration.greaterThan(duration.value, day)
    ? Either.right(duration.value)
    : fail(field, "a duration above zero and at most a day")
}

const parseCount = (field: string, count: number | undefined, otherwise: number) =>
  count === undefined || Number.isSafeInteger(count) && count > 0
    ? Either.right(count ?? otherwise)
    : fail(field, "a whole number above zero")

/**
 * Checks the options and fills in the defaults.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: AgbConfig.Options): Either.Either<AgbConfig.Service, ConfigurationError> =>
  Either.gen(function*() {
    return {
      endpoint: yield* parseEndpoint(options.endpoint ?? defaultEndpoint),
      apiKey: yield* parseKey(options.apiKey),
      timeout: yield* parseDuration("timeout", options.timeout, "60 seconds"),
      retry: {
        maxAttempts: yield* parseCount("retry.maxAttempts", options.retry?.maxAttempts, 4),
        baseDelay: yield* parseDuration("retry.baseDelay", options.retry?.baseDelay, "100 millis"),
        maxDelay: yield* parseDuration("retry.maxDelay", options.retry?.maxDelay, "5 seconds")
      },
      deleteBudget: yield* parseDuration("deleteBudget", options.deleteBudget, "30 seconds"),
      maxResponseBytes: yield* parseCount("maxResponseBytes", options.maxResponseBytes, 64 * 1024 * 1024)
    }
  })

/**
 * A configuration from values.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: AgbConfig.Options): Layer.Layer<AgbConfig, ConfigurationError> =>
  Layer.effect(AgbConfig, Effect.suspend(() => make(options)))

const environment = (options: Partial<AgbConfig.Options>) =>
  Config.all({
    apiKey: options.apiKey === undefined ? Config.redacted("AGB_API_KEY") : Config.succeed(options.apiKey),
    endpoint: Config.option(Config.string("AGB_ENDPOINT")),
    timeoutMs: Config.option(Config.integer("AGB_TIMEOUT_MS"))
  })

/** Names the setting that is missing or unreadable, never its value. */
const fromConfigError = (error: ConfigError.ConfigError): ConfigurationError => {
  switch (error._op) {
    case "And":
    case "Or":
      return fromConfigError(error.left)
    case "MissingData":
      return new ConfigurationError({ field: error.path.join("."), expected: "set" })
    default:
      return new ConfigurationError({ field: error.path.join("."), expected: "a value of the right type" })
  }
}

/**
 * A configuration read through the `ConfigProvider`, by default the environment: `AGB_API_KEY`, and if set `AGB_ENDPOINT`
 * and `AGB_TIMEOUT_MS` (milliseconds). Options given here are read in their place.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<Partial<AgbConfig.Options>> = {}
): Layer.Layer<AgbConfig, ConfigurationError> =>
  Layer.effect(
    AgbConfig,
    Effect.gen(function*() {
      // Config.unwrap cannot take an empty record.
      const given = Object.keys(config).length === 0 ? Config.succeed({}) : Config.unwrap(config)
      const options: Partial<AgbConfig.Options> = yield* Effect.mapError(given, fromConfigError)
      const found = yield* Effect.mapError(environment(options), fromConfigError)
      return yield* make({
        ...options,
        apiKey: found.apiKey,
        endpoint: options.endpoint ?? Option.getOrUndefined(found.endpoint),
        timeout: options.timeout ?? Option.getOrUndefined(found.timeoutMs)
      })
    })
  )
