/** Replies to what no route can handle: HTTP that cannot be parsed, and clients that use the server as a proxy. */
import { type ApiError, errorReply } from "@effect-agb/core/AgbServer"
import type * as Http from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import type { Connections } from "./connections.js"
import { sendRaw } from "./exchange.js"
import { apiError } from "./originCheck.js"

const parseError = (code: string | undefined): ApiError => {
  if (code === "HPE_HEADER_OVERFLOW") return apiError(431, "RequestTooLarge", "the headers are too large")
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return apiError(408, "RequestTimeout", "the request was not there in time")
  return apiError(400, "MalformedRequest", "this is no HTTP that the server understands")
}

/** Whether a reply may be written now: none is due before it, and none has begun. */
const isNext = ([first, second]: ReadonlyArray<Http.ServerResponse>): boolean =>
  first === undefined || second === undefined && !first.req.complete && !first.headersSent

/** Replies in an envelope where Node would close the connection; `log` gets the status. */
export const answerMalformed = (server: Http.Server, connections: Connections, log: (status: number) => void): void => {
  const answer = (socket: Duplex, error: ApiError) => {
    sendRaw(socket, errorReply("", error))
    log(error.status)
  }
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const mustClose = error.code === "ECONNRESET" || !isNext(connections.pendingReplies(socket as Socket))
    if (mustClose) socket.destroy()
    else if (socket.writable) answer(socket, parseError(error.code))
  })
  server.on("connect", (_request, socket) => {
    answer(socket, apiError(405, "MethodNotAllowed", "this server is no proxy"))
  })
}
