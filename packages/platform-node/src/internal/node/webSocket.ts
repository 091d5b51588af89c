/** WebSockets of the transport over `ws`: reading can be paused, and a silent connection is noticed by pings. */
import type { Transport } from "@effect-agb/core/Transport"
import { type Socket, SocketError, type SocketListener, type SocketRequest } from "@effect-agb/core/Transport"
import * as Effect from "effect/Effect"
import type { IncomingMessage } from "node:http"
import type { Socket as NetSocket } from "node:net"
import type * as ws from "ws"
import type { WebSocket } from "ws"

type Constructor = typeof ws.WebSocket

const handshakeTimeoutMs = 30_000

const closeTimeoutMs = 1000

/** The most that is read of the reply to a rejected handshake. */
const maxBodyBytes = 16_384

const codeOf = (error: Error): string => "code" in error && typeof error.code === "string" ? error.code : ""

/** Completes the closing handshake, or ends the connection after a second. */
const end = (socket: WebSocket): void => {
  if (socket.readyState === socket.CLOSED) return
  if (socket.readyState !== socket.OPEN) return socket.terminate()
  // A paused socket would never read the answer.
  socket.resume()
  socket.close(1000)
  const timer = setTimeout(() => socket.terminate(), closeTimeoutMs)
  timer.unref()
  socket.once("close", () => clearTimeout(timer))
}

const readBody = (response: IncomingMessage): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Array<Buffer> = []
    let size = 0
    const done = () => resolve(Buffer.concat(chunks).toString("utf8"))
    response.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBodyBytes) response.destroy()
      else chunks.push(chunk)
    })
    response.on("error", () => {}).on("close", done)
  })

/** The errors of `ws` for messages over `maxPayload`. */
const isTooLarge = (error: Error): boolean => codeOf(error) === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"

const toSocket = (socket: WebSocket, raw: NetSocket): Socket => ({
  send: (text) => {
    if (socket.readyState === socket.OPEN) socket.send(text, () => {})
  },
  close: () => end(socket),
  received: () => raw.bytesRead,
  ping: () => {
    if (socket.readyState === socket.OPEN) socket.ping(undefined, undefined, () => {})
  },
  setPaused: (isPaused) => isPaused ? socket.pause() : socket.resume(),
  setReferenced: (isReferenced) => isReferenced ? raw.ref() : raw.unref()
})

/** The WebSockets of one transport. */
export class Sockets {
  readonly #open = new Set<WebSocket>()
  #isClosed = false

  readonly open: NonNullable<Transport.Service["openSocket"]> = (request, listener) =>
    Effect.flatMap(Effect.promise(() => import("ws")), ({ WebSocket }) => this.#connect(WebSocket, request, listener))

  /** Ends all of them. */
  readonly close = (): void => {
    this.#isClosed = true
    for (const socket of this.#open) socket.terminate()
  }

  #connect(
    WebSocket: Constructor,
    { maxBytes, token, url }: SocketRequest,
    listener: SocketListener
  ): Effect.Effect<Socket, SocketError> {
    return Effect.async((resume) => {
      const unreachable = (code: string) => resume(new SocketError({ reason: "Unreachable", code }))
      if (this.#isClosed) return unreachable("the layer has ended")
      const socket = new WebSocket(url, {
        headers: { "X-Access-Token": token },
        followRedirects: false,
        handshakeTimeout: handshakeTimeoutMs,
        maxPayload: maxBytes,
        perMessageDeflate: false
      })
      let isOpen = false
      let last: SocketError | undefined
      this.#open.add(socket)
      socket.on("upgrade", ({ socket: raw }) => {
        socket.once("open", () => {
          isOpen = true
          resume(Effect.succeed(toSocket(socket, raw)))
        })
      })
      socket.on("unexpected-response", (_, response) => {
        void readBody(response).then((body) => {
          resume(new SocketError({ reason: "Rejected", code: "", status: response.statusCode, body }))
          socket.terminate()
        })
      })
      socket.on("message", (data: Buffer, isBinary: boolean) => {
        if (!isBinary) listener.onMessage(data.toString("utf8"))
      })
      socket.on("error", (error) => {
        last = new SocketError({ reason: isTooLarge(error) ? "TooLarge" : "Closed", code: codeOf(error) })
        if (!isOpen) unreachable(codeOf(error))
      })
      socket.on("close", (code) => {
        this.#open.delete(socket)
        if (isOpen) listener.onClose(last ?? new SocketError({ reason: "Closed", code: String(code) }))
        else unreachable("")
      })
      return Effect.sync(() => socket.terminate())
    })
  }
}
