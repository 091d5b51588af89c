/**
 * The wire over HTTP on a loopback address: `node:http` with one fiber per request. Who has no token, comes from a
 * browser page or speaks too much or too slowly gets no further than this file and its neighbours.
 */
import { type HttpReply, type Refusal, refuse } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type * as LogLevel from "effect/LogLevel"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import type { AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { releaseServer } from "../liveness.js"
import { type Connections, watch } from "./connections.js"
import { type Exchange, type Route, send, sendRaw, type Target, targetOf } from "./exchange.js"
import { makeGate, refusal } from "./gate.js"
import { hasBody } from "./requestBody.js"
import { collect } from "./requestFacts.js"
import { logAnswered, methodName, placeOf } from "./requestLog.js"
import type { ServerLimits } from "./serverLimits.js"
import * as works from "./work.js"

/**
 * The server could not listen, for example because its port is taken. `code` is the system's.
 */
export class LocalServerError extends Schema.TaggedError<LocalServerError>()("LocalServerError", {
  port: Schema.Number,
  code: Schema.String
}) {
  override get message(): string {
    return `The local runtime cannot listen on 127.0.0.1:${this.port} (${this.code}); choose another port, or 0 for any`
  }
}

/** A request that wants to go on in another protocol on the same connection. */
export interface UpgradeRequest {
  readonly request: Http.IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly target: Target
  readonly admit: () => void
}

export interface HttpServerOptions {
  readonly port: number
  readonly limits: ServerLimits
  /** The level of the lines in the log that say what was answered. */
  readonly logLevel: LogLevel.LogLevel
  /** The first that matches answers; what no route matches does not exist. */
  readonly routes: ReadonlyArray<Route>
  /** Takes the connection over, and may do its own work on it. A refusal leaves the connection alone. */
  readonly upgrade: (request: UpgradeRequest, work: works.Work) => Effect.Effect<void, Refusal>
  /** Says goodbye on the connections that were taken over. */
  readonly onEnd: Effect.Effect<void>
}

const host = "127.0.0.1"

const ending = refusal(503, "ServerStopping", "the server is about to end")

const internal = refusal(500, "InternalError", "the server failed")

const noRoute = refusal(404, "InvalidAction.NotFound", "there is no such endpoint")

const unexpected = refusal(417, "ExpectationFailed", "the only expectation that is understood is 100-continue")

/** What the connection is left to when its client goes on sending after its reply: bytes that nobody reads. */
const lingerMillis = 2000

const goodbyeMillis = 300

const listen = (server: Http.Server, port: number): Effect.Effect<number, LocalServerError> =>
  Effect.async((resume) => {
    server.once(
      "error",
      (error: NodeJS.ErrnoException) =>
        resume(Effect.fail(new LocalServerError({ port, code: error.code ?? "unknown" })))
    )
    server.listen(port, host, () => resume(Effect.succeed((server.address() as AddressInfo).port)))
  })

const makeServer = ({ headerBytes, headers, idle }: ServerLimits): Http.Server =>
  Http.createServer({
    headersTimeout: headers,
    requestTimeout: Math.max(headers, 300_000),
    connectionsCheckingInterval: Math.ceil(headers / 4),
    keepAliveTimeout: idle,
    maxHeaderSize: headerBytes,
    // The gate says what is wrong with a request that has none, in an envelope.
    requireHostHeader: false,
    keepAlive: true
  })

/** What became of a request that could not be parsed. */
const malformed = (code: string | undefined): Refusal => {
  if (code === "HPE_HEADER_OVERFLOW") return refusal(431, "RequestTooLarge", "the headers are too large")
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return refusal(408, "RequestTimeout", "the request was not there in time")
  return refusal(400, "MalformedRequest", "this is no HTTP that the server understands")
}

/** A reply may be written only if no other is due before it, and none has begun. */
const isInTurn = ([first, second]: ReadonlyArray<Http.ServerResponse>): boolean =>
  first === undefined || second === undefined && !first.req.complete && !first.headersSent

const answerMalformed = (server: Http.Server, connections: Connections): void => {
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const isClosed = error.code === "ECONNRESET" || !isInTurn(connections.openOn(socket as Socket))
    if (isClosed) socket.destroy()
    else sendRaw(socket, refuse("", malformed(error.code)))
  })
  server.on("connect", (_request, socket) => {
    sendRaw(socket, refuse("", refusal(405, "MethodNotAllowed", "this server is no proxy")))
  })
}

