/**
 * The platform's `HttpClient` straight on undici's dispatcher: no stream objects, no URL parsing and no span of its own
 * per request, since the SDK brings its own. It sends bodies of bytes only, follows no redirect, sends no
 * `accept-encoding`, and leaves all deadlines to its caller.
 */
import * as Cookies from "@effect/platform/Cookies"
import * as Headers from "@effect/platform/Headers"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Agent, type Dispatcher } from "undici"

/** Bytes of a body that may wait for a reader before the socket is paused. */
const highWater = 1024 * 1024

type BodyError = { readonly cause: unknown }

/** The body of one reply: fed by the dispatcher, taken by one reader. */
class Body {
  private chunks: Array<Uint8Array> = []
  private size = 0
  private ended = false
  private failure: BodyError | undefined
  private wake: (() => void) | undefined
  /** A reader that wants the whole body is not held back. */
  private whole = false

  private readonly controller: Dispatcher.DispatchController

  constructor(controller: Dispatcher.DispatchController) {
    this.controller = controller
  }

  push(chunk: Uint8Array): void {
    this.chunks.push(chunk)
    this.size += chunk.length
    if (!this.whole && this.size > highWater) this.controller.pause()
    this.notify()
  }

  end(): void {
    this.ended = true
    this.notify()
  }

  fail(cause: unknown): void {
    this.failure = { cause }
    this.notify()
  }

  private notify(): void {
    const wake = this.wake
    if (wake === undefined || this.whole && !this.ended && this.failure === undefined) return
    this.wake = undefined
    wake()
  }

  private take(): Chunk.Chunk<Uint8Array> {
    const chunks = Chunk.unsafeFromArray(this.chunks)
    this.chunks = []
    this.size = 0
    if (this.controller.paused) this.controller.resume()
    return chunks
  }

  /** The next chunks, or none at the end; interrupting it cuts the connection. */
  readonly pull: Effect.Effect<Option.Option<Chunk.Chunk<Uint8Array>>, BodyError> = Effect.async((resume) => {
    const answer = () => {
      if (this.failure !== undefined) return resume(Effect.fail(this.failure))
      if (this.size > 0 && !(this.whole && !this.ended)) return resume(Effect.succeed(Option.some(this.take())))
      if (this.ended) return resume(Effect.succeed(Option.none()))
      this.wake = answer
    }
    answer()
    return this.abort
  })

  readonly all: Effect.Effect<Uint8Array, BodyError> = Effect.suspend(() => {
    this.whole = true
    if (this.controller.paused) this.controller.resume()
    return Effect.map(
      this.pull,
      Option.match({
        onNone: () => new Uint8Array(),
        onSome: (chunks) => Chunk.size(chunks) === 1 ? Chunk.unsafeHead(chunks) : Buffer.concat([...chunks])
      })
    )
  })

  readonly abort: Effect.Effect<void> = Effect.sync(() => {
    if (!this.ended) this.controller.abort(new Error("the reader has gone"))
  })

  get stream(): Stream.Stream<Uint8Array, BodyError> {
    const chunks = Stream.repeatEffectChunkOption(Effect.flatMap(
      Effect.mapError(this.pull, Option.some),
      Option.match({ onNone: () => Effect.fail(Option.none()), onSome: Effect.succeed })
    ))
    return Stream.ensuring(chunks, this.abort)
  }
}

