/** The reverse proxy of a link: relays requests and upgraded connections to a port inside a session. */
import * as Http from "node:http"
import { type Duplex, pipeline } from "node:stream"
import { hasBody } from "../http/requestBody.js"
import { isHopByHop, type LinkAddress, replyHeaders, requestHeaders } from "./linkHeaders.js"

export interface ProxiedRequest extends LinkAddress {
  /** A `Set-Cookie` header to add to the reply, if any. */
  readonly setCookie: string | undefined
  /** Called when the head of the reply is there: `isStream` for one that may be silent for any time. */
  readonly onReply: (isStream: boolean) => void
}

export const sendText = (response: Http.ServerResponse, status: number, text: string): void => {
  if (response.headersSent) response.destroy()
  else response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`)
}

/** How long a client may take to send the next bytes, or to read the last ones, before its connection is closed. */
const lingerMs = 2000

/** How long it may go on sending what nobody reads. */
const longestLingerMs = 60_000

/** The same where there is no response object. */
export const sendRawText = (socket: Duplex, status: number, text: string): void => {
  if (!socket.writable) return
  const reason = Http.STATUS_CODES[status] ?? "Error"
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(text) + 1}\r\nconnection: close\r\n\r\n${text}\n`
  )
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once("close", () => clearTimeout(timer))
  socket.resume()
}

/**
 * Ends a reply that came before the end of its request. A connection that is closed while bytes arrive is reset, and the
 * client may lose the reply, so the rest of the body is discarded while it comes, for a limited time.
 */
const endEarly = (request: Http.IncomingMessage, response: Http.ServerResponse): void => {
  const close = () => request.socket.destroy()
  const [silence, longest] = [setTimeout(close, lingerMs), setTimeout(close, longestLingerMs)]
  const stop = () => {
    clearTimeout(silence)
    clearTimeout(longest)
  }
  request.unpipe()
  request.on("data", () => silence.refresh())
  request.resume()
  request.once("end", () => {
    stop()
    response.end()
  })
  request.once("close", stop)
  if (response.shouldKeepAlive) response.end()
}

const noBytes = Buffer.alloc(0)

/** The session's reply is untrusted: Node's parser accepts more than may be written as a reply. */
const writeReply = (
  request: Http.IncomingMessage,
  response: Http.ServerResponse,
  reply: Http.IncomingMessage,
  proxied: ProxiedRequest
) => {
  const { headers, statusCode = 0 } = reply
  if (statusCode < 200) return void reply.destroy(new Error(`the session answered with status ${statusCode}`))
  proxied.onReply(/^text\/event-stream\b/i.test(headers["content-type"] ?? ""))
  const cookie = proxied.setCookie === undefined ? [] : ["Set-Cookie", proxied.setCookie]
  response.writeHead(statusCode, [...replyHeaders(reply, request, proxied).flat(), ...cookie])
  // Otherwise the head waits for the first byte of the body, which may be long in coming. `flushHeaders` would send it as UTF-8.
  response.write(noBytes)
  reply.pipe(response, { end: false })
  reply.once("end", () => request.complete || !hasBody(request) ? response.end() : endEarly(request, response))
}

/** Sends the request over `connection`, and its reply back. */
export const proxyRequest = (
  request: Http.IncomingMessage,
  response: Http.ServerResponse,
  connection: Duplex,
  proxied: ProxiedRequest
): void => {
  const { path } = proxied
  const inner = Http.request({ createConnection: () => connection, method: request.method, path, setHost: false })
  for (const [name, value] of requestHeaders(request, proxied)) {
    if (!isHopByHop(name)) inner.appendHeader(name, value)
  }
  if (request.headers["transfer-encoding"] !== undefined) inner.setHeader("transfer-encoding", "chunked")
  inner.setHeader("connection", "close")
  let replied = false
  // Once there is a reply, it tells by itself whether it is whole: the server inside may have stopped reading.
  inner.on("error", (error) => replied ? undefined : sendText(response, 502, error.message))
  inner.on("upgrade", (_, socket) => {
    socket.destroy()
    sendText(response, 502, "the session answered in another protocol")
  })
  inner.on("response", (reply) => {
    replied = true
    reply.on("error", ({ message }) => sendText(response, 502, message))
    writeReply(request, response, reply, proxied)
  })
  response.on("close", () => connection.destroy())
  request.pipe(inner)
}

/** Relays an upgraded connection in both directions. Bytes sent before a side closes are still delivered. */
export const proxyUpgrade = (
  request: Http.IncomingMessage,
  outer: Duplex,
  head: Buffer,
  inner: Duplex,
  address: LinkAddress
) => {
  const lines = requestHeaders(request, address).map(([name, value]) => `${name}: ${value}`)
  const ignoreErrors = () => {}
  outer.on("error", ignoreErrors)
  outer.once("close", () => inner.destroy())
  const refuse = ({ message }: Error) => sendRawText(outer, 502, message)
  inner.once("error", refuse)
  inner.once("connect", () => {
    inner.off("error", refuse)
    pipeline(outer, inner, ignoreErrors)
    pipeline(inner, outer, ignoreErrors)
    outer.once("finish", () => {
      const timer = setTimeout(() => outer.destroy(), lingerMs)
      outer.once("close", () => clearTimeout(timer))
    })
    inner.write([`${request.method} ${address.path} HTTP/1.1`, ...lines, "", ""].join("\r\n"))
    if (head.length > 0) inner.write(head)
  })
}