/** What the handler answers, whatever happens to it. */
const replyOf = (handled: Effect.Effect<HttpReply | void, Refusal>, path: string): Effect.Effect<HttpReply | void> =>
  handled.pipe(
    Effect.catchTag("Refusal", (error) => Effect.succeed(refuse(path, error))),
    Effect.catchAllDefect((defect) =>
      Effect.as(Effect.logError(`A request met a defect: ${placeOf(defect)}`), refuse(path, internal))
    )
  )

/** Bytes that still come for a request that has its reply are read and thrown away, but not for ever. */
const linger = ({ request }: Exchange): void => {
  if (request.complete || request.destroyed || !hasBody(request)) return
  request.resume()
  const cut = setTimeout(() => request.socket.destroy(), lingerMillis)
  request.once("close", () => clearTimeout(cut))
}

const answer = (exchange: Exchange, handled: ReturnType<Route["handle"]>, since: number): Effect.Effect<void> => {
  const reply = (reply: HttpReply | void) => {
    if (reply !== undefined) send(exchange, reply, performance.now() - since)
    linger(exchange)
  }
  return replyOf(handled, exchange.path).pipe(
    Effect.map(reply),
    Effect.onInterrupt(() => Effect.sync(() => reply(refuse(exchange.path, ending)))),
    collect(exchange.facts)
  )
}

const routeOf = (routes: ReadonlyArray<Route>, method: string, path: string): Route => {
  const nowhere: Route = {
    matches: () => true,
    name: () => "unknown",
    handle: () => Effect.fail(noRoute),
    endsWithClient: () => true
  }
  return routes.find((route) => route.matches(method, path)) ?? nowhere
}

/** Ends with the scope: nothing new is taken, what is in flight may finish for a while, and every connection is cut. */
export const serve = (
  options: HttpServerOptions
): Effect.Effect<{ readonly port: number }, LocalServerError, Scope.Scope> =>
  Effect.gen(function*() {
    const { limits, logLevel, routes } = options
    const work = yield* works.make(limits.drain)
    const server = makeServer(limits)
    const connections = watch(server, limits)
    yield* releaseServer(server)
    const port = yield* listen(server, options.port)
    yield* Effect.addFinalizer(() =>
      Effect.sync(connections.close).pipe(
        Effect.zipRight(work.end),
        Effect.zipRight(options.onEnd),
        Effect.zipRight(Effect.promise(() => connections.end(goodbyeMillis)))
      )
    )
    const gate = makeGate(port)

    const onRequest = (refused?: Refusal) => (request: Http.IncomingMessage, response: Http.ServerResponse) => {
      const since = performance.now()
      const { socket } = request
      const target = targetOf(request.url)
      const { path, query } = target
      const method = request.method ?? ""
      const facts = { sandboxMillis: 0 }
      const exchange = { request, response, method, path, query, facts, admit: () => connections.admit(socket) }
      const route = routeOf(routes, method, path)
      const refusal = gate(request, target) ?? refused ?? (work.isEnding() ? ending : undefined)
      const handled = refusal === undefined ? Effect.suspend(() => route.handle(exchange)) : Effect.fail(refusal)
      if (work.isEnding()) response.shouldKeepAlive = false
      const log = logAnswered(logLevel, () => ({
        method: methodName(method),
        route: route.name(method, path),
        status: response.headersSent ? response.statusCode : "gone",
        facts,
        millis: performance.now() - since
      }))
      const fiber = work.start(Effect.ensuring(answer(exchange, handled, since), log))
      connections.opened(exchange, () => {
        if (route.endsWithClient(path)) fiber.unsafeInterruptAsFork(fiber.id())
      })
    }

    const onUpgrade = (request: Http.IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on("error", () => {})
      const since = performance.now()
      const target = targetOf(request.url)
      const upgrade: UpgradeRequest = {
        request,
        socket,
        head,
        target,
        admit: () => connections.admit(request.socket)
      }
      const refused = gate(request, target) ?? (work.isEnding() ? ending : undefined)
      const facts = { sandboxMillis: 0 }
      const taken = refused === undefined ? options.upgrade(upgrade, work) : Effect.fail(refused)
      work.start(taken.pipe(
        Effect.as(101),
        Effect.catchTag("Refusal", (error) =>
          Effect.sync(() => {
            sendRaw(socket, refuse("", error))
            return error.status
          })),
        Effect.flatMap((status) =>
          logAnswered(
            logLevel,
            () => ({ method: "GET", route: "upgrade", status, facts, millis: performance.now() - since })
          )
        ),
        collect(facts)
      ))
    }

    answerMalformed(server, connections)
    server.on("request", onRequest())
    server.on("checkContinue", onRequest())
    server.on("checkExpectation", onRequest(unexpected))
    server.on("upgrade", onUpgrade)
    return { port }
  })
