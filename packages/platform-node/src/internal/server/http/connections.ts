/** The connections of the server: their number, which have authenticated, and the requests pending on each. */
import type { Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Exchange } from "./exchange.js"
import type { ServerLimits } from "./serverLimits.js"

export interface Connections {
  /** Marks a connection whose client has presented a valid secret. */
  readonly authenticated: (socket: Socket) => void
  /** Counts a request as pending until its reply is written; `onDisconnect` is called if the client leaves before that. */
  readonly trackRequest: (exchange: Pick<Exchange, "request" | "response">, onDisconnect: () => void) => void
  /** Whether the connection has as many pending requests as it may. */
  readonly isFull: (socket: Socket) => boolean
  /** The replies pending on a connection, in the order of their requests. */
  readonly pendingReplies: (socket: Socket) => ReadonlyArray<ServerResponse>
  /** Stops accepting connections. */
  readonly close: () => void
  /** Waits until all connections are closed, and destroys those that are still open after `graceMs`. */
  readonly end: (graceMs: number) => Promise<void>
}

type PendingReplies = Map<ServerResponse, () => void>

/**
 * Connections that have not authenticated. Beyond the limit the oldest are closed, each after a grace period: a client that
 * works concurrently opens many connections before it sends a byte.
 */
const makeUnauthenticated = (limits: ServerLimits) => {
  const graceMs = limits.headers / 4
  const since = new Map<Socket, number>()
  let timer: NodeJS.Timeout | undefined

  const closeOldest = () => {
    timer = undefined
    for (const [socket, connected] of since) {
      if (since.size <= limits.unauthenticatedConnections) return
      const remaining = connected + graceMs - performance.now()
      if (remaining > 0) {
        timer = setTimeout(closeOldest, remaining).unref()
        return
      }
      since.delete(socket)
      socket.destroy()
    }
  }

  return {
    add: (socket: Socket) => {
      since.set(socket, performance.now())
      if (since.size > limits.unauthenticatedConnections) timer ??= setTimeout(closeOldest, 0).unref()
    },
    delete: (socket: Socket) => since.delete(socket)
  }
}

/** Tracks the connections of a server, and closes those that stall. */
export const trackConnections = (server: Server, limits: ServerLimits): Connections => {
  const pending = new Map<Socket, PendingReplies>()
  const unauthenticated = makeUnauthenticated(limits)
  const closed = new Promise<void>((resolve) => void server.once("close", resolve))
  server.maxConnections = limits.connections
  server.timeout = limits.stall

  const onClose = (socket: Socket, replies: PendingReplies) => {
    pending.delete(socket)
    unauthenticated.delete(socket)
    for (const onDisconnect of replies.values()) onDisconnect()
  }

  server.on("connection", (socket) => {
    const replies: PendingReplies = new Map()
    pending.set(socket, replies)
    unauthenticated.add(socket)
    socket.once("close", () => onClose(socket, replies))
  })
  // Emitted without traffic for a while: fine while a request is pending, but not while bytes wait to be read.
  server.on("timeout", (socket) => {
    const isPending = (pending.get(socket)?.size ?? 0) > 0
    if (!isPending || socket.writableLength > 0) socket.destroy()
  })

  return {
    authenticated: (socket) => void unauthenticated.delete(socket),
    trackRequest: ({ request, response }, onDisconnect) => {
      const replies = pending.get(request.socket)
      replies?.set(response, onDisconnect)
      response.once("finish", () => replies?.delete(response))
    },
    isFull: (socket) => (pending.get(socket)?.size ?? 0) >= limits.requestsPerConnection,
    pendingReplies: (socket) => [...pending.get(socket)?.keys() ?? []],
    close: () => void server.close(),
    end: async (graceMs) => {
      const timer = setTimeout(() => {
        for (const socket of pending.keys()) socket.destroy()
      }, graceMs)
      server.closeIdleConnections()
      await closed
      clearTimeout(timer)
    }
  }
}
