/** Contents of files over undici: no header that a signature may cover unless it is given, no redirects, flat memory. */
import type { Transfer, TransferReply } from "@effect-agb/core/Transport"
import { type ExchangeError, fromCause, watchUpload } from "@effect-agb/core/Transport"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as undici from "undici"
import { releaseBuffer } from "./releaseBuffer.js"
import { ReplyBody } from "./replyBody.js"
import { SentBody } from "./sentBody.js"

/** The most connections to one storage. */
const connections = 64

/** How many bytes are read ahead, so that a reader gets more of them at once. */
const readAhead = 1024 * 1024

const toError = (cause: unknown): ExchangeError => fromCause(cause, "unknown")

const ended = new Error("the transfer has ended")

const headersOf = <E>({ body, headers }: Transfer<E>): Record<string, string> =>
  body?._tag === "Stream" && body.size !== undefined
    ? { ...headers, "content-length": String(body.size) }
    : { ...headers }

/** Receives one reply, whose body is read while it arrives. */
class Receiver implements undici.Dispatcher.DispatchHandler {
  #controller: undici.Dispatcher.DispatchController | undefined
  #body: ReplyBody | undefined
  #isAborted = false
  readonly #resume: (reply: Effect.Effect<TransferReply, ExchangeError>) => void

  constructor(resume: (reply: Effect.Effect<TransferReply, ExchangeError>) => void) {
    this.#resume = resume
  }

  abort(): void {
    this.#isAborted = true
    this.#controller?.abort(ended)
  }

  onRequestStart(controller: undici.Dispatcher.DispatchController): void {
    if (this.#isAborted) throw ended
    this.#controller = controller
  }

  onResponseStart(
    controller: undici.Dispatcher.DispatchController,
    status: number,
    headers: TransferReply["headers"]
  ): void {
    if (status < 200) return
    this.#body = new ReplyBody(readAhead, () => controller.pause(), () => controller.resume())
    this.#resume(Effect.succeed({ status, headers, body: this.#body.stream, release: releaseBuffer }))
  }

  onResponseData(_: undici.Dispatcher.DispatchController, piece: Buffer): void {
    this.#body?.push(piece)
  }

  onResponseEnd(): void {
    this.#body?.end()
  }

  onResponseError(_: undici.Dispatcher.DispatchController, cause: Error): void {
    if (this.#body === undefined) this.#resume(toError(cause))
    else this.#body.end(toError(cause))
  }
}

/** Transfers over connections of their own, since a transfer may take long. */
export class Transfers {
  readonly #agent: undici.Agent

  constructor(connect: undici.buildConnector.connector) {
    this.#agent = new undici.Agent({ connect, connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  }

  readonly send = <E>(transfer: Transfer<E>): Effect.Effect<TransferReply, ExchangeError | E, Scope.Scope> =>
    watchUpload(transfer, (transfer) => this.#send(transfer))

  #send<E>(transfer: Transfer<E>): Effect.Effect<TransferReply, ExchangeError, Scope.Scope> {
    const { body } = transfer
    if (body?._tag !== "Stream") return this.#dispatch(transfer, body?.bytes ?? null)
    return Effect.suspend(() => {
      const sent = new SentBody()
      sent.on("error", () => {})
      return Effect.zipRight(
        Effect.forkScoped(Effect.interruptible(sent.send(body))),
        this.#dispatch(transfer, sent)
      )
    })
  }

  #dispatch<E>(
    transfer: Transfer<E>,
    body: Uint8Array | SentBody | null
  ): Effect.Effect<TransferReply, ExchangeError, Scope.Scope> {
    const { method, url } = transfer
    let receiver: Receiver | undefined
    const abort = Effect.sync(() => receiver?.abort())
    const replied = Effect.async<TransferReply, ExchangeError>((resume) => {
      receiver = new Receiver(resume)
      try {
        const { origin, pathname, search } = new URL(url)
        this.#agent.dispatch({ origin, path: pathname + search, method, body, headers: headersOf(transfer) }, receiver)
      } catch (cause) {
        resume(toError(cause))
      }
      return abort
    })
    return Effect.zipRight(Effect.addFinalizer(() => abort), replied)
  }

  readonly close = (): Promise<void> => this.#agent.destroy()
}
