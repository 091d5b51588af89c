/** One request and its reply, and what answers it. */
import type { ApiError, HttpReply } from "@effect-agb/core/AgbServer"
import type * as Effect from "effect/Effect"
import * as Http from "node:http"
import type { Duplex } from "node:stream"
import type { RequestFacts } from "./requestContext.js"

export interface Exchange {
  readonly request: Http.IncomingMessage
  readonly response: Http.ServerResponse
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly facts: RequestFacts
  /** To be called when the client has shown a key, a token or a signature. */
  readonly admit: () => void
}

/**
 * What answers some of the requests. The server has looked at Host and Origin before; whether the client may do what it
 * asks for is the business of the route.
 */
export interface Route {
  readonly matches: (method: string, path: string) => boolean
  /** What the log calls it: never a path, which may hold secrets. */
  readonly name: (method: string, path: string) => string
  /** A reply in JSON, or nothing when the route has written its own. Interrupted, it writes nothing more. */
  readonly handle: (exchange: Exchange) => Effect.Effect<HttpReply | void, ApiError>
  /** Whether the work of a request ends when its client is gone. */
  readonly endsWithClient: (path: string) => boolean
}

/** Where a request wants to go. */
export interface Target {
  readonly path: string
  readonly query: URLSearchParams
  /** Host and port, when the request names them in its first line. */
  readonly authority: string | undefined
}

const absolute = /^https?:\/\/([^/?#]*)(.*)$/is

/** Not `URL`: it throws on targets that any client can send. Of an endpoint that ends with a slash, clients make two. */
export const targetOf = (url = "/"): Target => {
  const [, authority, rest = url] = absolute.exec(url) ?? []
  const mark = rest.indexOf("?")
  const path = mark === -1 ? rest : rest.slice(0, mark)
  return {
    path: path.replace(/^\/*/, "/"),
    query: new URLSearchParams(mark === -1 ? "" : rest.slice(mark + 1)),
    authority
  }
}

const timing = (total: number, { sandboxMillis }: RequestFacts): string =>
  `total;dur=${total.toFixed(2)}, sandbox;dur=${sandboxMillis.toFixed(2)}`

/** Sends a reply, unless the client is gone or has one already. */
export const send = ({ facts, response }: Exchange, { body, requestId, status }: HttpReply, millis: number): void => {
  if (response.destroyed || response.headersSent) return
  facts.requestId = requestId
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-request-id": requestId,
    "server-timing": timing(millis, facts)
  })
  response.end(body)
}

/** The same where there is no response to write to: the request was not understood, or wanted another protocol. */
export const sendRaw = (socket: Duplex, { body, requestId, status }: HttpReply): void => {
  if (!socket.writable) return
  socket.end(
    `HTTP/1.1 ${status} ${Http.STATUS_CODES[status] ?? "Error"}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\nconnection: close\r\n\r\n${body}`
  )
  const cut = setTimeout(() => socket.destroy(), 1000)
  socket.once("close", () => clearTimeout(cut))
  socket.resume()
}
