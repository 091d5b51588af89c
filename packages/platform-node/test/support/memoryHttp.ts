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

  constructor(request: HttpClientRequest.HttpClientRequest, { body, headers, status }: Reply) {
    super()
    this.request = request
    this.status = status
    this.headers = Headers.unsafeFromRecord({ "content-length": String(Buffer.byteLength(body)), ...headers })
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
    return Effect.sync(() => Uint8Array.from(Buffer.from(this.body)).buffer)
  }
  get stream(): Stream.Stream<Uint8Array> {
    return Stream.make(Buffer.from(this.body))
  }
  override toJSON(): unknown {
    return { _id: "MemoryResponse", status: this.status }
  }
}

/** `undefined` is a connection that breaks. */
export const makeClient = (
  answer: (request: HttpClientRequest.HttpClientRequest, url: URL) => Effect.Effect<Reply | undefined>
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
