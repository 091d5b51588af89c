/** The option `server` of a runtime: what one client of the server may use. */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ServerLimits } from "../server/http/serverLimits.js"
import { checkNames } from "./knownNames.js"

const sizes = {
  bodyBytes: 32 * 2 ** 20,
  headerBytes: 16 * 2 ** 10,
  jsonDepth: 100,
  frameBytes: 8 * 2 ** 20,
  unsentBytes: 2 ** 20,
  connections: 4096,
  unauthenticatedConnections: 512,
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

/** All fields are optional. */
export interface ServerLimitOptions {
  /** Largest JSON request body, in bytes. Default 32 MiB. */
  readonly bodyBytes?: number | undefined
  /** Largest request line and headers together, in bytes. Default 16 KiB. */
  readonly headerBytes?: number | undefined
  /** Deepest nesting of JSON that a client sends. Default 100. */
  readonly jsonDepth?: number | undefined
  /** Largest message of a WebSocket client, in bytes. Default 8 MiB. */
  readonly frameBytes?: number | undefined
  /** Bytes buffered for a slow WebSocket client before backpressure stops its runs. Default 1 MiB. */
  readonly unsentBytes?: number | undefined
  /** Open connections; further ones are closed at once. Default 4096. */
  readonly connections?: number | undefined
  /**
   * Open connections that have not presented a valid key or token yet. Beyond this number the oldest are closed, once
   * they have been open for a quarter of `headers`. Default 512.
   */
  readonly unauthenticatedConnections?: number | undefined
  /** Pipelined requests of one connection without a complete reply; further ones get 429. Default 256. */
  readonly requestsPerConnection?: number | undefined
  /** WebSockets of one session. Default 16. */
  readonly socketsPerSession?: number | undefined
  /** Runs in flight on one WebSocket. Default 256. */
  readonly callsPerSocket?: number | undefined
  /** Time for the headers of a request to arrive. Default 10 seconds. */
  readonly headers?: Duration.DurationInput | undefined
  /** Time for a JSON request body to arrive. Default 30 seconds. */
  readonly body?: Duration.DurationInput | undefined
  /** How long a keep-alive connection may stay idle between requests. Default 30 seconds. */
  readonly idle?: Duration.DurationInput | undefined
  /** How long a client may read nothing of a reply that is ready. Default 30 seconds. */
  readonly stall?: Duration.DurationInput | undefined
  /** Interval of WebSocket pings; a client without any traffic from one to the next is disconnected. Default 20 seconds. */
  readonly heartbeat?: Duration.DurationInput | undefined
  /** Grace period for requests in flight when the server stops. Default 2 seconds. */
  readonly drain?: Duration.DurationInput | undefined
}

/** Resolves options to numbers: sizes and counts unchanged, times in milliseconds. */
export const resolveServerLimits = (
  options: ServerLimitOptions = {}
): Effect.Effect<ServerLimits, ConfigurationError> => {
  const size = (name: keyof typeof sizes) => {
    const value = options[name] ?? sizes[name]
    return Number.isSafeInteger(value) && value > 0
      ? Effect.succeed(value)
      : Effect.fail(new ConfigurationError({ field: `server.${name}`, expected: "a whole number above 0" }))
  }
  const time = (name: keyof typeof times) => {
    const value = Duration.decodeUnknown(options[name] ?? times[name])
    return Option.match(Option.filter(value, Duration.between({ minimum: 1, maximum: "1 day" })), {
      onNone: () =>
        Effect.fail(
          new ConfigurationError({ field: `server.${name}`, expected: "a duration from a millisecond to a day" })
        ),
      onSome: (duration) => Effect.succeed(Math.ceil(Duration.toMillis(duration)))
    })
  }
  const limits = Effect.all({
    bodyBytes: size("bodyBytes"),
    headerBytes: size("headerBytes"),
    jsonDepth: size("jsonDepth"),
    frameBytes: size("frameBytes"),
    unsentBytes: size("unsentBytes"),
    connections: size("connections"),
    unauthenticatedConnections: size("unauthenticatedConnections"),
    requestsPerConnection: size("requestsPerConnection"),
    socketsPerSession: size("socketsPerSession"),
    callsPerSocket: size("callsPerSocket"),
    headers: time("headers"),
    body: time("body"),
    idle: time("idle"),
    stall: time("stall"),
    heartbeat: time("heartbeat"),
    drain: time("drain")
  })
  return Effect.zipRight(checkNames("server", options, [...Object.keys(sizes), ...Object.keys(times)]), limits)
}
