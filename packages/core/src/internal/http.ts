/** One exchange over the platform's HttpClient: a bounded body, and every failure of the network as a typed error. */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { LimitExceededError, TransportError } from "../AgbError.js"
import type { Repeat } from "./api/endpoint.js"
import * as spans from "./spans.js"

export interface Exchange {
  readonly operation: string
  readonly repeat: Repeat
  readonly maxBytes: number
}

export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const neverSent =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EMFILE|ENFILE|UND_ERR_CONNECT_TIMEOUT|ERR_TLS.*|CERT_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*|EPROTO)$/

/** The first error code in a chain of causes, e.g. `ECONNRESET`. */
const codeOf = (cause: unknown, depth = 5): string | undefined => {
  if (depth === 0 || !Predicate.isRecord(cause)) return undefined
  if (typeof cause["code"] === "string" && cause["code"] !== "") return cause["code"]
  const inner = Array.isArray(cause["errors"]) ? cause["errors"][0] : undefined
  return codeOf(inner, depth - 1) ?? codeOf(cause["cause"], depth - 1)
}

const timeouts = /TIMEOUT|TIMEDOUT/

/** The error never holds the request, which carries the key: only the code of the cause. */
const transportError = (exchange: Exchange, error: HttpClientError.HttpClientError): TransportError => {
  const { operation, repeat } = exchange
  const code = codeOf(error.cause)
  const sent = error._tag === "ResponseError" || error.reason === "Transport" && !neverSent.test(code ?? "")
  return new TransportError({
    operation,
    reason: sent ? timeouts.test(code ?? "") ? "Timeout" : "Interrupted" : "Unreachable",
    detail: code ?? "",
    mayHaveHappened: sent && repeat !== "read",
    retryable: !sent || repeat !== "once"
  })
}

const tooLarge = ({ maxBytes, operation, repeat }: Exchange) =>
  new LimitExceededError({ operation, what: "the reply", limit: maxBytes, mayHaveHappened: repeat !== "read" })

/** Reads at most `maxBytes`; what is longer is cancelled, not drained. */
const streamed = (exchange: Exchange, response: HttpClientResponse.HttpClientResponse) =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    let size = 0
    return response.stream.pipe(
      Stream.mapEffect((chunk) => {
        size += chunk.byteLength
        return size > exchange.maxBytes
          ? Effect.fail(tooLarge(exchange))
          : Effect.succeed(decoder.decode(chunk, { stream: true }))
      }),
      Stream.runFold("", (text, part) => text + part),
      Effect.map((text) => text + decoder.decode())
    )
  })

const bodyOf = (exchange: Exchange, response: HttpClientResponse.HttpClientResponse) => {
  const { headers } = response
  const length = headers["content-encoding"] === undefined ? Number(headers["content-length"] ?? NaN) : NaN
  return length <= exchange.maxBytes ? response.text : streamed(exchange, response)
}

/**
 * The client without its own spans: they would hold the URL with its query and the headers. Where nobody traces there is
 * nothing to hold them, and the detour is saved.
 */
export const untraced = (client: HttpClient.HttpClient): HttpClient.HttpClient["execute"] => {
  const silent = HttpClient.withTracerDisabledWhen(client, () => true)
  return (request) => spans.ifTraced(silent.execute(request), client.execute(request))
}

export const execute = (
  send: HttpClient.HttpClient["execute"],
  request: HttpClientRequest.HttpClientRequest,
  exchange: Exchange
): Effect.Effect<HttpReply, TransportError | LimitExceededError> =>
  Effect.flatMap(
    send(request),
    (response) =>
      Effect.map(bodyOf(exchange, response), (body) => ({ status: response.status, headers: response.headers, body }))
  ).pipe(
    Effect.mapError((error) =>
      error._tag === "RequestError" || error._tag === "ResponseError" ? transportError(exchange, error) : error
    )
  )
