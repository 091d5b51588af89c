/** Writes down what goes through a transport. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  type Exchange,
  ExchangeError,
  type Reply,
  type Transfer as TransferRequest,
  type TransferReply,
  type Transport
} from "../../client/transport/exchange.js"
import type { Socket, SocketListener } from "../../client/transport/socket.js"
import { parseJson } from "../../wire/codecs.js"
import { concat } from "../../wire/text/bytes.js"
import { Aliases, replayOrigin } from "./aliases.js"
import * as contents from "./contents.js"
import { type Call, type Content, type Run, type Transfer, withSizes } from "./entries.js"
import type { Cassette, CassetteEntry } from "./model.js"
import * as requests from "./requests.js"

type Failure = Extract<Call["reply"], { readonly failure: unknown }>

/** An entry that is not complete yet. */
interface Slot {
  entry: CassetteEntry | undefined
}

const failureOf = (cause: Cause.Cause<unknown>): Failure => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  return error instanceof ExchangeError
    ? { failure: error.reason, code: error.code }
    : { failure: "NoAnswer", code: "" }
}

/** The headers of replies that the client reads. */
const headersOf = (headers: Reply["headers"], pattern: RegExp): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === "string" && pattern.test(name) ? [[name, value]] : []
    )
  )

export class Recorder {
  readonly #aliases = new Aliases()
  readonly #slots: Array<Slot> = []

  /** What was recorded so far, without secrets. */
  get cassette(): Cassette {
    const entries = this.#slots.flatMap(({ entry }) => entry === undefined ? [] : [entry])
    return {
      version: 1,
      entries: entries.map((entry) => {
        const hidden = this.#aliases.replaceAll(entry)
        return entry._tag === "Transfer" && hidden._tag === "Transfer" ? withSizes(entry, hidden) : hidden
      })
    }
  }

