/** What one client of the server may take: sizes, counts and times. */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

const sizes = {
  bodyBytes: 32 * 2 ** 20,
  headerBytes: 16 * 2 ** 10,
  jsonDepth: 100,
  frameBytes: 8 * 2 ** 20,
  unsentBytes: 2 ** 20,
  connections: 4096,
  strangers: 512,
  requestsPerConnection: 256,
  socketsPerSession: 16,
  callsPerSocket: 256
}

const times = {
  headers: Duration.seconds(10),
  body: Duration.seconds(30),
  idle: Duration.seconds(30),
  stall: Duration.seconds(30),
  heartbeat: Duration.seconds(20),
  drain: Duration.seconds(2)
}

/** Sizes and counts as they are, times in milliseconds. */
export type ServerLimits = { readonly [K in keyof typeof sizes | keyof typeof times]: number }

/** All optional. */
export interface ServerLimitOptions {
  /** Largest body of a request that is JSON, in bytes. Default 32 MiB. */
  readonly bodyBytes?: number | undefined
  /** Request line and headers together, in bytes. Default 16 KiB. */
  readonly headerBytes?: number | undefined
  /** How deeply the JSON of a client may be nested. Default 100. */
  readonly jsonDepth?: number | undefined
  /** Largest message of a WebSocket client, in bytes. Default 8 MiB. */
  readonly frameBytes?: number | undefined
  /** What may wait for a slow reader of a WebSocket before its runs are held back, in bytes. Default 1 MiB. */
  readonly unsentBytes?: number | undefined
  /** Default 4096; one more is cut at once. */
  readonly connections?: number | undefined
  /**
   * Connections that have not shown a key or a token yet. Default 512; of more the oldest are cut, once they had a quarter
   * of `headers` for it.
   */
  readonly strangers?: number | undefined
  /** Requests of one connection whose replies are not written yet; one more gets 429. Default 256. */
  readonly requestsPerConnection?: number | undefined
  /** WebSockets of one session. Default 16. */
  readonly socketsPerSession?: number | undefined
  /** Runs in flight on one WebSocket. Default 256. */
  readonly callsPerSocket?: number | undefined
  /** Until the headers of a request must be there. Default 10 seconds. */
  readonly headers?: Duration.DurationInput | undefined
  /** Until the body of a request that is JSON must be there. Default 30 seconds. */
  readonly body?: Duration.DurationInput | undefined
  /** How long a connection may wait for its next request. Default 30 seconds. */
  readonly idle?: Duration.DurationInput | undefined
  /** How long a client may take nothing of a reply that waits for it. Default 30 seconds. */
  readonly stall?: Duration.DurationInput | undefined
  /** Between two pings of a WebSocket; who gives no sign of life from one to the next is cut. Default 20 seconds. */
  readonly heartbeat?: Duration.DurationInput | undefined
  /** What requests in flight get to finish when the server ends. Default 2 seconds. */
  readonly drain?: Duration.DurationInput | undefined
}

const sizeOf = (name: keyof typeof sizes, given: number = sizes[name]) =>
  Number.isSafeInteger(given) && given > 0
    ? Effect.succeed(given)
    : Effect.fail(new ConfigurationError({ field: `server.${name}`, expected: "a whole number above 0" }))

const timeOf = (name: keyof typeof times, given: Duration.DurationInput = times[name]) =>
  Option.match(Option.filter(Duration.decodeUnknown(given), Duration.between({ minimum: 1, maximum: "1 day" })), {
    onNone: () =>
      Effect.fail(
        new ConfigurationError({ field: `server.${name}`, expected: "a duration from a millisecond to a day" })
      ),
    onSome: (duration) => Effect.succeed(Math.ceil(Duration.toMillis(duration)))
  })

/** The limits with their defaults. */
export const resolve = (options: ServerLimitOptions = {}): Effect.Effect<ServerLimits, ConfigurationError> =>
  Effect.all({
    bodyBytes: sizeOf("bodyBytes", options.bodyBytes),
    headerBytes: sizeOf("headerBytes", options.headerBytes),
    jsonDepth: sizeOf("jsonDepth", options.jsonDepth),
    frameBytes: sizeOf("frameBytes", options.frameBytes),
    unsentBytes: sizeOf("unsentBytes", options.unsentBytes),
    connections: sizeOf("connections", options.connections),
    strangers: sizeOf("strangers", options.strangers),
    requestsPerConnection: sizeOf("requestsPerConnection", options.requestsPerConnection),
    socketsPerSession: sizeOf("socketsPerSession", options.socketsPerSession),
    callsPerSocket: sizeOf("callsPerSocket", options.callsPerSocket),
    headers: timeOf("headers", options.headers),
    body: timeOf("body", options.body),
    idle: timeOf("idle", options.idle),
    stall: timeOf("stall", options.stall),
    heartbeat: timeOf("heartbeat", options.heartbeat),
    drain: timeOf("drain", options.drain)
  })
