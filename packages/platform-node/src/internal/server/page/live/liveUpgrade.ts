/** Opens the WebSockets by which pages are told what happens. */
import * as Effect from "effect/Effect"
import type { WebSocket, WebSocketServer } from "ws"
import type { UpgradeRequest } from "../../http/httpServer.js"
import { close, closeCodes, startHeartbeat } from "../../http/webSockets.js"

/** Completes the handshake; interrupted where the client leaves before. Paused until there is somebody who listens. */
export const open = (
  server: WebSocketServer,
  { head, request, socket }: UpgradeRequest,
  heartbeatMs: number
): Effect.Effect<WebSocket> =>
  Effect.async<WebSocket>((resume) => {
    socket.once("close", () => resume(Effect.interrupt))
    server.handleUpgrade(request, socket, head, (opened) => {
      opened.pause()
      opened.on("error", () => {})
      startHeartbeat(opened, request, heartbeatMs)
      resume(Effect.succeed(opened))
    })
  })

/** A page has nothing to say on it. */
export const onlySends = (socket: WebSocket): void => {
  socket.on("message", () => close(socket, closeCodes.unsupported, "nothing is read here"))
  socket.resume()
}
