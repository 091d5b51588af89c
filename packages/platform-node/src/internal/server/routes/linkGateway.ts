/**
 * Links to ports inside sessions. Each link is a server of its own on loopback, so that what a session serves is another
 * origin than the API and than every other session. The token that opens it stands first in the path of its URL; a cookie
 * then carries it to the absolute paths of a web page.
 */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { type Duplex, pipeline } from "node:stream"
import { releaseServer } from "../../node/processRef.js"
import { type Hosts, withPort } from "../http/hosts.js"
import { makeCheck } from "../http/originCheck.js"
import { requestHost } from "../http/requestContext.js"
import { ServerRequest } from "../http/serverRequest.js"
import type { LocalSession } from "../sessions/registry.js"

export interface LinkGateway {
  /** The URL under which a port of the session is reached: the same as long as the session lives. */
  readonly open: (session: LocalSession, port: number, protocol: "http" | "ws") => Effect.Effect<string, ApiError>
}

interface Link {
  readonly token: string
  readonly port: number
}

const maxLinks = 16
/** Browsers send the cookies of one port to all ports of a host: each link has its own, and no session sees any. */
const cookiePrefix = "agb-link-"

const tooMany = new ApiError({
  status: 429,
  code: "Throttling.Links",
  message: `a session has at most ${maxLinks} links`
})

const notListening = ({ message }: Error) =>
  new ApiError({ status: 500, code: "Link.Failed", message: `the link could not be opened: ${message}` })

const listen = (server: Http.Server, host: string): Effect.Effect<number, ApiError> =>
  Effect.async((resume) => {
    server.once("error", (error) => resume(Effect.fail(notListening(error))))
    server.listen(0, host, () => resume(Effect.succeed((server.address() as AddressInfo).port)))
  })

const acquire = Effect.acquireRelease(
  Effect.sync(() => {
    const server = Http.createServer({
      IncomingMessage: ServerRequest,
      headersTimeout: 10_000,
      keepAliveTimeout: 5000,
      maxHeaderSize: 16_384
    })
    server.maxConnections = 256
    return server
  }),
  (server) =>
    Effect.sync(() => {
      server.close()
      server.closeAllConnections()
    })
)

