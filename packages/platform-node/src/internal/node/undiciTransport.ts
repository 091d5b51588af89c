/**
 * The transport over undici's dispatcher: one callback per reply, without stream objects and URL parsing. It sends no
 * `accept-encoding`, follows no redirects, and leaves all deadlines to its caller but that of connecting.
 */
import type { Exchange, Progress, Reply } from "@effect-agb/core/Transport"
import { decodeBody, ExchangeError, fromCause, tooLarge, Transport } from "@effect-agb/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { setMaxListeners } from "node:events"
import * as undici from "undici"
import { ConnectionPool } from "./connectionPool.js"
import * as connector from "./connector.js"
import { makePeers } from "./handover/peers.js"
import { Transfers } from "./transfers.js"
import { Sockets } from "./webSocket.js"

/** Where the path of a URL begins, found without parsing the URL. */
const pathStart = (url: string): number => {
  const start = url.indexOf("/", url.indexOf("://") + 3)
  return start === -1 ? url.length : start
}

const cancelled = new Error("the exchange was cancelled")

type Resume<E> = (reply: Effect.Effect<Reply, ExchangeError | E>) => void

/** Waits for a connection, sends one request, collects its reply, and cancels the exchange. */
class Receiver<E> implements undici.Dispatcher.DispatchHandler {
  readonly #chunks: Array<Buffer> = []
  #size = 0
  #status = 0
  #headers: Reply["headers"] = {}
  #stage: Progress["stage"] = "queued"
  #controller: undici.Dispatcher.DispatchController | undefined
  #connection: undici.Client | undefined
  #leaveQueue: (() => void) | undefined
  #unregister: (() => void) | undefined
  #isFinished = false
  readonly #exchange: Exchange<E>
  readonly #pool: ConnectionPool
  readonly #resume: Resume<E>

  constructor(exchange: Exchange<E>, pool: ConnectionPool, resume: Resume<E>) {
    this.#exchange = exchange
    this.#pool = pool
    this.#resume = resume
    this.#advance("queued")
  }

  start(path: string): void {
    const { body, headers, method, onCancel, retrySafety = "unsafe" } = this.#exchange
    const unregister = onCancel((error) => this.#stop(Effect.fail(error)))
    if (this.#isFinished) return unregister()
    this.#unregister = unregister
    this.#leaveQueue = this.#pool.acquire(retrySafety !== "unsafe", (client) => {
      this.#connection = client
      if (this.#isFinished) return this.#release()
      this.#advance("connecting")
      client.dispatch({ path, method, headers, body: body ?? null, headersTimeout: 0, bodyTimeout: 0 }, this)
    })
  }

  readonly cancel = Effect.sync(() => {
    this.#abandon()
    this.#abort()
  })

  #advance(stage: Progress["stage"]): void {
    this.#stage = stage
    if (this.#exchange.progress !== undefined) this.#exchange.progress.stage = stage
  }

  #finish(reply: Effect.Effect<Reply, ExchangeError | E>): void {
    if (this.#isFinished) return
    this.#abandon()
    this.#resume(reply)
  }

  #stop(reply: Effect.Effect<Reply, ExchangeError | E>): void {
    this.#finish(reply)
    this.#abort()
  }

  #abandon(): void {
    this.#isFinished = true
    this.#unregister?.()
    this.#leaveQueue?.()
  }

  /** Before the request starts, there is nothing to abort: the connection can serve the next one. */
  #abort(): void {
    if (this.#controller === undefined) this.#release()
    else this.#controller.abort(cancelled)
  }

  /** undici must not be called while it reports an error. */
  #release(): void {
    const connection = this.#connection
    this.#connection = undefined
    if (connection !== undefined) queueMicrotask(() => this.#pool.release(connection))
  }

  /** Called right before the request is written to a connected socket; an error keeps it from being written, or again. */
  onRequestStart(controller: undici.Dispatcher.DispatchController): void {
    if (this.#isFinished || this.#controller !== undefined) throw cancelled
    this.#controller = controller
    this.#advance("sent")
  }

  onResponseStart(_: undici.Dispatcher.DispatchController, status: number, headers: Reply["headers"]): void {
    this.#status = status
    this.#headers = headers
    if (Number(headers["content-length"]) > this.#exchange.maxBytes) this.#stop(tooLarge)
  }

  onResponseData(_: undici.Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isFinished) return
    this.#size += chunk.length
    if (this.#size > this.#exchange.maxBytes) this.#stop(tooLarge)
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#release()
    const [first = Buffer.alloc(0), ...rest] = this.#chunks
    const bytes = rest.length === 0 ? first : Buffer.concat(this.#chunks, this.#size)
    this.#finish(Effect.succeed({ status: this.#status, headers: this.#headers, ...decodeBody(bytes) }))
  }

  onResponseError(_: undici.Dispatcher.DispatchController, cause: Error): void {
    this.#release()
    this.#finish(fromCause(cause, this.#stage))
  }
}

/** The most connections to one origin. */
export interface Connections {
  /** For calls that may take minutes. */
  readonly long: number
  /** For all others, which thus never wait for the former. */
  readonly short: number
}

/** Pools of connections by origin. */
class Pools {
  readonly #pools = new Map<string, ConnectionPool>()
  readonly #closing = new AbortController()
  readonly #connect = connector.make(this.#closing.signal)
  readonly #connections: Connections
  readonly transfers = new Transfers(this.#connect)

  constructor(connections: Connections) {
    this.#connections = connections
    setMaxListeners(0, this.#closing.signal)
  }

  of(origin: string, isLong: boolean): ConnectionPool {
    const key = `${isLong ? "long" : "short"} ${origin}`
    const known = this.#pools.get(key)
    if (known !== undefined) return known
    const size = this.#connections[isLong ? "long" : "short"]
    const pool = new ConnectionPool(size, () => new undici.Client(origin, { pipelining: 1, connect: this.#connect }))
    this.#pools.set(key, pool)
    return pool
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  readonly close = async (): Promise<void> => {
    const destroyed = Promise.all([...this.#pools.values()].map((pool) => pool.destroy()))
    this.#closing.abort()
    await Promise.all([destroyed, this.transfers.close()])
  }
}

const closed = new ExchangeError({ reason: "Unreachable", code: "the layer has ended" })

const exchange = (pools: Pools): Transport.Service["exchange"] => (exchange) =>
  Effect.async((resume) => {
    if (pools.isClosed) return resume(Effect.fail(closed))
    const start = pathStart(exchange.url)
    const pool = pools.of(exchange.url.slice(0, start), exchange.isLong ?? false)
    const receiver = new Receiver(exchange, pool, resume)
    receiver.start(exchange.url.slice(start) || "/")
    return receiver.cancel
  })

/** A transport with connections and WebSockets of its own, which are closed with the scope. */
export const layer = (connections: Connections): Layer.Layer<Transport> =>
  Layer.scoped(
    Transport,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => ({ pools: new Pools(connections), sockets: new Sockets() })),
        ({ pools, sockets }) => Effect.zipRight(Effect.sync(sockets.close), Effect.promise(pools.close))
      ),
      ({ pools, sockets }) => ({
        exchange: exchange(pools),
        openSocket: sockets.open,
        transfer: pools.transfers.send,
        peer: makePeers()
      })
    )
  )
