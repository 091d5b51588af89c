/**
 * The wire over HTTP, on a loopback address unless asked for another: `node:http` with one fiber per request. Who has no token, comes from a
 * browser page or speaks too much or too slowly gets no further than this file and its neighbours.
 */
import { type ApiError, errorReply, type HttpReply } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type * as LogLevel from "effect/LogLevel"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import type { Duplex } from "node:stream"
import { releaseServer } from "../../node/processRef.js"
import { type Connections, watch } from "./connections.js"
import { type Exchange, type Route, send, sendRaw, type Target, targetOf } from "./exchange.js"
import type { Hosts } from "./hosts.js"
import { LocalServerError } from "./localServerError.js"
import { answerMalformed } from "./malformed.js"
import { makeGate, refusal } from "./originCheck.js"
import { hasBody } from "./requestBody.js"
import { collect, type RequestFacts } from "./requestContext.js"
import { logAnswered, methodName, placeOf } from "./requestLog.js"
import type { ServerLimits } from "./serverLimits.js"
import { ServerRequest } from "./serverRequest.js"
import * as works from "./work.js"

/** A request that wants to go on in another protocol on the same connection. */
export interface UpgradeRequest {
  readonly request: Http.IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly target: Target
  readonly admit: () => void
}

export interface HttpServerOptions {
  readonly hosts: Hosts
  readonly port: number
  readonly limits: ServerLimits
  /** The level of the lines in the log that say what was answered. */
  readonly logLevel: LogLevel.LogLevel
  /** The first that matches answers; what no route matches does not exist. */
  readonly routes: ReadonlyArray<Route>
  /** Takes the connection over, and may do its own work on it. A refusal leaves the connection alone. */
  readonly upgrade: (request: UpgradeRequest, work: works.Work) => Effect.Effect<void, ApiError>
  /** Says goodbye on the connections that were taken over. */
  readonly onEnd: Effect.Effect<void>
}

const ending = refusal(503, "ServerStopping", "the server is about to end")

const internal = refusal(500, "InternalError", "the server failed")

const tooMany = refusal(429, "Throttling.Requests", "this connection waits for too many replies already")

const noRoute = refusal(404, "InvalidAction.NotFound", "there is no such endpoint")

const unexpected = refusal(417, "ExpectationFailed", "the only expectation that is understood is 100-continue")

/** What the connection is left to when its client goes on sending after its reply: bytes that nobody reads. */
const lingerMillis = 2000

const goodbyeMillis = 200

const listen = (server: Http.Server, host: string, port: number): Effect.Effect<number, LocalServerError> =>
  Effect.async((resume) => {
    server.once(
      "error",
      (error: NodeJS.ErrnoException) =>
        resume(Effect.fail(new LocalServerError({ host, port, code: error.code ?? "unknown" })))
    )
    server.listen(port, host, () => resume(Effect.succeed((server.address() as AddressInfo).port)))
  })

const makeServer = ({ headerBytes, headers, idle }: ServerLimits): Http.Server =>
  Http.createServer({
    IncomingMessage: ServerRequest,
    headersTimeout: headers,
    requestTimeout: Math.max(headers, 300_000),
    connectionsCheckingInterval: Math.ceil(headers / 4),
    keepAliveTimeout: idle,
    maxHeaderSize: headerBytes,
    // The gate says what is wrong with a request that has none, in an envelope.
    requireHostHeader: false,
    keepAlive: true
  })

/** A defect is logged by its place, and answered like everything that fails. */
const withoutDefects = <A>(handled: Effect.Effect<A, ApiError>): Effect.Effect<A, ApiError> =>
  Effect.catchAllDefect(
    handled,
    (defect) => Effect.zipRight(Effect.logError(`A request met a defect: ${placeOf(defect)}`), internal)
  )

/** Bytes that still come for a request that has its reply are read and thrown away, but not for ever. */
const linger = ({ request }: Exchange): void => {
  if (request.complete || request.destroyed || !hasBody(request)) return
  request.resume()
  const cut = setTimeout(() => request.socket.destroy(), lingerMillis)
  request.once("close", () => clearTimeout(cut))
}

const nowhere: Route = {
  matches: () => true,
  name: () => "unknown",
  handle: () => Effect.fail(noRoute),
  endsWithClient: () => true
}

interface Running {
  readonly options: HttpServerOptions
  readonly work: works.Work
  readonly connections: Connections
  readonly gate: ReturnType<typeof makeGate>
}

