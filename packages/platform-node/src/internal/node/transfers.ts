/** Contents of files over undici: no header that a signature may cover unless it is given, no redirects, flat memory. */
import type { Transfer, TransferReply } from "@effect-agb/core/Transport"
import { type ExchangeError, fromCause, watchUpload } from "@effect-agb/core/Transport"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"
import type { ReadableStream } from "node:stream/web"
import * as undici from "undici"

/** The most connections to one storage. */
const connections = 64

/** How many bytes are read ahead, so that a reader gets fewer and larger pieces. Each costs it the same. */
const readAhead = 1024 * 1024

const toError = (cause: unknown): ExchangeError => fromCause(cause, "unknown")

const bodyOf = <E>({ body }: Transfer<E>): Uint8Array | Readable | null => {
  if (body === undefined) return null
  return body._tag === "Bytes"
    ? body.bytes
    : Readable.fromWeb(Stream.toReadableStream(body.stream) as ReadableStream, { objectMode: false })
}

const headersOf = <E>({ body, headers }: Transfer<E>): Record<string, string> =>
  body?._tag === "Stream" && body.size !== undefined
    ? { ...headers, "content-length": String(body.size) }
    : { ...headers }

/** Transfers over connections of their own, since a transfer may take long. */
export class Transfers {
  readonly #agent: undici.Agent

  constructor(connect: undici.buildConnector.connector) {
    this.#agent = new undici.Agent({ connect, connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  }

  readonly send = <E>(transfer: Transfer<E>): Effect.Effect<TransferReply, ExchangeError | E, Scope.Scope> =>
    watchUpload(transfer, (transfer) => this.#send(transfer))

  #send<E>(transfer: Transfer<E>): Effect.Effect<TransferReply, ExchangeError, Scope.Scope> {
    const { method, url } = transfer
    return Effect.gen(this, function*() {
      const abort = yield* Effect.acquireRelease(
        Effect.sync(() => new AbortController()),
        (abort) => Effect.sync(() => abort.abort())
      )
      const { body, headers, statusCode } = yield* Effect.tryPromise({
        try: (signal) =>
          undici.request(url, {
            method,
            dispatcher: this.#agent,
            body: bodyOf(transfer),
            headers: headersOf(transfer),
            highWaterMark: readAhead,
            signal: AbortSignal.any([signal, abort.signal])
          }),
        catch: toError
      })
      body.on("error", () => {})
      return { status: statusCode, headers, body: Stream.fromAsyncIterable(body as AsyncIterable<Uint8Array>, toError) }
    })
  }

  readonly close = (): Promise<void> => this.#agent.destroy()
}
