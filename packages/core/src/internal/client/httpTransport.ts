/** Transport over an `HttpClient` of `@effect/platform`; this module is imported on demand. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { cancellable } from "./cancellation.js"
import { type Exchange, ExchangeError, fromCause, type Reply, tooLarge, Transport } from "./exchange.js"
import * as spans from "./spans.js"

/** Reads at most `maxBytes`; a longer body is cancelled, not drained. */
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

/** A redirect must not send the key to another origin. Of the clients of the platform only `fetch` follows redirects. */
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
 * Disables the spans of the `HttpClient`: they would record the URL with its query, and the headers with the key.
 */
const fromHttpClient = (client: HttpClient.HttpClient): Transport.Service => ({
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

export const layer: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.effect(
  Transport,
  Effect.map(HttpClient.HttpClient, fromHttpClient)
)

export const layerFetch: Layer.Layer<Transport> = Layer.provide(layer, FetchHttpClient.layer)
