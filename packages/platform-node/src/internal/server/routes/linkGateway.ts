/**
 * Links to ports inside sessions. Each link is a server of its own, so that what a session serves has another origin than
 * the API and every other session. Its token is the first segment of the URL's path; a cookie then carries it to the
 * absolute paths of a web page.
 */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import * as Http from "node:http"
import { unrefServer } from "../../node/processRef.js"
import { type Hosts, withPort } from "../http/hosts.js"
import { listen } from "../http/listen.js"
import { constantTimeEquals } from "../http/originCheck.js"
import { requestHost } from "../http/requestContext.js"
import { ServerRequest } from "../http/serverRequest.js"
import type { LocalSession } from "../sessions/localSession.js"
import { cookiesOf, linkCookiePrefix } from "./linkCookies.js"
import { proxyRequest, proxyUpgrade, sendText } from "./linkProxy.js"

export interface LinkGateway {
  /** The URL of a port of the session, which stays the same for the life of the session. */
  readonly open: (session: LocalSession, port: number, protocol: "http" | "ws") => Effect.Effect<string, ApiError>
}

interface Link {
  readonly token: string
  readonly port: number
}

const maxLinks = 16

const tooManyLinks = new ApiError({
  status: 429,
  code: "Throttling.Links",
  message: `a session has at most ${maxLinks} links`
})

const linkFailed = ({ message }: Error) =>
  new ApiError({ status: 500, code: "Link.Failed", message: `the link could not be opened: ${message}` })

const makeServer = Effect.acquireRelease(
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

interface Access {
  /** The path without the token. */
  readonly path: string
  readonly hasTokenInPath: boolean
}

/** Checks the token of a request, in its path or its cookie; undefined where it has none. */
const makeAuthorize = (token: string, cookieName: string) => {
  const isToken = constantTimeEquals(token)
  return ({ headers, url = "/" }: Http.IncomingMessage): Access | undefined => {
    const [, first, rest = "/"] = /^\/([^/?#]*)(.*)$/s.exec(url) ?? []
    if (isToken(first)) return { path: rest.startsWith("/") ? rest : `/${rest}`, hasTokenInPath: true }
    // Another page of this host may have planted a cookie of the same name besides ours.
    const hasCookie = cookiesOf(headers.cookie).some(([name, value]) => name === cookieName && isToken(value))
    return hasCookie ? { path: url, hasTokenInPath: false } : undefined
  }
}

/** Whether a request is for another host name (DNS rebinding), or from a page of another origin. */
const makeIsForeign = (hosts: Hosts, port: number) => {
  const isOwn = hosts.check(port)
  const ownOrigin = /^http:\/\/(.*)$/
  return (request: Http.IncomingMessage): boolean => {
    const { host, origin } = request.headers
    return !isOwn(host, request) || origin !== undefined && !isOwn(ownOrigin.exec(origin)?.[1], request)
  }
}

/** Opens connections to the port inside. Whatever passes keeps the session from idling. */
const makeConnect = (session: LocalSession, port: number) =>
  Effect.map(Effect.clock, (clock) => {
    const touch = () => {
      session.usedAt = clock.unsafeCurrentTimeMillis()
    }
    return () => {
      touch()
      return session.sandbox.tunnel(port, touch)
    }
  })

/** A link that ends with the scope. */
const makeLink = (hosts: Hosts, session: LocalSession, port: number): Effect.Effect<Link, ApiError, Scope.Scope> =>
  Effect.gen(function*() {
    const server = yield* makeServer
    yield* unrefServer(server)
    const outerPort = yield* Effect.mapError(listen(server, hosts.address, 0), linkFailed)
    const token = Crypto.randomBytes(16).toString("hex")
    const cookieName = `${linkCookiePrefix}${outerPort}`
    const setCookie = `${cookieName}=${token}; Path=/; HttpOnly; SameSite=Strict`
    const isForeign = makeIsForeign(hosts, outerPort)
    const authorize = makeAuthorize(token, cookieName)
    const connect = yield* makeConnect(session, port)

    server.on("request", (request, response) => {
      if (isForeign(request)) return sendText(response, 403, "this link is for its own pages only")
      const access = authorize(request)
      if (access === undefined) return sendText(response, 401, "this link needs its token")
      const { hasTokenInPath, path } = access
      proxyRequest(request, response, connect(), { path, port, setCookie: hasTokenInPath ? setCookie : undefined })
    })
    server.on("upgrade", (request, socket, head) => {
      const access = isForeign(request) ? undefined : authorize(request)
      if (access === undefined) return socket.destroy()
      proxyUpgrade(request, socket, head, connect(), { path: access.path, port })
    })
    return { token, port: outerPort }
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
      if (known.size >= maxLinks) return Effect.fail(tooManyLinks)
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
