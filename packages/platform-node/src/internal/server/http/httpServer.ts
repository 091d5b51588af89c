/**
 * The HTTP server: `node:http` with one fiber per request, on loopback unless configured otherwise. Unauthenticated,
 * cross-origin, oversized and slow requests are rejected by this folder.
 */
import { type ApiError, errorReply, type HttpReply } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type * as LogLevel from "effect/LogLevel"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import type { Duplex } from "node:stream"
import { unrefServer } from "../../node/processRef.js"
import { type Connections, trackConnections } from "./connections.js"
import { type Exchange, parseTarget, type RequestTarget, type Route, send, sendRaw } from "./exchange.js"
import type { Hosts } from "./hosts.js"
import { listen } from "./listen.js"
import { LocalServerError } from "./localServerError.js"
import { answerMalformed } from "./malformed.js"
import { apiError, makeOriginCheck } from "./originCheck.js"
import { hasBody } from "./requestBody.js"
import { type RequestContext, withRequestContext } from "./requestContext.js"
import { logRequest, methodName, stackFrames } from "./requestLog.js"
import type { ServerLimits } from "./serverLimits.js"
import { ServerRequest } from "./serverRequest.js"
import * as backgroundWork from "./work.js"

/** A request to upgrade the connection to another protocol. */
export interface UpgradeRequest {
  readonly request: Http.IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly target: RequestTarget
  readonly authenticated: () => void
}

/** A part of the server under host names of its own, with checks of its own: the pages, which are for browsers. */
export interface Site {
  /** Whether a `Host` header names the site. */
  readonly isHost: (host: string | undefined, port: number) => boolean
  /** Handles every request to it, of any path, and checks where it comes from. */
  readonly route: Route
  /** Sets the headers that every reply has. */
  readonly prepare: (exchange: Exchange) => void
  /** Answers every upgrade. */
  readonly upgrade: (request: UpgradeRequest) => Effect.Effect<void>
}

export interface HttpServerOptions {
  readonly hosts: Hosts
  readonly port: number
  readonly limits: ServerLimits
  /** Level of the log line of a request. */
  readonly logLevel: LogLevel.LogLevel
  /** The first that matches handles a request. */
  readonly routes: ReadonlyArray<Route>
  /** Handles what no other route matches. */
  readonly fallback: Route
  readonly site: Site
  /** Takes over an upgraded connection. Must leave the socket alone where it fails. */
  readonly upgrade: (request: UpgradeRequest, work: backgroundWork.BackgroundWork) => Effect.Effect<void, ApiError>
  /** Called when the server begins to stop, before it waits for requests in flight. */
  readonly onStopping: Effect.Effect<void>
  /** Closes upgraded connections when the server stops. */
  readonly onStop: Effect.Effect<void>
}

const serverStopping = apiError(503, "ServerStopping", "the server is about to end")

const internalError = apiError(500, "InternalError", "the server failed")

const tooManyRequests = apiError(429, "Throttling.Requests", "this connection waits for too many replies already")

const unknownExpectation = apiError(417, "ExpectationFailed", "the only expectation that is understood is 100-continue")

/** How long a client may go on sending a body whose reply has been sent. */
const lingerMs = 2000

/** Time for clients to close their connections when the server stops. */
const closeGraceMs = 200

const makeServer = ({ headerBytes, headers, idle }: ServerLimits): Http.Server =>
  Http.createServer({
    IncomingMessage: ServerRequest,
    headersTimeout: headers,
    requestTimeout: Math.max(headers, 300_000),
    connectionsCheckingInterval: Math.ceil(headers / 4),
    keepAliveTimeout: idle,
    maxHeaderSize: headerBytes,
    // The origin check rejects requests without one, in an envelope.
    requireHostHeader: false,
    keepAlive: true
  })

/** Logs a defect by its stack frames, and turns it into a 500 reply. */
const catchDefects = <A>(handled: Effect.Effect<A, ApiError>): Effect.Effect<A, ApiError> =>
  Effect.catchAllDefect(
    handled,
    (defect) => Effect.zipRight(Effect.logError(`A request met a defect: ${stackFrames(defect)}`), internalError)
  )

/** Discards the rest of a request body after its reply has been sent, for a limited time. */
const discardBody = ({ request }: Exchange): void => {
  if (request.complete || request.destroyed || !hasBody(request)) return
  request.resume()
  const timer = setTimeout(() => request.socket.destroy(), lingerMs)
  request.once("close", () => clearTimeout(timer))
}

interface Running {
  readonly options: HttpServerOptions
  readonly port: number
  readonly work: backgroundWork.BackgroundWork
  readonly connections: Connections
  readonly originCheck: ReturnType<typeof makeOriginCheck>
}