class Reply extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly remoteAddress = Option.none<string>()
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly headers: Headers.Headers
  private readonly body: Body

  constructor(request: HttpClientRequest.HttpClientRequest, status: number, headers: Headers.Headers, body: Body) {
    super()
    this.request = request
    this.status = status
    this.headers = headers
    this.body = body
  }

  private readonly failed = ({ cause }: BodyError) =>
    new HttpClientError.ResponseError({ request: this.request, response: this, reason: "Decode", cause })

  get cookies(): Cookies.Cookies {
    return Cookies.fromSetCookie(this.headers["set-cookie"] ?? [])
  }
  get text(): Effect.Effect<string, HttpClientError.ResponseError> {
    return Effect.mapBoth(this.body.all, {
      onFailure: this.failed,
      onSuccess: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
    })
  }
  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpClientError.ResponseError> {
    return Effect.mapBoth(this.body.all, {
      onFailure: this.failed,
      onSuccess: (bytes) => Uint8Array.from(bytes).buffer
    })
  }
  get json(): Effect.Effect<unknown, HttpClientError.ResponseError> {
    return Effect.flatMap(
      this.text,
      (text) => Effect.try({ try: () => JSON.parse(text) as unknown, catch: (cause) => this.failed({ cause }) })
    )
  }
  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpClientError.ResponseError> {
    return Effect.map(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }
  get formData(): Effect.Effect<FormData, HttpClientError.ResponseError> {
    return Effect.fail(this.failed({ cause: "form data is not read by this client" }))
  }
  get stream(): Stream.Stream<Uint8Array, HttpClientError.ResponseError> {
    return Stream.mapError(this.body.stream, this.failed)
  }
  override toJSON(): unknown {
    return { _id: "@effect-agb/platform-node/Reply", status: this.status }
  }
}

const bytesOf = (body: HttpBody.HttpBody): Uint8Array | string | null | undefined => {
  switch (body._tag) {
    case "Empty":
      return null
    case "Uint8Array":
      return body.body
    case "Raw":
      return typeof body.body === "string" ? body.body : undefined
    default:
      return undefined
  }
}

const headersOf = (headers: Record<string, string | Array<string> | undefined>): Headers.Headers =>
  Headers.unsafeFromRecord(
    Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value ?? ""])
    )
  )

/** Where a URL is cut into origin and path, without the cost of parsing it. */
const pathStart = (url: string): number => {
  const start = url.indexOf("/", url.indexOf("://") + 3)
  return start === -1 ? url.length : start
}

const execute = (dispatcher: Dispatcher) => (request: HttpClientRequest.HttpClientRequest) =>
  Effect.async<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError>((resume) => {
    const fail = (reason: "Transport" | "Encode", cause: unknown) =>
      resume(Effect.fail(new HttpClientError.RequestError({ request, reason, cause })))
    const body = bytesOf(request.body)
    if (body === undefined) return fail("Encode", "only bodies of bytes are sent by this client")

    let abandoned = false
    let received: Body | undefined
    let sending: Dispatcher.DispatchController | undefined
    const start = pathStart(request.url)
    dispatcher.dispatch({
      origin: request.url.slice(0, start),
      path: request.url.slice(start) || "/",
      method: request.method,
      headers: request.headers as Record<string, string>,
      body,
      headersTimeout: 0,
      bodyTimeout: 0
    }, {
      onRequestStart: (controller) => {
        sending = controller
        if (abandoned) controller.abort(new Error("the caller has gone"))
      },
      onResponseStart: (controller, status, headers) => {
        if (status < 200) return
        received = new Body(controller)
        resume(Effect.succeed(new Reply(request, status, headersOf(headers), received)))
      },
      onResponseData: (_, chunk) => received?.push(chunk),
      onResponseEnd: () => received?.end(),
      onResponseError: (_, cause) => received === undefined ? fail("Transport", cause) : received.fail(cause)
    })
    return Effect.sync(() => {
      abandoned = true
      sending?.abort(new Error("the caller has gone"))
    })
  })

const make = (dispatcher: Dispatcher): HttpClient.HttpClient => {
  const send = execute(dispatcher)
  return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
    (request) => Effect.flatMap(request, send),
    Effect.succeed
  )
}

/** The client over a dispatcher of its own, which is destroyed with the scope. */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.scoped(
  HttpClient.HttpClient,
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Agent({ pipelining: 1 })),
      (agent) => Effect.promise(() => agent.destroy())
    ),
    (agent) => make(agent)
  )
)