const answer = (exchange: Exchange, handled: Effect.Effect<HttpReply | void, ApiError>, since: number) => {
  const reply = (reply: HttpReply | void) => {
    if (reply !== undefined) send(exchange, reply, performance.now() - since)
    linger(exchange)
  }
  return withoutDefects(handled).pipe(
    Effect.catchTag("ApiError", (error) => Effect.succeed(errorReply(exchange.path, error))),
    Effect.map(reply),
    Effect.onInterrupt(() => Effect.sync(() => reply(errorReply(exchange.path, ending)))),
    collect(exchange.facts)
  )
}

/** Answers requests, or refuses them all. */
const answerRequests =
  ({ connections, gate, options: { logLevel, routes }, work }: Running, refused?: ApiError) =>
  (request: Http.IncomingMessage, response: Http.ServerResponse): void => {
    const since = performance.now()
    const { method = "", socket } = request
    const target = targetOf(request.url)
    const { path, query } = target
    const facts: RequestFacts = { sandboxMillis: 0, host: request.headers.host }
    const exchange = { request, response, method, path, query, facts, admit: () => connections.admit(socket) }
    const route = routes.find((route) => route.matches(method, path)) ?? nowhere
    const busy = work.isEnding() ? ending : connections.isFull(socket) ? tooMany : undefined
    const refusal = gate(request, target) ?? refused ?? busy
    const handled = Effect.suspend(() => refusal ?? route.handle(exchange))
    const log = logAnswered(logLevel, () => ({
      method: methodName(method),
      route: route.name(method, path),
      status: response.headersSent ? response.statusCode : "gone",
      facts,
      millis: performance.now() - since
    }))
    if (work.isEnding()) response.shouldKeepAlive = false
    const fiber = work.start(Effect.ensuring(answer(exchange, handled, since), log))
    connections.opened(exchange, () => {
      if (route.endsWithClient(path)) fiber.unsafeInterruptAsFork(fiber.id())
    })
  }

/** Hands connections over to the other protocol, or refuses that. */
const answerUpgrades =
  ({ connections, gate, options: { logLevel, upgrade }, work }: Running) =>
  (request: Http.IncomingMessage, socket: Duplex, head: Buffer): void => {
    const since = performance.now()
    const target = targetOf(request.url)
    const admit = () => connections.admit(request.socket)
    const refusal = gate(request, target) ?? (work.isEnding() ? ending : undefined)
    const facts: RequestFacts = { sandboxMillis: 0 }
    const answered = (status: number) =>
      logAnswered(
        logLevel,
        () => ({ method: "GET", route: "upgrade", status, facts, millis: performance.now() - since })
      )
    const refuseUpgrade = (error: ApiError) => {
      sendRaw(socket, errorReply("", error))
      return error.status
    }
    socket.on("error", () => {})
    const taken = Effect.suspend(() => refusal ?? upgrade({ request, socket, head, target, admit }, work))
    work.start(
      withoutDefects(taken).pipe(
        Effect.as(101),
        Effect.catchTag("ApiError", (error) => Effect.sync(() => refuseUpgrade(error))),
        Effect.flatMap(answered),
        collect(facts)
      )
    )
  }

/** Ends with the scope: nothing new is taken, what is in flight may finish for a while, and every connection is cut. */
export const serve = (
  options: HttpServerOptions
): Effect.Effect<{ readonly port: number }, LocalServerError, Scope.Scope> =>
  Effect.gen(function*() {
    const { limits, logLevel } = options
    const work = yield* works.make(limits.drain)
    const server = makeServer(limits)
    const connections = watch(server, limits)
    yield* releaseServer(server)
    const port = yield* listen(server, options.hosts.address, options.port)
    yield* Effect.addFinalizer(() =>
      Effect.sync(connections.close).pipe(
        Effect.zipRight(work.end),
        Effect.zipRight(options.onEnd),
        Effect.zipRight(Effect.promise(() => connections.end(goodbyeMillis)))
      )
    )
    const running = { options, work, connections, gate: makeGate(options.hosts, port) }
    server.on("request", answerRequests(running))
    server.on("checkContinue", answerRequests(running))
    server.on("checkExpectation", answerRequests(running, unexpected))
    server.on("upgrade", answerUpgrades(running))
    answerMalformed(server, connections, (status) => {
      const facts = { sandboxMillis: 0 }
      work.start(logAnswered(logLevel, () => ({ method: "other", route: "malformed", status, facts, millis: 0 })))
    })
    return { port }
  })
