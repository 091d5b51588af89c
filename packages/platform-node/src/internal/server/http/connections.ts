/** The connections of the server: how many, who of them is a stranger still, and which requests each has open. */
import type { Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Exchange } from "./exchange.js"
import type { ServerLimits } from "./serverLimits.js"

export interface Connections {
  /** The client of this connection has shown that it may be here. */
  readonly admit: (socket: Socket) => void
  /** Counts a request as open until its reply is written; `gone` is called when its client leaves before that. */
  readonly opened: (exchange: Pick<Exchange, "request" | "response">, gone: () => void) => void
  /** Whether this connection waits for as many replies as one may. */
  readonly isFull: (socket: Socket) => boolean
  /** The replies that this connection still waits for, in the order of their requests. */
  readonly openOn: (socket: Socket) => ReadonlyArray<ServerResponse>
  /** Takes no further connection. */
  readonly close: () => void
  /** Waits, so many milliseconds at most, until there are none left, and cuts those that are. */
  readonly end: (patience: number) => Promise<void>
}

type OpenReplies = Map<ServerResponse, () => void>

/**
 * Strangers, of whom a few may stay; beyond that the oldest are cut. Each has a moment to show who it is: a client that
 * does many things at once connects as many times before it says a word.
 */
const makeStrangers = (limits: ServerLimits) => {
  const moment = limits.headers / 4
  const since = new Map<Socket, number>()
  let timer: NodeJS.Timeout | undefined

  const cut = () => {
    timer = undefined
    for (const [socket, connected] of since) {
      if (since.size <= limits.unauthenticatedConnections) return
      const rest = connected + moment - performance.now()
      if (rest > 0) {
        timer = setTimeout(cut, rest).unref()
        return
      }
      since.delete(socket)
      socket.destroy()
    }
  }

  return {
    add: (socket: Socket) => {
      since.set(socket, performance.now())
      if (since.size > limits.unauthenticatedConnections) timer ??= setTimeout(cut, 0).unref()
    },
    delete: (socket: Socket) => since.delete(socket)
  }
}

/** Watches the server. Who takes nothing of what waits for him, or asks for nothing any more, is cut. */
export const watch = (server: Server, limits: ServerLimits): Connections => {
  const open = new Map<Socket, OpenReplies>()
  const strangers = makeStrangers(limits)
  const closed = new Promise<void>((resolve) => void server.once("close", resolve))
  server.maxConnections = limits.connections
  server.timeout = limits.stall

  const leave = (socket: Socket, replies: OpenReplies) => {
    open.delete(socket)
    strangers.delete(socket)
    for (const gone of replies.values()) gone()
  }

  server.on("connection", (socket) => {
    const replies: OpenReplies = new Map()
    open.set(socket, replies)
    strangers.add(socket)
    socket.once("close", () => leave(socket, replies))
  })
  // Without news for a while: a call that takes its time is no reason to cut, bytes that nobody takes are.
  server.on("timeout", (socket) => {
    const isAtWork = (open.get(socket)?.size ?? 0) > 0
    if (!isAtWork || socket.writableLength > 0) socket.destroy()
  })

  return {
    admit: (socket) => void strangers.delete(socket),
    opened: ({ request, response }, gone) => {
      const replies = open.get(request.socket)
      replies?.set(response, gone)
      response.once("finish", () => replies?.delete(response))
    },
    isFull: (socket) => (open.get(socket)?.size ?? 0) >= limits.requestsPerConnection,
    openOn: (socket) => [...open.get(socket)?.keys() ?? []],
    close: () => void server.close(),
    end: async (patience) => {
      const timer = setTimeout(() => {
        for (const socket of open.keys()) socket.destroy()
      }, patience)
      server.closeIdleConnections()
      await closed
      clearTimeout(timer)
    }
  }
}
