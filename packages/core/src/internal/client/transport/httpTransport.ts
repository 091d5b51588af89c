/** Transport over an `HttpClient` of `@effect/platform`; this module is imported on demand. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { concat } from "../../wire/text/bytes.js"
import { cancellable } from "../deadline/cancellation.js"
import * as spans from "../spans.js"
import {
  decodeBody,
  type Exchange,
  ExchangeError,
  fromCause,
  type Reply,
  tooLarge,
  type Transfer,
  type TransferReply,
  Transport
} from "./exchange.js"
import { watchUpload } from "./upload.js"

/** Reads at most `maxBytes`; a longer body is cancelled, not drained. */
const streamed = (response: HttpClientResponse.HttpClientResponse, maxBytes: number) =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    return Effect.as(
      Stream.runForEach(response.stream, (chunk) => {
        size += chunk.byteLength
        chunks.push(chunk)
        return size > maxBytes ? Effect.fail(tooLarge) : Effect.void
      }),
      chunks
    ).pipe(Effect.map(concat))
  })

const bodyOf = (response: HttpClientResponse.HttpClientResponse, maxBytes: number) => {
  const { headers } = response
  const length = headers["content-encoding"] === undefined ? Number(headers["content-length"] ?? NaN) : NaN
  return length <= maxBytes
    ? Effect.map(response.arrayBuffer, (buffer) => new Uint8Array(buffer))
    : streamed(response, maxBytes)
}

const requestOf = <E>({ body, headers, method, url }: Exchange<E>): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.make(method)(url, {
    headers,
    ...(body === undefined ? {} : { body: HttpBody.text(body, "application/json") })
  })

/** Without a content type: a presigned URL may be signed for a request without one. */
const transferOf = <E>({ body, headers = {}, method, url }: Transfer<E>): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.make(method)(url, {
    headers,
    ...(body === undefined
      ? {}
      : {
        body: body._tag === "Bytes" ? HttpBody.uint8Array(body.bytes, "") : HttpBody.stream(body.stream, "", body.size)
      })
  })

/** A redirect must not send the key to another origin. Of the clients of the platform only `fetch` follows redirects. */
const withoutRedirects = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.mapInputContext(effect, (context: Context.Context<R>) => {
    const init = Context.getOption(context, FetchHttpClient.RequestInit)
    return Context.add(context, FetchHttpClient.RequestInit, {
      ...(init._tag === "Some" ? init.value : {}),
      redirect: "manual"
    })
  })

/** Any error of the client: that of a request that could not be made, or of a connection that failed. */
const toExchangeError = (error: HttpClientError.HttpClientError): ExchangeError =>
  error._tag === "RequestError" && error.reason !== "Transport"
    ? new ExchangeError({ reason: "Unreachable", code: error.reason })
    : fromCause(error.cause, error._tag === "ResponseError" ? "sent" : "unknown")

/** The oldest versions of the platform have no `withScope`: they abort a response that nobody holds any more. */
const untilScopeEnds = (client: HttpClient.HttpClient) =>
  "withScope" in HttpClient ? HttpClient.withScope(client) : client

/**
 * Disables the spans of the `HttpClient`: they would record the URL with its query, and the headers with the key.
 */
const fromHttpClient = (client: HttpClient.HttpClient): Transport.Service => ({
  exchange: (exchange) => {
    const sent = client.execute(requestOf(exchange))
    const replied = Effect.flatMap(
      spans.ifTraced(Effect.withTracerEnabled(sent, false), sent),
      (response) =>
        Effect.map(bodyOf(response, exchange.maxBytes), (bytes): Reply => ({
          status: response.status,
          headers: response.headers,
          ...decodeBody(bytes)
        }))
    )
    const read = Effect.mapError(replied, (error) => error._tag === "ExchangeError" ? error : toExchangeError(error))
    return cancellable(withoutRedirects(read), exchange.onCancel)
  },
  transfer: (transfer) =>
    watchUpload(transfer, (transfer) => {
      const sent = untilScopeEnds(client).execute(transferOf(transfer))
      return withoutRedirects(spans.ifTraced(Effect.withTracerEnabled(sent, false), sent)).pipe(
        Effect.map(({ headers, status, stream }): TransferReply => ({
          status,
          headers,
          body: Stream.mapError(stream, toExchangeError)
        })),
        Effect.mapError(toExchangeError)
      )
    })
})

export const layer: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.effect(
  Transport,
  Effect.map(HttpClient.HttpClient, fromHttpClient)
)

export const layerFetch: Layer.Layer<Transport> = Layer.provide(layer, FetchHttpClient.layer)