/** What is left of the path without the token, and whether the token was there; `undefined` for whoever has none. */
const admit = (
  isToken: (text: string | undefined) => boolean,
  cookieName: string,
  { headers, url = "/" }: Http.IncomingMessage
) => {
  const [, first, rest = "/"] = /^\/([^/?#]*)(.*)$/s.exec(url) ?? []
  if (isToken(first)) return { path: rest.startsWith("/") ? rest : `/${rest}`, byPath: true }
  // Another page of this host may have planted a cookie of that name beside ours.
  const isShown = cookiesOf(headers.cookie).some(([name, value]) => name === cookieName && isToken(value))
  return isShown ? { path: url, byPath: false } : undefined
}

const cookiesOf = (header = ""): ReadonlyArray<readonly [name: string, value: string]> =>
  header.split(";").map((pair) => {
    const [name = "", value = ""] = pair.trim().split(/=(.*)/s)
    return [name, value] as const
  })

const pairsOf = (raw: ReadonlyArray<string>): ReadonlyArray<readonly [name: string, value: string]> =>
  raw.flatMap((name, index) => index % 2 === 0 ? [[name, raw[index + 1] ?? ""] as const] : [])

/** Headers that are about one connection and no further. */
const betweenNeighbours = /^(connection|keep-alive|proxy-\w+|te|trailer|transfer-encoding|upgrade)$/i

/** The headers as they came, for the server inside: its own host, and none of our cookies. */
const forwarded = (raw: ReadonlyArray<string>, port: number): ReadonlyArray<readonly [string, string]> =>
  pairsOf(raw).flatMap(([name, value]): ReadonlyArray<readonly [string, string]> => {
    if (/^host$/i.test(name)) return [[name, `localhost:${port}`]]
    if (!/^cookie$/i.test(name)) return [[name, value]]
    const others = cookiesOf(value).filter(([cookie]) => !cookie.startsWith(cookiePrefix))
    return others.length === 0 ? [] : [[name, others.map((cookie) => cookie.join("=")).join("; ")]]
  })

/** Another host name (DNS rebinding), or a page that came from somewhere else. */
const isForeign = (hosts: Hosts, port: number) => {
  const isOwn = hosts.check(port)
  const own = /^http:\/\/(.*)$/
  return (request: Http.IncomingMessage): boolean => {
    const { host, origin } = request.headers
    return !isOwn(host, request) || origin !== undefined && !isOwn(own.exec(origin)?.[1], request)
  }
}

const refuse = (response: Http.ServerResponse, status: number, text: string): void => {
  if (response.headersSent) response.destroy()
  else response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`)
}

/** Cookies know no ports: what would change those of other links, or of all that this host serves. */
const isAboutOthers = ([name, value]: readonly [name: string, value: string]): boolean =>
  /^clear-site-data$/i.test(name) || /^set-cookie$/i.test(name) && value.startsWith(cookiePrefix)

/** What a session answers may be anything that a parser lets through, and more than a reply may be made of. */
const replyWith = (response: Http.ServerResponse, answer: Http.IncomingMessage, cookies: ReadonlyArray<string>) => {
  const { rawHeaders, statusCode = 0 } = answer
  if (statusCode < 200) return void answer.destroy(new Error(`the session answered with status ${statusCode}`))
  const headers = pairsOf(rawHeaders).filter((pair) => !betweenNeighbours.test(pair[0]) && !isAboutOthers(pair))
  response.writeHead(statusCode, [...headers.flat(), ...cookies.flatMap((cookie) => ["Set-Cookie", cookie])])
  answer.pipe(response)
}

const proxy = (
  request: Http.IncomingMessage,
  response: Http.ServerResponse,
  connection: Duplex,
  { byPath, cookie, path, port }: { byPath: boolean; cookie: string; path: string; port: number }
): void => {
  const inner = Http.request({ createConnection: () => connection, method: request.method, path, setHost: false })
  for (const [name, value] of forwarded(request.rawHeaders, port)) {
    if (!betweenNeighbours.test(name)) inner.appendHeader(name, value)
  }
  if (request.headers["transfer-encoding"] !== undefined) inner.setHeader("transfer-encoding", "chunked")
  inner.setHeader("connection", "close")
  inner.on("error", (error) => refuse(response, 502, error.message))
  inner.on("upgrade", (_, socket) => {
    socket.destroy()
    refuse(response, 502, "the session answered in another protocol")
  })
  inner.on("response", (answer) => {
    answer.on("error", ({ message }) => refuse(response, 502, message))
    replyWith(response, answer, byPath ? [`${cookie}; Path=/; HttpOnly; SameSite=Strict`] : [])
  })
  response.on("close", () => connection.destroy())
  request.pipe(inner)
}

/** What a client gets to read the end of what it was sent before its connection is cut. */
const lingerMillis = 2000

/** From here on the two talk to each other. When the session has said its last word, all of it is delivered first. */
const join = (
  request: Http.IncomingMessage,
  outer: Duplex,
  head: Buffer,
  inner: Duplex,
  path: string,
  port: number
) => {
  const lines = forwarded(request.rawHeaders, port).map(([name, value]) => `${name}: ${value}`)
  const ended = () => {}
  pipeline(outer, inner, ended)
  pipeline(inner, outer, ended)
  outer.once("finish", () => {
    const cut = setTimeout(() => outer.destroy(), lingerMillis)
    outer.once("close", () => clearTimeout(cut))
  })
  inner.write([`${request.method} ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n"))
  if (head.length > 0) inner.write(head)
}

/** A link that ends with the scope. */
const makeLink = (hosts: Hosts, session: LocalSession, port: number): Effect.Effect<Link, ApiError, Scope.Scope> =>
  Effect.gen(function*() {
    const server = yield* acquire
    yield* releaseServer(server)
    const outside = yield* listen(server, hosts.address)
    const token = Crypto.randomBytes(16).toString("hex")
    const isRefused = isForeign(hosts, outside)
    const isToken = makeCheck(token)
    const cookieName = `${cookiePrefix}${outside}`
    const clock = yield* Effect.clock
    const touch = () => {
      session.usedAt = clock.unsafeCurrentTimeMillis()
    }
    const use = () => {
      touch()
      return session.sandbox.tunnel(port, touch)
    }

    server.on("request", (request, response) => {
      if (isRefused(request)) return refuse(response, 403, "this link is for its own pages only")
      const admitted = admit(isToken, cookieName, request)
      if (admitted === undefined) return refuse(response, 401, "this link needs its token")
      proxy(request, response, use(), { ...admitted, port, cookie: `${cookieName}=${token}` })
    })
    server.on("upgrade", (request, socket, head) => {
      const admitted = isRefused(request) ? undefined : admit(isToken, cookieName, request)
      if (admitted === undefined) return socket.destroy()
      join(request, socket, head, use(), admitted.path, port)
    })
    return { token, port: outside }
  })

export const make = (hosts: Hosts): LinkGateway => {
  const links = new WeakMap<LocalSession, Map<number, Link>>()
  const oneAtATime = Effect.unsafeMakeSemaphore(1).withPermits(1)

  const linkOf = (session: LocalSession, port: number): Effect.Effect<Link, ApiError> =>
    Effect.suspend(() => {
      const known = links.get(session) ?? new Map<number, Link>()
      links.set(session, known)
      const found = known.get(port)
      if (found !== undefined) return Effect.succeed(found)
      if (known.size >= maxLinks) return Effect.fail(tooMany)
      return Effect.tap(Scope.extend(makeLink(hosts, session, port), session.scope), (link) =>
        Effect.sync(() => {
          known.set(port, link)
        }))
    })

  return {
    open: (session, port, protocol) =>
      Effect.zipWith(oneAtATime(linkOf(session, port)), requestHost, ({ port, token }, name) => {
        const origin = hosts.origin(port, name === undefined ? undefined : withPort(name, port))
        return `${origin.replace("http:", `${protocol}:`)}/${token}/`
      })
  }
}
