/** A backend in memory: sessions, files, contexts and scripted runs behind the wire, without sockets and timers of its own. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import { type HttpReply, type HttpRequest, make as makeServer } from "../../../AgbServer.js"
import { cancellable } from "../../client/deadline/cancellation.js"
import {
  type Exchange,
  ExchangeError,
  type Reply,
  type Transfer,
  type TransferReply,
  type Transport
} from "../../client/transport/exchange.js"
import { type Socket, SocketError, type SocketListener, type SocketRequest } from "../../client/transport/socket.js"
import { pointsOf } from "../points.js"
import type { CodeScript, CommandScript } from "./answers.js"
import { type ContextsOptions, MemoryContexts } from "./contexts.js"
import * as fileBytes from "./fileBytes.js"
import * as handlers from "./handlers.js"
import type { LedgerEntry } from "./ledger.js"
import * as machines from "./machine.js"
import { RunSocket } from "./runSocket.js"
import { Scripted } from "./script.js"
import { endpoint, storageOrigin } from "./secrets.js"
import { Sessions, type TestSession } from "./sessions.js"
import type { UnscriptedError } from "./unscripted.js"

export interface BackendOptions {
  readonly code: CodeScript
  readonly command: CommandScript
  readonly files: Readonly<Record<string, string | Uint8Array>>
  readonly contextCopy: ContextsOptions["outcome"]
  readonly deletingFor: Duration.Duration
  readonly isApiOnly: boolean
}

export interface Backend {
  readonly ledger: Effect.Effect<ReadonlyArray<LedgerEntry>>
  readonly sessions: Effect.Effect<ReadonlyArray<TestSession>>
  readonly expire: (sessionId: string) => Effect.Effect<void>
  readonly takeUnscripted: Effect.Effect<ReadonlyArray<UnscriptedError>>
  readonly serve: (request: HttpRequest) => Effect.Effect<HttpReply>
  readonly transport: Required<Omit<Transport.Service, "peer">>
}

const unscriptedAtEnd = (errors: ReadonlyArray<UnscriptedError>): Effect.Effect<void> =>
  errors[0] === undefined ? Effect.void : Effect.die(errors[0])

class MemoryBackend implements Backend {
  readonly #entries: Array<LedgerEntry> = []
  readonly #sessions: Sessions
  readonly #contexts: MemoryContexts
  readonly #machine: machines.MachineOptions
  readonly #work: FiberSet.FiberSet<unknown, unknown>
  readonly #respond: (request: HttpRequest) => Effect.Effect<HttpReply>
  #unscripted: Array<UnscriptedError> = []

  constructor(options: BackendOptions, work: FiberSet.FiberSet<unknown, unknown>) {
    const record = (entry: LedgerEntry) => void this.#entries.push(entry)
    this.#work = work
    this.#contexts = new MemoryContexts({ outcome: options.contextCopy })
    this.#machine = {
      code: new Scripted(options.code, (text) => ({ text })),
      command: new Scripted(options.command, (stdout) => ({ stdout })),
      record,
      onUnscripted: (error) => void this.#unscripted.push(error),
      fork: (effect) => FiberSet.run(work, effect)
    }
    this.#sessions = new Sessions({
      files: options.files,
      deletingMillis: Duration.toMillis(options.deletingFor),
      machineOf: (session) => machines.make(this.#machine, session),
      record
    })
    this.#respond = makeServer(
      handlers.make({ sessions: this.#sessions, contexts: this.#contexts, isApiOnly: options.isApiOnly }),
      Effect.failCause
    )
  }

  /** What has expired has expired before anything else happens. */
  readonly #expireIdle = Effect.map(Clock.currentTimeMillis, (now) => this.#sessions.expireIdle(now))

  readonly ledger: Backend["ledger"] = Effect.sync(() => [...this.#entries])

  readonly sessions: Backend["sessions"] = Effect.suspend(() =>
    Effect.zipRight(
      this.#expireIdle,
      Effect.clockWith((clock) => Effect.sync(() => this.#sessions.snapshot(() => clock.unsafeCurrentTimeMillis())))
    )
  )

  readonly takeUnscripted: Backend["takeUnscripted"] = Effect.sync(() => this.#unscripted.splice(0))

  readonly expire: Backend["expire"] = (sessionId) =>
    Effect.map(Clock.currentTimeMillis, (now) => this.#sessions.expire(sessionId, now))

  readonly serve: Backend["serve"] = (request) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => {
      const { body, method, path, query } = request
      const url = `${endpoint}${path}`
      const [point] = pointsOf({ method: method as "GET", url, body })
      if (point !== undefined) {
        this.#entries.push({ _tag: "RequestReceived", point, sessionId: sessionOf(body, query), at })
      }
      this.#sessions.expireIdle(at)
      return this.#respond(request)
    })

  /** Goes on when the client has gone. */
  #onServer<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.flatMap(FiberSet.run(this.#work, effect), Fiber.join)
  }

  readonly transport: Required<Omit<Transport.Service, "peer">> = {
    exchange: (request) => this.#exchange(request),
    openSocket: (request, listener) => this.#openSocket(request, listener),
    transfer: (request) => this.#transfer(request)
  }

  #exchange<E>(request: Exchange<E>): Effect.Effect<Reply, ExchangeError | E> {
    const { body = "", maxBytes, method, onCancel, progress, url } = request
    const { pathname, searchParams } = new URL(url)
    if (progress !== undefined) progress.stage = "sent"
    const served = this.#onServer(this.serve({ method, path: pathname, query: searchParams, body }))
    return Effect.flatMap(
      cancellable(served, onCancel),
      (reply): Effect.Effect<Reply, ExchangeError> =>
        reply.body.length > maxBytes
          ? new ExchangeError({ reason: "TooLarge", code: "" })
          : Effect.succeed({
            status: reply.status,
            headers: { "content-type": "application/json", "x-request-id": reply.requestId },
            body: reply.body
          })
    )
  }

  /** The content is read by the client's fiber: it is an effect of the client. */
  #transfer<E>(request: Transfer<E>): Effect.Effect<TransferReply, E> {
    const files = (sessionId: string) => Effect.map(this.#sessions.use(sessionId), ({ tree }) => tree)
    return Effect.zipRight(
      this.#expireIdle,
      new URL(request.url).origin === storageOrigin ? this.#contexts.serve(request) : fileBytes.serve(request, files)
    )
  }

  #openSocket(request: SocketRequest, listener: SocketListener): Effect.Effect<Socket, SocketError> {
    return Effect.gen(this, function*() {
      yield* this.#expireIdle
      const session = yield* Effect.mapError(
        this.#sessions.use(handlers.sessionIdOf(request.url)),
        ({ code, message, status }) =>
          new SocketError({
            reason: "Rejected",
            code: "",
            status,
            body: JSON.stringify({ success: false, code, message })
          })
      )
      const fork = yield* FiberSet.runtime(this.#work)<never>()
      const socket = new RunSocket({
        listener,
        fork,
        run: (run) => machines.runCode(this.#machine, session, run),
        onClose: (socket) => session.sockets.delete(socket)
      })
      session.sockets.add(socket)
      return socket.socket
    })
  }
}

const sessionOf = (body: string, query: URLSearchParams): string | undefined =>
  /"sessionId":"([^"]*)"/.exec(body)?.[1] ?? query.get("sessionId") ?? undefined

/** The end of the scope fails if something was asked for that nobody has scripted or taken note of. */
export const make = (options: BackendOptions): Effect.Effect<Backend, never, Scope.Scope> =>
  Effect.gen(function*() {
    const backend = new MemoryBackend(options, yield* FiberSet.make<unknown, unknown>())
    yield* Effect.addFinalizer(() => Effect.flatMap(backend.takeUnscripted, unscriptedAtEnd))
    return backend
  })
