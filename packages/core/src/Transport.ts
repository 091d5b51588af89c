/**
 * One HTTP exchange: all that `AgbClient` needs of a network. `layer` makes it of any `HttpClient` of the platform; a
 * platform that can do it with less effort brings its own.
 *
 * @since 0.1.0
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { cancellable, type Cancellation } from "./internal/client/cancellation.js"
import * as spans from "./internal/client/spans.js"

export type {
  /**
   * Registers what ends something early, with an error, and gives how to take the registration back. It may end at once.
   *
   * @since 0.1.0
   * @category models
   */
  Cancellation
} from "./internal/client/cancellation.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Exchange<E> {
  readonly method: "GET" | "POST"
  /** The whole URL with its query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** A longer reply is cut off and fails. */
  readonly maxBytes: number
  readonly onCancel: Cancellation<E>
}

/**
 * A reply of any status; names of headers are in lower case.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: string
}

/**
 * No reply, or not the whole one. `Unreachable` means that nothing can have been sent; `code` is the cause's own, e.g.
 * `ECONNRESET`.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExchangeError extends Schema.TaggedError<ExchangeError>("@effect-agb/core/ExchangeError")(
  "ExchangeError",
  { reason: Schema.Literal("Unreachable", "Interrupted", "Timeout", "TooLarge"), code: Schema.String }
) {}

/**
 * @since 0.1.0
 * @category tags
 */
export class Transport extends Context.Tag("@effect-agb/core/Transport")<Transport, Transport.Service>() {}

/**
 * @since 0.1.0
 */
export declare namespace Transport {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Sends a request and reads the whole reply. It follows no redirect and sets no deadline: a cancellation and an
     * interruption end it and close the connection.
     */
    readonly exchange: <E>(exchange: Exchange<E>) => Effect.Effect<Reply, ExchangeError | E>
  }
}

const neverSent = new RegExp(
  "^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EMFILE|ENFILE|UND_ERR_CONNECT_TIMEOUT|EPROTO|ERR_TLS.*|" +
    "ConnectionRefused|ERR_SSL_(WRONG_VERSION_NUMBER|UNSUPPORTED_PROTOCOL|.*HANDSHAKE.*|.*ALERT_PROTOCOL_VERSION)|CERT_.*|" +
    "DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*)$"
)

const timeouts = /TIMEOUT|TIMEDOUT/

/** The first error code in a chain of causes, e.g. `ECONNRESET`. */
const codeOf = (cause: unknown, depth = 5): string | undefined => {
  if (depth === 0 || !Predicate.isRecord(cause)) return undefined
  if (typeof cause["code"] === "string" && cause["code"] !== "") return cause["code"]
  const inner = Array.isArray(cause["errors"]) ? cause["errors"][0] : undefined
  return codeOf(inner, depth - 1) ?? codeOf(cause["cause"], depth - 1)
}

/**
 * Reads a network error by its code. It never keeps the cause, which may hold the request and with it the key.
 *
 * @since 0.1.0
 * @category errors
 */
export const fromCause = (cause: unknown, replied: boolean): ExchangeError => {
  const code = codeOf(cause) ?? ""
  const sent = replied || !neverSent.test(code)
  return new ExchangeError({ code, reason: !sent ? "Unreachable" : timeouts.test(code) ? "Timeout" : "Interrupted" })
}

/**
 * @since 0.1.0
 * @category errors
 */
export const tooLarge = new ExchangeError({ code: "", reason: "TooLarge" })

/** Reads at most `maxBytes`; what is longer is cancelled, not drained. */
const streamed = (response: HttpClientResponse.HttpClientResponse, maxBytes: number) =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    let size = 0
    return response.stream.pipe(
      Stream.mapEffect((chunk) => {
        size += chunk.byteLength
        return size > maxBytes ? Effect.fail(tooLarge) : Effect.succeed(decoder.decode(chunk, { stream: true }))
      }),
      Stream.runFold("", (text, part) => text + part),
      Effect.map((text) => text + decoder.decode())
    )
  })

const bodyOf = (response: HttpClientResponse.HttpClientResponse, maxBytes: number) => {
  const { headers } = response
  const length = headers["content-encoding"] === undefined ? Number(headers["content-length"] ?? NaN) : NaN
  return length <= maxBytes ? response.text : streamed(response, maxBytes)
}

const requestOf = <E>({ body, headers, method, url }: Exchange<E>): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.make(method)(url, {
    headers,
    ...(body === undefined ? {} : { body: HttpBody.text(body, "application/json") })
  })

/** The key must not follow a redirect to somebody else; other clients than fetch do not follow any by themselves. */
const withoutRedirects: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E> = Effect.mapInputContext(
  (context: Context.Context<never>) => {
    const init = Context.getOption(context, FetchHttpClient.RequestInit)
    return Context.add(context, FetchHttpClient.RequestInit, {
      ...(init._tag === "Some" ? init.value : {}),
      redirect: "manual"
    })
  }
)

/**
 * A transport over an `HttpClient`, without the client's own spans: those would hold the URL with its query and the
 * headers with the key. No redirect is followed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromHttpClient = (client: HttpClient.HttpClient): Transport.Service => ({
  exchange: (exchange) => {
    const sent = client.execute(requestOf(exchange))
    const replied = Effect.flatMap(
      spans.ifTraced(Effect.withTracerEnabled(sent, false), sent),
      (response) =>
        Effect.map(bodyOf(response, exchange.maxBytes), (body): Reply => ({
          status: response.status,
          headers: response.headers,
          body
        }))
    )
    const read = Effect.mapError(replied, (error) =>
      error._tag === "ExchangeError"
        ? error
        : error._tag === "RequestError" && error.reason !== "Transport"
        ? new ExchangeError({ reason: "Unreachable", code: error.reason })
        : fromCause(error.cause, error._tag === "ResponseError"))
    return cancellable(withoutRedirects(read), exchange.onCancel)
  }
})

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.effect(
  Transport,
  Effect.map(HttpClient.HttpClient, fromHttpClient)
)

/**
 * Over the global `fetch`, for runtimes that have nothing faster.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFetch: Layer.Layer<Transport> = Layer.provide(layer, FetchHttpClient.layer)
