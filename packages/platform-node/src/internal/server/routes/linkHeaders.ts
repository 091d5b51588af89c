/**
 * The headers that pass a link. The server inside sees itself under the name by which programs of the session reach it, in
 * Host, Origin and Referer alike; what it says about its own address leads the client back to the link.
 */
import type { IncomingMessage } from "node:http"
import { cookiesInwards, setCookieOutwards } from "./linkCookies.js"

export interface LinkAddress {
  /** The path without the token, as it is asked for inside. */
  readonly path: string
  /** Port inside the session. */
  readonly port: number
  readonly token: string
  /** Whether the client has given the token in the path: then it must be in the paths that it is sent to. */
  readonly hasTokenInPath: boolean
  /** What the names of the session's cookies begin with outside; empty where the client keeps cookies for the link alone. */
  readonly cookiePrefix: string
}

type Pairs = ReadonlyArray<readonly [name: string, value: string]>

const pairsOf = (raw: ReadonlyArray<string>): Pairs =>
  raw.flatMap((name, index) => index % 2 === 0 ? [[name, raw[index + 1] ?? ""] as const] : [])

/** Hop-by-hop headers (RFC 9110, 7.6.1). */
export const isHopByHop = (name: string): boolean =>
  /^(connection|keep-alive|proxy-\w+|te|trailer|transfer-encoding|upgrade)$/i.test(name)

const parsed = (url: string, base?: string): URL | undefined => URL.canParse(url, base) ? new URL(url, base) : undefined

const insideReferer = (value: string, ownOrigin: string, { port, token }: LinkAddress): string => {
  const url = parsed(value)
  if (url?.origin !== ownOrigin) return value
  const path = url.pathname.startsWith(`/${token}/`) ? url.pathname.slice(token.length + 1) : url.pathname
  return `http://localhost:${port}${path}${url.search}`
}

/** The headers of a request for the server inside. An Origin other than the link's own stays what it is. */
export const requestHeaders = (
  { headers: { host = "" }, rawHeaders }: IncomingMessage,
  address: LinkAddress
): Pairs => {
  const ownOrigin = `http://${host}`.toLowerCase()
  return pairsOf(rawHeaders).flatMap(([name, value]): Pairs => {
    switch (name.toLowerCase()) {
      case "host":
        return [[name, `localhost:${address.port}`]]
      case "origin":
        return [[name, value.toLowerCase() === ownOrigin ? `http://localhost:${address.port}` : value]]
      case "referer":
        return [[name, insideReferer(value, ownOrigin, address)]]
      case "cookie": {
        const cookies = cookiesInwards(value, address.cookiePrefix)
        return cookies === undefined ? [] : [[name, cookies]]
      }
      default:
        return [[name, value]]
    }
  })
}

const insideNames = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"]

/** Header bytes as text: Node reads them as Latin-1, programs write UTF-8. */
const decodedHeader = (value: string): string => Buffer.from(value, "latin1").toString("utf8")

/** A reference to the server inside, as a path of the link; other references stay as they are. */
const outsideReference = (value: string, host: string, { hasTokenInPath, path, port, token }: LinkAddress): string => {
  const url = parsed(decodedHeader(value), `http://localhost:${port}${path}`)
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:"
  if (url === undefined || !isHttp) return value
  const innerPort = Number(url.port || (url.protocol === "http:" ? 80 : 443))
  const isInside = innerPort === port && insideNames.includes(url.hostname)
  if (!isInside && url.host !== host.toLowerCase()) return value
  const needsToken = hasTokenInPath && !url.pathname.startsWith(`/${token}/`)
  const result = `${needsToken ? `/${token}` : ""}${url.pathname}${url.search}${url.hash}`
  // Two leading slashes would name another host.
  return result.startsWith("//") ? `/.${result}` : result
}

const refresh = /^(\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?)(["']?)(.+?)(\2\s*)$/i

const outsideRefresh = (value: string, host: string, address: LinkAddress): string =>
  value.replace(
    refresh,
    (_, before: string, quote: string, target: string, after: string) =>
      before + quote + outsideReference(target, host, address) + after
  )

/** The headers of a reply for the client. Cookies and caches of the whole host are not the session's to clear. */
export const replyHeaders = (
  { rawHeaders }: Pick<IncomingMessage, "rawHeaders">,
  { headers: { host = "" } }: Pick<IncomingMessage, "headers">,
  address: LinkAddress
): Pairs =>
  pairsOf(rawHeaders).flatMap(([name, value]): Pairs => {
    if (isHopByHop(name)) return []
    switch (name.toLowerCase()) {
      case "clear-site-data":
        return []
      case "set-cookie": {
        const cookie = setCookieOutwards(value, address.cookiePrefix)
        return cookie === undefined ? [] : [[name, cookie]]
      }
      case "location":
      case "content-location":
        return [[name, outsideReference(value, host, address)]]
      case "refresh":
        return [[name, outsideRefresh(value, host, address)]]
      default:
        return [[name, value]]
    }
  })
