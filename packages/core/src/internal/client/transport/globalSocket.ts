/**
 * WebSockets over the global `WebSocket`, for runtimes without a better one; this module is imported on demand. It can neither
 * pause reading nor send a ping, so a connection that falls silent is noticed by the deadline of a call alone.
 */
import * as Effect from "effect/Effect"
import { byteLength } from "../../wire/text/bytes.js"
import type { Transport } from "./exchange.js"
import { type Socket, SocketError, type SocketListener, type SocketRequest } from "./socket.js"

interface WebSocketEvent {
  readonly data?: unknown
  readonly code?: number
}

interface GlobalSocket {
  readonly send: (text: string) => void
  readonly close: () => void
  readonly addEventListener: (name: string, listener: (event: WebSocketEvent) => void) => void
}

type Constructor = new(url: string, options?: object) => GlobalSocket

const constructorOf = (): Constructor | undefined => (globalThis as { readonly WebSocket?: Constructor }).WebSocket

const isBrowser = "document" in globalThis || "importScripts" in globalThis

/** Browsers cannot send headers in a handshake: there the token is a parameter of the URL, as the server allows. */
const create = (WebSocket: Constructor, { token, url }: SocketRequest): GlobalSocket => {
  if (!isBrowser) return new WebSocket(url, { headers: { "X-Access-Token": token } })
  const withToken = new URL(url)
  withToken.searchParams.set("token", token)
  return new WebSocket(withToken.href)
}

const utf8Bytes = (text: string, atMost: number): boolean =>
  text.length <= atMost && (text.length * 3 <= atMost || byteLength(text) <= atMost)

/** Follows one socket from its creation to its end. */
class Opening {
  readonly #socket: GlobalSocket
  readonly #listener: SocketListener
  readonly #maxBytes: number
  #isClosed = false
  #received = 0

  constructor(socket: GlobalSocket, listener: SocketListener, { maxBytes }: SocketRequest) {
    this.#socket = socket
    this.#listener = listener
    this.#maxBytes = maxBytes
    socket.addEventListener("message", ({ data }) => this.#onMessage(data))
  }

  readonly close = (): void => {
    this.#isClosed = true
    this.#socket.close()
  }

  onEnd(error: SocketError): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listener.onClose(error)
  }

  #onMessage(data: unknown): void {
    this.#received += 1
    if (this.#isClosed || typeof data !== "string") return
    if (utf8Bytes(data, this.#maxBytes)) return this.#listener.onMessage(data)
    this.onEnd(new SocketError({ reason: "TooLarge", code: "" }))
    this.#socket.close()
  }

  get socket(): Socket {
    return {
      close: this.close,
      received: () => this.#received,
      send: (text) => {
        if (!this.#isClosed) this.#socket.send(text)
      }
    }
  }
}

const unreachable = (code: string) => new SocketError({ reason: "Unreachable", code })

export const openSocket: NonNullable<Transport.Service["openSocket"]> = (request, listener) =>
  Effect.async((resume) => {
    const WebSocket = constructorOf()
    if (WebSocket === undefined) return resume(unreachable("this runtime has no WebSocket"))
    let socket: GlobalSocket
    try {
      socket = create(WebSocket, request)
    } catch {
      return resume(unreachable("this runtime refuses the address of the WebSocket"))
    }
    const opening = new Opening(socket, listener, request)
    let isOpen = false
    socket.addEventListener("open", () => {
      isOpen = true
      resume(Effect.succeed(opening.socket))
    })
    const onEnd = (code: string) => {
      if (isOpen) opening.onEnd(new SocketError({ reason: "Closed", code }))
      else resume(unreachable(code))
    }
    socket.addEventListener("error", () => onEnd(""))
    socket.addEventListener("close", ({ code }) => onEnd(code === undefined ? "" : String(code)))
    return Effect.sync(opening.close)
  })
