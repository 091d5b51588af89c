/** The reverse proxy of a link: relays requests and upgraded connections to a port inside a session. */
import * as Http from "node:http"
import { type Duplex, pipeline } from "node:stream"
import { cookiesOf, linkCookiePrefix } from "./linkCookies.js"

export interface ProxiedRequest {
  readonly path: string
  /** Port inside the session. */
  readonly port: number
  /** A `Set-Cookie` header to add to the reply, if any. */
  readonly setCookie: string | undefined
}

const pairsOf = (raw: ReadonlyArray<string>): ReadonlyArray<readonly [name: string, value: string]> =>
  raw.flatMap((name, index) => index % 2 === 0 ? [[name, raw[index + 1] ?? ""] as const] : [])

/** Hop-by-hop headers (RFC 9110, 7.6.1). */
const hopByHop = /^(connection|keep-alive|proxy-\w+|te|trailer|transfer-encoding|upgrade)$/i

/** The request headers for the server inside: with its own Host, and without cookies of links. */
const forwardedHeaders = (raw: ReadonlyArray<string>, port: number): ReadonlyArray<readonly [string, string]> =>
  pairsOf(raw).flatMap(([name, value]): ReadonlyArray<readonly [string, string]> => {
    if (/^host$/i.test(name)) return [[name, `localhost:${port}`]]
    if (!/^cookie$/i.test(name)) return [[name, value]]
    const others = cookiesOf(value).filter(([cookie]) => !cookie.startsWith(linkCookiePrefix))
    return others.length === 0 ? [] : [[name, others.map((cookie) => cookie.join("=")).join("; ")]]
  })

export const sendText = (response: Http.ServerResponse, status: number, text: string): void => {
  if (response.headersSent) response.destroy()
  else response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`)
}

/** Cookies are not separated by port, so a session must not set those of links or clear those of the whole host. */
const affectsOtherLinks = ([name, value]: readonly [name: string, value: string]): boolean =>
  /^clear-site-data$/i.test(name) || /^set-cookie$/i.test(name) && value.startsWith(linkCookiePrefix)

/** The session's reply is untrusted: Node's parser accepts more than may be written as a reply. */
const writeReply = (
  response: Http.ServerResponse,
  reply: Http.IncomingMessage,
  setCookie: string | undefined
) => {
  const { rawHeaders, statusCode = 0 } = reply
  if (statusCode < 200) return void reply.destroy(new Error(`the session answered with status ${statusCode}`))
  const headers = pairsOf(rawHeaders).filter((pair) => !hopByHop.test(pair[0]) && !affectsOtherLinks(pair))
  const cookie = setCookie === undefined ? [] : ["Set-Cookie", setCookie]
  response.writeHead(statusCode, [...headers.flat(), ...cookie])
  reply.pipe(response)
}

/** Sends the request over `connection`, and its reply back. */
export const proxyRequest = (
  request: Http.IncomingMessage,
  response: Http.ServerResponse,
  connection: Duplex,
  { path, port, setCookie }: ProxiedRequest
): void => {
  const inner = Http.request({ createConnection: () => connection, method: request.method, path, setHost: false })
  for (const [name, value] of forwardedHeaders(request.rawHeaders, port)) {
    if (!hopByHop.test(name)) inner.appendHeader(name, value)
  }
  if (request.headers["transfer-encoding"] !== undefined) inner.setHeader("transfer-encoding", "chunked")
  inner.setHeader("connection", "close")
  inner.on("error", (error) => sendText(response, 502, error.message))
  inner.on("upgrade", (_, socket) => {
    socket.destroy()
    sendText(response, 502, "the session answered in another protocol")
  })
  inner.on("response", (reply) => {
    reply.on("error", ({ message }) => sendText(response, 502, message))
    writeReply(response, reply, setCookie)
  })
  response.on("close", () => connection.destroy())
  request.pipe(inner)
}

/** How long a client may take to read the last bytes of a session before its connection is closed. */
const lingerMs = 2000

/** Relays an upgraded connection in both directions. Bytes sent before a side closes are still delivered. */
export const proxyUpgrade = (
  request: Http.IncomingMessage,
  outer: Duplex,
  head: Buffer,
  inner: Duplex,
  { path, port }: Pick<ProxiedRequest, "path" | "port">
) => {
  const lines = forwardedHeaders(request.rawHeaders, port).map(([name, value]) => `${name}: ${value}`)
  const ignoreErrors = () => {}
  pipeline(outer, inner, ignoreErrors)
  pipeline(inner, outer, ignoreErrors)
  outer.once("finish", () => {
    const timer = setTimeout(() => outer.destroy(), lingerMs)
    outer.once("close", () => clearTimeout(timer))
  })
  inner.write([`${request.method} ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n"))
  if (head.length > 0) inner.write(head)
}
