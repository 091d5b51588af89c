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
import type { LinkAddress } from "./linkHeaders.js"
import { proxyRequest, proxyUpgrade, sendRawText, sendText } from "./linkProxy.js"

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

const foreignText = "this link is for its own pages only"
const noTokenText = "this link needs its token"

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

/**
 * A link has a host name of its own besides those of the server, `agb-*.localhost`, which every browser resolves to this
 * machine: under it a browser keeps the cookies of the session apart from those of all other programs of the machine.
 */
const ownNameOf = (token: string, port: number): string =>
  `agb-${Crypto.createHash("sha256").update(token).digest("hex").slice(0, 16)}.localhost:${port}`

/** Whether a request is for another host name (DNS rebinding), or from a page of another origin. */
const makeIsForeign = (hosts: Hosts, port: number, ownName: string) => {
  const check = hosts.check(port)
  const isOwn = (name: string | undefined, request: Http.IncomingMessage) =>
    name?.toLowerCase() === ownName || check(name, request)
  const ownOrigin = /^http:\/\/(.*)$/
  return (request: Http.IncomingMessage): boolean => {
    const { host, origin } = request.headers
    return !isOwn(host, request) || origin !== undefined && !isOwn(ownOrigin.exec(origin)?.[1], request)
  }
}

/** Node's `fetch` sends `sec-fetch-mode` too. Browsers send cookies that programs on other ports of the host have set. */
const isBrowser = ({ headers }: Http.IncomingMessage): boolean =>
  headers["sec-fetch-site"] !== undefined || /^Mozilla\//.test(headers["user-agent"] ?? "")

const loopbackName = /^(localhost|127\.0\.0\.1|\[::1\]):/i

/** Whether a browser asks for a page under a name of this machine, and resolves names that end in `.localhost`. */
const isPageOfBrowser = ({ headers, method }: Http.IncomingMessage): boolean =>
  method === "GET" && headers["sec-fetch-mode"] === "navigate" && loopbackName.test(headers.host ?? "") &&
  /\b(Chrome|Chromium|Firefox)\//.test(headers["user-agent"] ?? "")

/** Opens connections to the port inside, and says that the session is used: by what passes, and while a reply is awaited. */
const makeInside = (session: LocalSession, port: number) =>
  Effect.map(Effect.clock, (clock) => {
    const touch = () => {
      session.usedAt = clock.unsafeCurrentTimeMillis()
    }
    return {
      connect: () => {
        touch()
        return session.sandbox.tunnel(port, touch)
      },
      /** Until the result is called the session is not idle. */
      startWait: () => {
        session.active += 1
        let isWaiting = true
        return () => {
          if (!isWaiting) return
          isWaiting = false
          session.active -= 1
          touch()
        }
      }
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
    const ownName = ownNameOf(token, outerPort)
    const isForeign = makeIsForeign(hosts, outerPort, ownName)
    const authorize = makeAuthorize(token, cookieName)
    const { connect, startWait } = yield* makeInside(session, port)
    const addressOf = (request: Http.IncomingMessage, access: Access): LinkAddress => {
      const sharesCookies = isBrowser(request) && request.headers.host?.toLowerCase() !== ownName
      const cookiePrefix = sharesCookies ? `${linkCookiePrefix}${ownName.slice(0, ownName.indexOf("."))}-` : ""
      return { ...access, port, token, cookiePrefix }
    }

    server.on("request", (request, response) => {
      if (isForeign(request)) return sendText(response, 403, foreignText)
      const access = authorize(request)
      if (access === undefined) return sendText(response, 401, noTokenText)
      if (access.hasTokenInPath && isPageOfBrowser(request)) {
        return void response.writeHead(307, {
          location: `http://${ownName}${request.url}`,
          "cache-control": "no-store"
        })
          .end()
      }
      const endWait = startWait()
      response.on("close", endWait)
      proxyRequest(request, response, connect(), {
        ...addressOf(request, access),
        setCookie: access.hasTokenInPath ? setCookie : undefined,
        onReply: (isStream) => isStream ? endWait() : undefined
      })
    })
    server.on("upgrade", (request, socket, head) => {
      if (isForeign(request)) return sendRawText(socket, 403, foreignText)
      const access = authorize(request)
      if (access === undefined) return sendRawText(socket, 401, noTokenText)
      proxyUpgrade(request, socket, head, connect(), addressOf(request, access))
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
