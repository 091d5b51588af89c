/**
 * The transport over undici's dispatcher: one callback per reply, without stream objects and URL parsing. It sends no
 * `accept-encoding`, follows no redirects, and leaves all deadlines to its caller.
 */
import type { ExchangeError } from "@effect-agb/core/Transport"
import { type Exchange, fromCause, type Reply, tooLarge, Transport } from "@effect-agb/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, type Dispatcher } from "undici"

/** Where the path of a URL begins, found without parsing the URL. */
const pathStart = (url: string): number => {
  const start = url.indexOf("/", url.indexOf("://") + 3)
  return start === -1 ? url.length : start
}

const cancelled = new Error("the exchange was cancelled")

/** Collects one reply, and cancels its exchange. */
class Receiver<E> implements Dispatcher.DispatchHandler {
  private readonly chunks: Array<Buffer> = []
  private size = 0
  private status = 0
  private headers: Reply["headers"] = {}
  private controller: Dispatcher.DispatchController | undefined
  private unregister: (() => void) | undefined
  private isFinished = false
  private readonly exchange: Exchange<E>
  private readonly resume: (reply: Effect.Effect<Reply, ExchangeError | E>) => void

  constructor(exchange: Exchange<E>, resume: (reply: Effect.Effect<Reply, ExchangeError | E>) => void) {
    this.exchange = exchange
    this.resume = resume
    const unregister = exchange.onCancel((error) => this.stop(Effect.fail(error)))
    if (this.isFinished) unregister()
    else this.unregister = unregister
  }

  get isDone(): boolean {
    return this.isFinished
  }

  private finish(reply: Effect.Effect<Reply, ExchangeError | E>): void {
    if (this.isFinished) return
    this.abandon()
    this.resume(reply)
  }

  private stop(reply: Effect.Effect<Reply, ExchangeError | E>): void {
    this.finish(reply)
    this.controller?.abort(cancelled)
  }

  private abandon(): void {
    this.isFinished = true
    this.unregister?.()
  }

  readonly cancel = Effect.sync(() => {
    this.abandon()
    this.controller?.abort(cancelled)
  })

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.isFinished) controller.abort(cancelled)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Reply["headers"]): void {
    if (status < 200) return
    this.status = status
    this.headers = headers
    if (Number(headers["content-length"]) > this.exchange.maxBytes) this.stop(tooLarge)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.isFinished) return
    this.size += chunk.length
    if (this.size > this.exchange.maxBytes) this.stop(tooLarge)
    else this.chunks.push(chunk)
  }

  onResponseEnd(): void {
    const [first = Buffer.alloc(0), ...rest] = this.chunks
    const bytes = rest.length === 0 ? first : Buffer.concat(this.chunks, this.size)
    this.finish(Effect.succeed({ status: this.status, headers: this.headers, body: bytes.toString("utf8") }))
  }

  onResponseError(_: Dispatcher.DispatchController, cause: Error): void {
    this.finish(fromCause(cause, this.status !== 0))
  }
}

const exchange = (dispatcher: Dispatcher): Transport.Service["exchange"] => (exchange) =>
  Effect.async((resume) => {
    const receiver = new Receiver(exchange, resume)
    if (receiver.isDone) return
    const start = pathStart(exchange.url)
    dispatcher.dispatch({
      origin: exchange.url.slice(0, start),
      path: exchange.url.slice(start) || "/",
      method: exchange.method,
      headers: exchange.headers,
      body: exchange.body ?? null,
      headersTimeout: 0,
      bodyTimeout: 0
    }, receiver)
    return receiver.cancel
  })

/** A transport over a dispatcher of its own, which is destroyed with the scope. */
export const layer: Layer.Layer<Transport> = Layer.scoped(
  Transport,
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Agent({ pipelining: 1 })),
      (agent) => Effect.promise(() => agent.destroy())
    ),
    (agent) => ({ exchange: exchange(agent) })
  )
)
