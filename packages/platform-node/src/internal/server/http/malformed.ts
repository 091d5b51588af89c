/** What is no request that a route could answer: HTTP that cannot be parsed, and clients that take the server for a proxy. */
import { type ApiError, errorReply } from "@effect-agb/core/AgbServer"
import type * as Http from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import type { Connections } from "./connections.js"
import { sendRaw } from "./exchange.js"
import { refusal } from "./originCheck.js"

/** What was wrong with a request that could not be parsed. */
const malformed = (code: string | undefined): ApiError => {
  if (code === "HPE_HEADER_OVERFLOW") return refusal(431, "RequestTooLarge", "the headers are too large")
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return refusal(408, "RequestTimeout", "the request was not there in time")
  return refusal(400, "MalformedRequest", "this is no HTTP that the server understands")
}

/** A reply may be written only if no other is due before it, and none has begun. */
const isInTurn = ([first, second]: ReadonlyArray<Http.ServerResponse>): boolean =>
  first === undefined || second === undefined && !first.req.complete && !first.headersSent

/** Answers in an envelope where Node would have hung up; `log` hears the status. */
export const answerMalformed = (server: Http.Server, connections: Connections, log: (status: number) => void): void => {
  const answer = (socket: Duplex, refused: ApiError) => {
    sendRaw(socket, errorReply("", refused))
    log(refused.status)
  }
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const isClosed = error.code === "ECONNRESET" || !isInTurn(connections.openOn(socket as Socket))
    if (isClosed) socket.destroy()
    else if (socket.writable) answer(socket, malformed(error.code))
  })
  server.on("connect", (_request, socket) => {
    answer(socket, refusal(405, "MethodNotAllowed", "this server is no proxy"))
  })
}
