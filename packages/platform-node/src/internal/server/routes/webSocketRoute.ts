/** The WebSocket route: streamed runs of code, for clients that show the session's token in the handshake. */
import { type ApiError, errorReply, sessionNotFound } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import type * as LogLevel from "effect/LogLevel"
import * as Scope from "effect/Scope"
import { type WebSocket, WebSocketServer } from "ws"
import { sendRaw } from "../http/exchange.js"
import type { HttpServerOptions, UpgradeRequest } from "../http/httpServer.js"
import { refusal } from "../http/originCheck.js"
import { logAnswered } from "../http/requestLog.js"
import type { ServerLimits } from "../http/serverLimits.js"
import type { Work } from "../http/work.js"
import type { LocalSession, Registry } from "../sessions/registry.js"
import { demandToken } from "./linkRoute.js"
import * as socketCalls from "./socketCalls.js"

export interface WebSocketRouteOptions {
  readonly registry: Registry
  readonly limits: ServerLimits
  readonly logLevel: LogLevel.LogLevel
}

const address = /^\/ws\/([\w-]{1,128})$/

const closing = { goingAway: 1001, unsupported: 1003 } as const

/** Compression costs every socket memory and every frame time, and lets a small frame grow: loopback has no use for it. */
const makeWebSocketServer = ({ frameBytes }: ServerLimits): WebSocketServer => {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: frameBytes
  })
  server.on("wsClientError", (_error, socket) => {
    sendRaw(socket, errorReply("", refusal(400, "MalformedRequest", "this is no handshake of a WebSocket")))
  })
  return server
}

/** Ends the conversation; a client that does not answer is cut. */
const close = (socket: WebSocket, code: number, reason: string): void => {
  if (socket.readyState === socket.CLOSED) return
  socket.close(code, reason)
  const cut = setTimeout(() => socket.terminate(), 1000)
  socket.once("close", () => clearTimeout(cut))
}

/** Cuts a client that gives no sign of life from one ping to the next: neither sends nor takes anything. */
const watchPulse = (
  socket: WebSocket,
  { socket: raw }: UpgradeRequest["request"],
  taken: () => number,
  every: number
) => {
  let seen = -1
  const timer = setInterval(() => {
    const now = raw.bytesRead + taken()
    if (now === seen) return socket.terminate()
    seen = now
    socket.ping()
  }, every)
  socket.once("close", () => clearInterval(timer))
}

/** Frames to one client. One that is slow holds back those who wait for it to take them, and is itself not listened to. */
const makeOutbox = (socket: WebSocket, unsentBytes: number) => {
  let taken = 0
  const hasRoom = () => socket.bufferedAmount <= unsentBytes
  const onTaken = () => {
    taken += 1
    if (socket.isPaused && hasRoom()) socket.resume()
  }
  const sendNow = (text: string) => {
    socket.send(text, onTaken)
    if (!hasRoom()) socket.pause()
  }
  const send = (text: string) =>
    Effect.async<void>((resume) => {
      const proceed = () => resume(Effect.void)
      socket.send(text, () => {
        onTaken()
        proceed()
      })
      if (hasRoom()) proceed()
    })
  return { send, sendNow, taken: () => taken }
}

const released = (session: LocalSession): ApiError => sessionNotFound(session.sessionId)

const serveSocket = (
  socket: WebSocket,
  session: LocalSession,
  { request }: UpgradeRequest,
  work: Work,
  { limits, logLevel, registry }: WebSocketRouteOptions
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const scope = yield* Scope.fork(session.scope, ExecutionStrategy.sequential)
    const outbox = makeOutbox(socket, limits.unsentBytes)
    const calls = socketCalls.make({
      registry,
      session,
      limits,
      work,
      ...outbox,
      onEnd: ({ invocationId, millis, status }) =>
        logAnswered(logLevel, () => ({
          method: "WS",
          route: "run_code",
          status,
          millis,
          facts: { requestId: invocationId, sessionId: session.sessionId, tool: "run_code", sandboxMillis: 0 }
        }))
    })
    watchPulse(socket, request, outbox.taken, limits.heartbeat)
    socket.on("message", (data: Buffer, isBinary: boolean) =>
      isBinary ? close(socket, closing.unsupported, "text frames only") : calls.onText(data))
    socket.on("error", () => {})
    socket.once("close", () =>
      work.start(Scope.close(scope, Exit.void)))
    yield* Scope.addFinalizer(
      scope,
      Effect.sync(() => {
        calls.fail(released(session))
        close(socket, closing.goingAway, "the session is gone")
      })
    )
    socket.resume()
  })

/** What takes over connections that ask for a WebSocket, and their goodbye. */
export const make = (
  options: WebSocketRouteOptions
): Pick<HttpServerOptions, "upgrade" | "onEnd"> => {
  const { limits, registry } = options
  const server = makeWebSocketServer(limits)
  const sockets = new Map<LocalSession, Set<WebSocket>>()

  const keep = (session: LocalSession, socket: WebSocket) => {
    const ofSession = sockets.get(session) ?? new Set()
    sockets.set(session, ofSession.add(socket))
    socket.once("close", () => {
      ofSession.delete(socket)
      if (ofSession.size === 0) sockets.delete(session)
    })
  }

  const admit = (upgrade: UpgradeRequest): Effect.Effect<LocalSession, ApiError> =>
    Effect.gen(function*() {
      const { request: { headers, headersDistinct }, target: { path, query } } = upgrade
      const sessionId = address.exec(path)?.[1]
      if (sessionId === undefined || headers.upgrade?.toLowerCase() !== "websocket") {
        return yield* refusal(404, "InvalidAction.NotFound", "there is nothing to upgrade to")
      }
      const session = yield* registry.get(sessionId)
      yield* demandToken(session, headersDistinct["x-access-token"]?.[0] ?? query.get("token") ?? undefined)
      if ((sockets.get(session)?.size ?? 0) >= limits.socketsPerSession) {
        return yield* refusal(429, "Throttling.WebSockets", "this session has too many WebSockets")
      }
      upgrade.admit()
      return session
    })

  const upgrade: HttpServerOptions["upgrade"] = (upgrade, work) =>
    Effect.flatMap(admit(upgrade), (session) => {
      const opened = Effect.async<WebSocket>((resume) => {
        const { head, request, socket } = upgrade
        socket.once("close", () => resume(Effect.interrupt))
        server.handleUpgrade(request, socket, head, (opened) => {
          opened.pause()
          keep(session, opened)
          resume(Effect.succeed(opened))
        })
      })
      return Effect.flatMap(opened, (socket) => serveSocket(socket, session, upgrade, work, options))
    })

  const onEnd = Effect.sync(() => {
    for (const socket of [...sockets.values()].flatMap((ofSession) => [...ofSession])) {
      close(socket, closing.goingAway, "the server is about to end")
    }
  })

  return { upgrade, onEnd }
}
