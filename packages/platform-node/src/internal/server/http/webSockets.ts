/** What the WebSockets of the server have in common: how they are opened, watched over, and closed. */
import { errorReply } from "@effect-agb/core/AgbServer"
import type { IncomingMessage } from "node:http"
import { type WebSocket, WebSocketServer } from "ws"
import { sendRaw } from "./exchange.js"
import { apiError } from "./originCheck.js"

export const closeCodes = { normal: 1000, goingAway: 1001, unsupported: 1003, failed: 1011, unavailable: 4404 } as const

/** No compression: on loopback it only costs memory and time, and lets a small frame expand. */
export const makeWebSocketServer = (frameBytes: number): WebSocketServer => {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: frameBytes
  })
  server.on("wsClientError", (_error, socket) => {
    sendRaw(socket, errorReply("", apiError(400, "MalformedRequest", "this is no handshake of a WebSocket")))
  })
  return server
}

const closeTimeoutMs = 1000

/** Starts the closing handshake, and terminates the connection where the client does not complete it. */
export const close = (socket: WebSocket, code: number, reason: string): void => {
  if (socket.readyState === socket.CLOSED) return
  socket.close(code, reason)
  const timer = setTimeout(() => socket.terminate(), closeTimeoutMs)
  socket.once("close", () => clearTimeout(timer))
}

/** Pings the client, and terminates the connection where nothing was received or sent between two pings. */
export const startHeartbeat = (
  socket: WebSocket,
  { socket: raw }: IncomingMessage,
  intervalMs: number,
  framesSent: () => number = () => 0
) => {
  let last = -1
  const timer = setInterval(() => {
    const activity = raw.bytesRead + framesSent()
    if (activity === last) return socket.terminate()
    last = activity
    socket.ping()
  }, intervalMs)
  socket.once("close", () => clearInterval(timer))
}
