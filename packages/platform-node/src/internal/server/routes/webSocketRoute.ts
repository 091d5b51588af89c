/** The WebSocket route: streamed runs of code, for clients that send the session's token in the handshake. */
import { type ApiError, sessionNotFound } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import type * as LogLevel from "effect/LogLevel"
import * as Scope from "effect/Scope"
import type { WebSocket } from "ws"
import type { HttpServerOptions, UpgradeRequest } from "../http/httpServer.js"
import { apiError } from "../http/originCheck.js"
import { logRequest } from "../http/requestLog.js"
import type { ServerLimits } from "../http/serverLimits.js"
import { close, closeCodes, makeWebSocketServer, startHeartbeat } from "../http/webSockets.js"
import type { BackgroundWork } from "../http/work.js"
import type { LocalSession } from "../sessions/localSession.js"
import type { SessionRegistry } from "../sessions/registry.js"
import type { ReplyThread } from "../sessions/replyThread.js"
import { requireToken } from "./linkRoute.js"
import { SocketCalls } from "./socketCalls.js"

export interface WebSocketRouteOptions {
  readonly registry: SessionRegistry
  readonly replies: ReplyThread
  readonly limits: ServerLimits
  readonly logLevel: LogLevel.LogLevel
}

const pathPattern = /^\/ws\/([\w-]{1,128})$/

/** Sends frames with backpressure: a slow client holds up its runs, and nothing more is read from it. */
const makeOutbox = (socket: WebSocket, unsentBytes: number) => {
  let sent = 0
  const hasRoom = () => socket.bufferedAmount <= unsentBytes
  const onSent = () => {
    sent += 1
    if (socket.isPaused && hasRoom()) socket.resume()
  }
  const sendNow = (text: string) => {
    socket.send(text, onSent)
    if (!hasRoom()) socket.pause()
  }
  const send = (text: string | Uint8Array) =>
    Effect.async<void>((resume) => {
      const proceed = () => resume(Effect.void)
      socket.send(text, { binary: false }, () => {
        onSent()
        proceed()
      })
      if (hasRoom()) proceed()
    })
  return { send, sendNow, framesSent: () => sent }
}

const serveSocket = (
  socket: WebSocket,
  session: LocalSession,
  { request }: UpgradeRequest,
  work: BackgroundWork,
  { limits, logLevel, registry, replies }: WebSocketRouteOptions
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const scope = yield* Scope.fork(session.scope, ExecutionStrategy.sequential)
    const outbox = makeOutbox(socket, limits.unsentBytes)
    const calls = new SocketCalls({
      registry,
      replies,
      session,
      limits,
      work,
      ...outbox,
      onEnd: ({ invocationId, millis, status }) =>
        logRequest(logLevel, () => ({
          method: "WS",
          route: "run_code",
          status,
          millis,
          context: { requestId: invocationId, sessionId: session.sessionId, tool: "run_code", sandboxMillis: 0 }
        }))
    })
    startHeartbeat(socket, request, limits.heartbeat, outbox.framesSent)
    socket.on("message", (data: Buffer, isBinary: boolean) =>
      isBinary ? close(socket, closeCodes.unsupported, "text frames only") : calls.onMessage(data))
    socket.on("error", () => {})
    socket.once("close", () =>
      work.start(Scope.close(scope, Exit.void)))
    yield* Scope.addFinalizer(
      scope,
      Effect.sync(() => {
        calls.failAll(sessionNotFound(session.sessionId))
        close(socket, closeCodes.goingAway, "the session is gone")
      })
    )
    socket.resume()
  })

/** The upgrade handler of the server, and what closes its WebSockets when the server stops. */
export const make = (
  options: WebSocketRouteOptions
): Pick<HttpServerOptions, "upgrade" | "onStop"> => {
  const { limits, registry } = options
  const server = makeWebSocketServer(limits.frameBytes)
  const sockets = new Map<LocalSession, Set<WebSocket>>()

  const track = (session: LocalSession, socket: WebSocket) => {
    const ofSession = sockets.get(session) ?? new Set()
    sockets.set(session, ofSession.add(socket))
    socket.once("close", () => {
      ofSession.delete(socket)
      if (ofSession.size === 0) sockets.delete(session)
    })
  }

  const authorize = (upgrade: UpgradeRequest): Effect.Effect<LocalSession, ApiError> =>
    Effect.gen(function*() {
      const { request: { headers, headersDistinct }, target: { path, query } } = upgrade
      const sessionId = pathPattern.exec(path)?.[1]
      if (sessionId === undefined || headers.upgrade?.toLowerCase() !== "websocket") {
        return yield* apiError(404, "InvalidAction.NotFound", "there is nothing to upgrade to")
      }
      const session = yield* registry.get(sessionId)
      yield* requireToken(session, headersDistinct["x-access-token"]?.[0] ?? query.get("token") ?? undefined)
      if ((sockets.get(session)?.size ?? 0) >= limits.socketsPerSession) {
        return yield* apiError(429, "Throttling.WebSockets", "this session has too many WebSockets")
      }
      upgrade.authenticated()
      return session
    })

  const upgrade: HttpServerOptions["upgrade"] = (upgrade, work) =>
    Effect.flatMap(authorize(upgrade), (session) => {
      const opened = Effect.async<WebSocket>((resume) => {
        const { head, request, socket } = upgrade
        socket.once("close", () => resume(Effect.interrupt))
        server.handleUpgrade(request, socket, head, (opened) => {
          opened.pause()
          track(session, opened)
          resume(Effect.succeed(opened))
        })
      })
      return Effect.flatMap(opened, (socket) => serveSocket(socket, session, upgrade, work, options))
    })

  const onStop = Effect.sync(() => {
    for (const socket of [...sockets.values()].flatMap((ofSession) => [...ofSession])) {
      close(socket, closeCodes.goingAway, "the server is about to end")
    }
  })

  return { upgrade, onStop }
}