  #slot(): Slot {
    const slot: Slot = { entry: undefined }
    this.#slots.push(slot)
    return slot
  }

  readonly intercept = (own: Transport.Service): Transport.Service => {
    const { exchange, openSocket, transfer } = own
    return {
      exchange: (request) => this.#exchange(exchange, request),
      ...(openSocket === undefined ? {} : {
        openSocket: (request, listener) => {
          this.#aliases.add(request.token, "secret")
          const run = new RecordedSocket(listener, (entry) => void this.#slots.push({ entry }))
          return Effect.map(openSocket(request, run.listener), (socket) => run.socket(socket))
        }
      }),
      ...(transfer === undefined ? {} : {
        transfer: <E>(request: TransferRequest<E>) => this.#transfer(transfer, request)
      })
    }
  }

  #exchange<E>(
    exchange: Transport.Service["exchange"],
    request: Exchange<E>
  ): Effect.Effect<Reply, ExchangeError | E> {
    return Effect.suspend(() => {
      const { ids, point, request: asked } = requests.ofCall(request)
      const credential = request.headers["authorization"]?.replace(/^Bearer /, "") ?? ""
      const token = request.headers["x-access-token"] ?? ""
      for (const secret of [credential, token]) if (secret !== "") this.#aliases.add(secret, "secret")
      if (point === "refreshSessionIdleTime") return exchange(request)
      const slot = this.#slot()
      const record = (reply: Call["reply"]) =>
        Effect.sync(() => {
          slot.entry = { _tag: "Call", point, request: asked, reply }
        })
      return Effect.onExit(exchange(request), (exit) =>
        record(Exit.match(exit, {
          onFailure: failureOf,
          onSuccess: (reply) => this.#replyOf(point, reply, ids)
        })))
    })
  }

  #replyOf(point: string, { body, headers, status }: Reply, ids: ReadonlyArray<string>): Call["reply"] {
    const json = Either.getOrElse(parseJson(body), () => body)
    const kept = headersOf(headers, /^retry-after$/)
    return {
      status,
      ...(Object.keys(kept).length === 0 ? {} : { headers: kept }),
      body: requests.withoutIds(this.#aliases.hide(json, point === "createSession"), ids)
    }
  }

  /** Errors are JSON with the id of the request; the content of a file is said to be bytes. */
  #hideText(text: string): string {
    return Either.match(parseJson(text), {
      onLeft: () => text,
      onRight: (json) => JSON.stringify(this.#aliases.hide(json, false))
    })
  }

  #urlOf(url: string): string {
    const { pathname, search } = new URL(url)
    return this.#aliases.urlOf(url) ?? (pathname.startsWith("/files/") ? pathname + search : `${replayOrigin}/unknown`)
  }

  #transfer<E>(
    transfer: NonNullable<Transport.Service["transfer"]>,
    request: TransferRequest<E>
  ): Effect.Effect<TransferReply, ExchangeError | E, Scope.Scope> {
    return Effect.suspend(() => {
      const slot = this.#slot()
      const [sent, body] = copied(request)
      const token = request.headers?.["x-access-token"]
      if (token !== undefined) this.#aliases.add(token, "secret")
      const normal = () =>
        requests.ofTransfer(request.method, this.#urlOf(request.url), body === undefined ? undefined : sent())
      const record = (reply: Transfer["reply"]) => {
        slot.entry = { _tag: "Transfer", request: normal().request as Transfer["request"], reply }
      }
      return transfer(body === undefined ? request : { ...request, body }).pipe(
        Effect.onError((cause) => Effect.sync(() => record(failureOf(cause)))),
        Effect.map((reply) => {
          const received: Array<Uint8Array> = []
          const { status } = reply
          const headers = headersOf(reply.headers, /^(x-file-.*|content-(range|type)|etag|retry-after)$/)
          const isJson = headers["content-type"]?.includes("json") === true
          const bodyOf = (content: Content): Content =>
            isJson && "text" in content ? { text: this.#hideText(content.text) } : content
          const complete = () => record({ status, headers, body: bodyOf(contents.ofBytes(concat(received))) })
          complete()
          return { ...reply, body: Stream.ensuring(tee(reply.body, received), Effect.sync(complete)) }
        })
      )
    })
  }
}

/** The pieces may be used again once they are taken. */
const tee = <E>(stream: Stream.Stream<Uint8Array, E>, pieces: Array<Uint8Array>): Stream.Stream<Uint8Array, E> =>
  Stream.tap(stream, (bytes) => Effect.sync(() => pieces.push(bytes.slice())))

/** A body whose content can be told after it was sent. */
const copied = <E>({ body }: TransferRequest<E>) => {
  if (body === undefined || body._tag === "Bytes") {
    return [() => contents.ofBytes(body?.bytes ?? new Uint8Array()), body] as const
  }
  const pieces: Array<Uint8Array> = []
  return [() => contents.ofBytes(concat(pieces)), { ...body, stream: tee(body.stream, pieces) }] as const
}

/** The streamed runs on one WebSocket. */
class RecordedSocket {
  readonly #listener: SocketListener
  readonly #onStart: (run: Run) => void
  readonly #frames = new Map<unknown, Array<unknown>>()

  constructor(listener: SocketListener, onStart: (run: Run) => void) {
    this.#listener = listener
    this.#onStart = onStart
  }

  readonly listener: SocketListener = {
    onMessage: (text) => {
      const frame = frameOf(text)
      this.#frames.get(frame?.["invocationId"] ?? frame?.["requestId"])?.push(frame?.["data"])
      this.#listener.onMessage(text)
    },
    onClose: (error) => this.#listener.onClose(error)
  }

  socket(socket: Socket): Socket {
    return {
      ...socket,
      send: (text) => {
        const frame = frameOf(text)
        const data = frame?.["data"]
        if (Predicate.isRecord(data) && "method" in data) {
          const frames: Array<unknown> = []
          this.#frames.set(frame?.["invocationId"], frames)
          this.#onStart({ _tag: "Run", request: requests.ofRun(data["params"]).request, frames })
        }
        socket.send(text)
      }
    }
  }
}

const frameOf = (text: string): Readonly<Record<string, unknown>> | undefined => {
  const frame = Either.getOrUndefined(parseJson(text))
  return Predicate.isRecord(frame) ? frame as Readonly<Record<string, unknown>> : undefined
}
