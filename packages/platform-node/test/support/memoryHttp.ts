/** An `HttpClient` without sockets: replies are values, so a thousand of them cost no streams and no timers. */
import {
  Cookies,
  Headers,
  HttpClient,
  HttpClientError,
  type HttpClientRequest,
  HttpClientResponse,
  HttpIncomingMessage,
  UrlParams
} from "@effect/platform"
import { Effect, Inspectable, Option, Stream } from "effect"
import type { Reply } from "./faults.js"

/** A reply; `bytes` stand in for a body that is no text. */
export interface MemoryReply extends Reply {
  readonly bytes?: Uint8Array
}

class MemoryResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly remoteAddress = Option.none<string>()
  readonly cookies = Cookies.empty
  readonly formData = Effect.die("no forms here")
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly headers: Headers.Headers
  private readonly body: string
  private readonly bytes: Uint8Array

  constructor(request: HttpClientRequest.HttpClientRequest, { body, bytes, headers, status }: MemoryReply) {
    super()
    this.request = request
    this.status = status
    this.bytes = bytes ?? Buffer.from(body)
    this.headers = Headers.unsafeFromRecord({ "content-length": String(this.bytes.byteLength), ...headers })
    this.body = body
  }

  get text(): Effect.Effect<string> {
    return Effect.succeed(this.body)
  }
  get json(): Effect.Effect<unknown> {
    return Effect.sync((): unknown => JSON.parse(this.body))
  }
  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams> {
    return Effect.succeed(UrlParams.fromInput(new URLSearchParams(this.body)))
  }
  get arrayBuffer(): Effect.Effect<ArrayBuffer> {
    return Effect.sync(() => Uint8Array.from(this.bytes).buffer)
  }
  get stream(): Stream.Stream<Uint8Array> {
    return Stream.make(this.bytes)
  }
  override toJSON(): unknown {
    return { _id: "MemoryResponse", status: this.status }
  }
}

/** `undefined` is a connection that breaks. */
export const makeClient = (
  answer: (request: HttpClientRequest.HttpClientRequest, url: URL) => Effect.Effect<MemoryReply | undefined>
): HttpClient.HttpClient =>
  HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
    Effect.flatMap((request) =>
      Effect.flatMap(answer(request, new URL(request.url)), (reply) =>
        reply === undefined
          ? new HttpClientError.RequestError({ request, reason: "Transport", cause: { code: "ECONNRESET" } })
          : Effect.succeed(new MemoryResponse(request, reply)))
    ),
    Effect.succeed
  )
