/**
 * Configuration of the SDK: endpoint, API key, deadlines and retries.
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
import { isLoopback } from "./internal/wire/addresses.js"
import { refuseUnknown } from "./internal/wire/options.js"

/**
 * Retry policy. Only safe and idempotent calls are retried, within the deadline of the call.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetryPolicy {
  /** Maximum number of attempts, including the first. Default: 4. */
  readonly maxAttempts: number
  /** Upper bound of the first delay; it doubles with each retry, with full jitter. Default: 100 ms. */
  readonly baseDelay: Duration.Duration
  /** Upper bound of any delay not requested by the server. Default: 5 s. */
  readonly maxDelay: Duration.Duration
}

/**
 * Options of the retry policy.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetryOptions {
  /** Maximum number of attempts, including the first. Default: 4. */
  readonly maxAttempts?: number | undefined
  /** Upper bound of the first delay; it doubles with each retry, with full jitter. Default: 100 ms. */
  readonly baseDelay?: Duration.DurationInput | undefined
  /** Upper bound of any delay not requested by the server. Default: 5 s. */
  readonly maxDelay?: Duration.DurationInput | undefined
}

/**
 * Tag of the configuration.
 *
 * @since 0.1.0
 * @category tags
 */
export class AgbConfig extends Context.Tag("@effect-agb/core/AgbConfig")<AgbConfig, AgbConfig.Service>() {}

/**
 * Types of the configuration.
 *
 * @since 0.1.0
 * @category models
 */
export declare namespace AgbConfig {
  /**
   * A validated configuration.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Scheme, host and optional path prefix, without a trailing slash. */
    readonly endpoint: string
    /** The API key, sent as a bearer token. */
    readonly apiKey: Redacted.Redacted<string>
    /** Deadline of one API call, including retries. Timeouts of tools are added to it. */
    readonly timeout: Duration.Duration
    /** Retry policy of the calls. */
    readonly retry: RetryPolicy
    /** Time budget for deleting a session before it is reported as undeleted. */
    readonly deleteBudget: Duration.Duration
    /** Largest reply body in bytes. */
    readonly maxResponseBytes: number
  }

  /**
   * Options of `make` and `layer`. Only `apiKey` is required.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Options {
    readonly apiKey: Redacted.Redacted<string> | string
    /** Host or URL. Default: `sdk-api.agb.cloud`. `http` is accepted for loopback addresses only. */
    readonly endpoint?: string | undefined
    /** Deadline of one API call. Default: 60 seconds; at most 1 day. */
    readonly timeout?: Duration.DurationInput | undefined
    readonly retry?: RetryOptions | undefined
    /** Time budget for deleting a session. Default: 30 seconds. */
    readonly deleteBudget?: Duration.DurationInput | undefined
    /** Largest reply body in bytes. Default: 64 MiB. */
    readonly maxResponseBytes?: number | undefined
  }
}

/**
 * Host of the AGB cloud.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultEndpoint = "sdk-api.agb.cloud"

const day = Duration.days(1)

const fail = (field: string, expected: string) => Either.left(new ConfigurationError({ field, expected }))

const parseEndpoint = (text: string): Either.Either<string, ConfigurationError> => {
  const expected = "a host or an http(s) URL without credentials, query or fragment"
  const withScheme = text.includes("://") ? text : `https://${text}`
  if (text.trim() !== text || text === "" || !URL.canParse(withScheme)) return fail("endpoint", expected)
  const url = new URL(withScheme)
  if (!["https:", "http:"].includes(url.protocol) || url.username + url.password + url.search + url.hash !== "") {
    return fail("endpoint", expected)
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    return fail("endpoint", "an https URL, unless the host is a loopback address")
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
    : fail(field, "a duration above 0 and up to 1 day")
}

const parseCount = (field: string, count: number | undefined, otherwise: number) =>
  count === undefined || Number.isSafeInteger(count) && count > 0
    ? Either.right(count ?? otherwise)
    : fail(field, "a positive integer")

const retryNames: ReadonlyArray<keyof RetryOptions> = ["maxAttempts", "baseDelay", "maxDelay"]

const names: ReadonlyArray<keyof AgbConfig.Options> = [
  "apiKey",
  "endpoint",
  "timeout",
  "retry",
  "deleteBudget",
  "maxResponseBytes"
]

const checkNames = (options: AgbConfig.Options): Either.Either<void, ConfigurationError> => {
  const inRetry = refuseUnknown(options.retry, retryNames)
  const unknown = refuseUnknown(options, names) ??
    (inRetry && { ...inRetry, field: inRetry.field === "options" ? "retry" : `retry.${inRetry.field}` })
  return unknown === undefined ? Either.void : Either.left(new ConfigurationError(unknown))
}

/**
 * Validates options and applies defaults. Fails with `ConfigurationError`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: AgbConfig.Options): Either.Either<AgbConfig.Service, ConfigurationError> =>
  Either.gen(function*() {
    yield* checkNames(options)
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
 * Layer of a configuration from options. Fails with `ConfigurationError`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: AgbConfig.Options): Layer.Layer<AgbConfig, ConfigurationError> =>
  Layer.effect(AgbConfig, Effect.suspend(() => make(options)))

const environment = {
  apiKey: Config.redacted("AGB_API_KEY"),
  endpoint: Config.option(Config.string("AGB_ENDPOINT")),
  timeoutMs: Config.option(Config.integer("AGB_TIMEOUT_MS"))
}

/** `Config.unwrap` of effect 3.22 fails on a record without fields. */
const unwrap = (config: Config.Config.Wrap<Partial<AgbConfig.Options>>): Config.Config<Partial<AgbConfig.Options>> =>
  !Config.isConfig(config) && Object.keys(config).length === 0 ? Config.succeed({}) : Config.unwrap(config)

/** Reports the name of a missing or invalid setting, never its value. */
const fromConfigError = (error: ConfigError.ConfigError): ConfigurationError => {
  switch (error._op) {
    case "And":
    case "Or":
      return fromConfigError(error.left)
    case "MissingData":
      return new ConfigurationError({ field: error.path.join("."), expected: "set" })
    default:
      return new ConfigurationError({ field: error.path.join("."), expected: "a value of the expected type" })
  }
}

/**
 * Layer of a configuration from the `ConfigProvider`, by default the environment. Each setting may be a `Config`. Absent
 * settings are read from `AGB_API_KEY`, `AGB_ENDPOINT` and `AGB_TIMEOUT_MS` (milliseconds) or have their defaults. Fails with
 * `ConfigurationError`.
 *
 * @example
 * ```ts
 * import { AgbConfig } from "@effect-agb/core"
 * import { Config } from "effect"
 *
 * export const config = AgbConfig.layerConfig({ apiKey: Config.redacted("TEAM_AGB_KEY"), timeout: Config.succeed("10 seconds") })
 * ```
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
      const given = yield* unwrap(config)
      const apiKey = given.apiKey ?? (yield* environment.apiKey)
      const endpoint = given.endpoint ?? Option.getOrUndefined(yield* environment.endpoint)
      const timeout = given.timeout ?? Option.getOrUndefined(yield* environment.timeoutMs)
      return yield* make({ ...given, apiKey, endpoint, timeout })
    }).pipe(Effect.mapError((error) => error._tag === "ConfigurationError" ? error : fromConfigError(error)))
  )
