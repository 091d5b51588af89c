/** One request and its reply, and the routes that handle it. */
import type { ApiError, HttpReply } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Http from "node:http"
import type { Duplex } from "node:stream"
import type { EncodedText, RequestContext } from "./requestContext.js"

export interface Exchange {
  readonly request: Http.IncomingMessage
  readonly response: Http.ServerResponse
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly context: RequestContext
  /** To be called once the client has presented a valid key, token or signature. */
  readonly authenticated: () => void
}

/** Handles some of the requests. Host and Origin have been checked before; authorization is up to the route. */
export interface Route {
  readonly matches: (method: string, path: string) => boolean
  /** Its name in the log: never a path, which may hold secrets. */
  readonly name: (method: string, path: string) => string
  /** Returns a JSON reply, or nothing if it has written its own. Must write nothing after an interruption. */
  readonly handle: (exchange: Exchange) => Effect.Effect<HttpReply | void, ApiError>
  /** Whether handling is interrupted when the client disconnects. */
  readonly endsOnDisconnect: (path: string) => boolean
}

/** The parsed request target. */
export interface RequestTarget {
  readonly path: string
  readonly query: URLSearchParams
  /** Host and port of a target in absolute form. */
  readonly authority: string | undefined
}

const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/is

/**
 * Unlike `URL` this accepts any target that a client can send. Leading slashes are merged, since clients add one to an
 * endpoint that already ends with one.
 */
export const parseTarget = (url = "/"): RequestTarget => {
  const [, authority, rest = url] = absoluteForm.exec(url) ?? []
  const mark = rest.indexOf("?")
  const path = mark === -1 ? rest : rest.slice(0, mark)
  return {
    path: path.replace(/^\/*/, "/"),
    query: new URLSearchParams(mark === -1 ? "" : rest.slice(mark + 1)),
    authority
  }
}

const serverTiming = (total: number, { sandboxMillis }: RequestContext): string =>
  `total;dur=${total.toFixed(2)}, sandbox;dur=${sandboxMillis.toFixed(2)}`

/** The parts of a body, in which an encoded text takes the place of what stands for it. */
const partsOf = (body: string, encoded: EncodedText | undefined): ReadonlyArray<string | Uint8Array> => {
  const quoted = `"${encoded?.placeholder}"`
  const at = encoded === undefined ? -1 : body.indexOf(quoted)
  return encoded === undefined || at === -1
    ? [body]
    : [body.slice(0, at), encoded.json, body.slice(at + quoted.length)]
}

/** Sends a reply, unless one has been sent or the client has disconnected. */
export const send = ({ context, response }: Exchange, { body, requestId, status }: HttpReply, millis: number): void => {
  if (response.destroyed || response.headersSent) return
  context.requestId = requestId
  const parts = partsOf(body, context.encodedText)
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0),
    "x-request-id": requestId,
    "server-timing": serverTiming(millis, context)
  })
  for (const part of parts.slice(0, -1)) response.write(part)
  response.end(parts.at(-1))
}

/** Waits until the reply is written or its connection is closed; returns whether it was written. */
export const isReplyWritten = ({ response }: Exchange): Effect.Effect<boolean> =>
  Effect.async((resume) => {
    const settle = () => resume(Effect.succeed(response.writableFinished))
    if (response.destroyed || response.writableFinished) return settle()
    response.once("finish", settle).once("close", settle)
  })

const lingerMs = 1000

/** Sends a reply where there is no response object: to a malformed request, or instead of an upgrade. */
export const sendRaw = (socket: Duplex, { body, requestId, status }: HttpReply): void => {
  if (!socket.writable) return
  socket.end(
    `HTTP/1.1 ${status} ${Http.STATUS_CODES[status] ?? "Error"}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\nconnection: close\r\n\r\n${body}`
  )
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once("close", () => clearTimeout(timer))
  socket.resume()
}