const answer = (exchange: Exchange, handled: Effect.Effect<HttpReply | void, ApiError>, since: number) => {
  const reply = (reply: HttpReply | void) => {
    if (reply !== undefined) send(exchange, reply, performance.now() - since)
    discardBody(exchange)
  }
  return catchDefects(handled).pipe(
    Effect.catchTag("ApiError", (error) => Effect.succeed(errorReply(exchange.path, error))),
    Effect.map(reply),
    Effect.onInterrupt(() => Effect.sync(() => reply(errorReply(exchange.path, serverStopping)))),
    withRequestContext(exchange.context)
  )
}

/** Handles requests; with `rejection` it rejects all that pass the origin check. */
const handleRequests = (
  { connections, options: { fallback, logLevel, routes, site }, originCheck, port, work }: Running,
  rejection?: ApiError
) =>
(request: Http.IncomingMessage, response: Http.ServerResponse): void => {
  const since = performance.now()
  const { method = "", socket } = request
  const target = parseTarget(request.url)
  const { path, query } = target
  const context: RequestContext = { sandboxMillis: 0, host: request.headers.host }
  const authenticated = () => connections.authenticated(socket)
  const exchange: Exchange = { request, response, method, path, query, context, authenticated }
  const isOfSite = site.isHost(request.headers.host, port)
  const route = isOfSite ? site.route : routes.find((route) => route.matches(method, path)) ?? fallback
  if (isOfSite) site.prepare(exchange)
  const overload = work.isStopping() ? serverStopping : connections.isFull(socket) ? tooManyRequests : undefined
  const error = (isOfSite ? undefined : originCheck(request, target)) ?? rejection ?? overload
  const handled = Effect.suspend(() => error ?? route.handle(exchange))
  const log = logRequest(logLevel, () => ({
    method: methodName(method),
    route: route.name(method, path),
    status: response.headersSent ? response.statusCode : "gone",
    context,
    millis: performance.now() - since
  }))
  if (work.isStopping()) response.shouldKeepAlive = false
  const fiber = work.start(Effect.ensuring(answer(exchange, handled, since), log))
  connections.trackRequest(exchange, () => {
    if (route.endsOnDisconnect(path)) fiber.unsafeInterruptAsFork(fiber.id())
  })
}

/** Hands upgraded connections over, or rejects the upgrade. */
const handleUpgrades =
  ({ connections, options: { logLevel, site, upgrade }, originCheck, port, work }: Running) =>
  (request: Http.IncomingMessage, socket: Duplex, head: Buffer): void => {
    const since = performance.now()
    const target = parseTarget(request.url)
    const authenticated = () => connections.authenticated(request.socket)
    const isOfSite = site.isHost(request.headers.host, port)
    const error = (isOfSite ? undefined : originCheck(request, target)) ??
      (work.isStopping() ? serverStopping : undefined)
    const context: RequestContext = { sandboxMillis: 0 }
    const log = (status: number) =>
      logRequest(
        logLevel,
        () => ({ method: "GET", route: "upgrade", status, context, millis: performance.now() - since })
      )
    const reject = (error: ApiError) => {
      sendRaw(socket, errorReply("", error))
      return error.status
    }
    socket.on("error", () => {})
    const handled = Effect.suspend(() =>
      error ?? (isOfSite ? site.upgrade : upgrade)({ request, socket, head, target, authenticated }, work)
    )
    work.start(
      catchDefects(handled).pipe(
        Effect.as(101),
        Effect.catchTag("ApiError", (error) => Effect.sync(() => reject(error))),
        Effect.flatMap(log),
        withRequestContext(context)
      )
    )
  }

/**
 * Serves until the scope ends. Then it accepts nothing new, gives requests in flight the grace period `limits.drain`, and
 * closes every connection.
 */
export const serve = (
  options: HttpServerOptions
): Effect.Effect<{ readonly port: number }, LocalServerError, Scope.Scope> =>
  Effect.gen(function*() {
    const { hosts, limits, logLevel } = options
    const work = yield* backgroundWork.make(limits.drain)
    const server = makeServer(limits)
    const connections = trackConnections(server, limits)
    yield* unrefServer(server)
    const port = yield* Effect.mapError(
      listen(server, hosts.address, options.port),
      ({ code = "unknown" }) => new LocalServerError({ host: hosts.address, port: options.port, code })
    )
    yield* Effect.addFinalizer(() =>
      Effect.sync(connections.close).pipe(
        Effect.zipRight(options.onStopping),
        Effect.zipRight(work.stop),
        Effect.zipRight(options.onStop),
        Effect.zipRight(Effect.promise(() => connections.end(closeGraceMs)))
      )
    )
    const running = { options, port, work, connections, originCheck: makeOriginCheck(hosts, port) }
    server.on("request", handleRequests(running))
    server.on("checkContinue", handleRequests(running))
    server.on("checkExpectation", handleRequests(running, unknownExpectation))
    server.on("upgrade", handleUpgrades(running))
    answerMalformed(server, connections, (status) => {
      const context = { sandboxMillis: 0 }
      work.start(logRequest(logLevel, () => ({ method: "other", route: "malformed", status, context, millis: 0 })))
    })
    return { port }
  })
