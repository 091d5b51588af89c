/**
 * The backend in memory of `AgbTest`, behind an `HttpClient` and faults that strike it inside, at any moment of its work. Its code and
 * commands are those of `programs.ts`.
 */
import { Agb, AgbConfig, type AgbServer } from "@effect-agb/core"
import type { AgbClient } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { HttpClient, type HttpClientRequest } from "@effect/platform"
import { Chunk, Effect, Layer, type Scope, Stream } from "effect"
import * as exchanges from "./exchange.js"
import { cut, type Reply } from "./faults.js"
import { Ledger } from "./ledger.js"
import { makeClient, type MemoryReply } from "./memoryHttp.js"
import { command, makeCode } from "./programs.js"

export interface FakeOptions {
  /** How long a released session is still `DELETING`. Default 0. */
  readonly deletingMillis?: number
  /** The key that it accepts. Default: `apiKey`. */
  readonly apiKey?: string
}

/** The storage behind presigned URLs, and the copies of contexts. */
export interface FakeStorage {
  /** What the next copies of a mode end with; by default they work. */
  outcome: (mode: AgbTest.ContextCopy["mode"]) => AgbTest.ContextCopyOutcome
  /** Where presigned URLs lead to. */
  origin: string
  /** Answers that come before its own. `undefined` is a connection that breaks. */
  readonly answers: Array<MemoryReply | undefined>
  /** How often it was asked. */
  served: number
}

export interface FakeAgb extends exchanges.Exchange {
  readonly ledger: Ledger
  readonly contexts: FakeStorage
  /** Ends sessions that nobody has used for too long. */
  readonly expire: Effect.Effect<void>
  /** The SDK on this server. */
  readonly layer: (options?: Partial<AgbConfig.AgbConfig.Options>) => Layer.Layer<Agb.Agb | AgbClient.AgbClient>
}

export const apiKey = "akm-fake-0123456789"

export const storageHost = "storage.agb.test"

const storageOrigin = `https://${storageHost}`

const toReply = ({ body, requestId, status }: AgbServer.HttpReply): Reply => ({
  status,
  headers: { "content-type": "application/json", "x-request-id": requestId },
  body
})

export const make = (options: FakeOptions = {}): Effect.Effect<FakeAgb, never, Scope.Scope> =>
  Effect.gen(function*() {
    const contexts: FakeStorage = { outcome: () => "Success", origin: storageOrigin, answers: [], served: 0 }
    const backend = yield* Effect.orDie(AgbTest.make({
      code: makeCode(),
      command,
      apiOnly: true,
      deletingFor: options.deletingMillis ?? 0,
      contextCopy: ({ mode }) => contexts.outcome(mode)
    }))
    const ledger = new Ledger(() => Effect.runSync(backend.ledger))
    const serve = (request: AgbServer.HttpRequest) =>
      Effect.map(backend.serve(request), (reply) => {
        const { body, ...rest } = toReply(reply)
        return { ...rest, body: body.replaceAll(storageOrigin, contexts.origin) }
      })
    const { exchange, faults } = yield* exchanges.make(ledger, serve)

    const { apiKey: key = apiKey } = options
    const layer: FakeAgb["layer"] = (config) =>
      Agb.layer.pipe(
        Layer.provide(Layer.succeed(HttpClient.HttpClient, clientOf(exchange, storageOf(backend, contexts), key))),
        Layer.provide(Layer.orDie(AgbConfig.layer({ apiKey: key, ...config })))
      )

    return { ledger, contexts, faults, exchange, expire: Effect.asVoid(backend.sessions), layer }
  })

type Storage = (request: HttpClientRequest.HttpClientRequest) => Effect.Effect<MemoryReply | undefined>

const contentOf = ({ body }: HttpClientRequest.HttpClientRequest): Effect.Effect<Uint8Array | undefined, unknown> => {
  if (body._tag === "Uint8Array") return Effect.succeed(body.body)
  if (body._tag !== "Stream") return Effect.succeed(undefined)
  return Effect.map(Stream.runCollect(body.stream), (chunks) => Buffer.concat(Chunk.toArray(chunks)))
}

const storageOf = ({ transport }: AgbTest.AgbTest.Service, storage: FakeStorage): Storage => (request) =>
  Effect.gen(function*() {
    storage.served += 1
    const bytes = yield* contentOf(request)
    if (storage.answers.length > 0) return storage.answers.shift()
    const { headers, method, url } = request
    const reply = yield* transport.transfer({
      method: method as "GET" | "PUT",
      url,
      headers,
      body: bytes === undefined ? undefined : { _tag: "Bytes", bytes }
    })
    const body = Buffer.concat(Chunk.toArray(yield* Stream.runCollect(reply.body)))
    return { status: reply.status, headers: {}, body: String(body), bytes: body }
  }).pipe(Effect.scoped, Effect.catchAll(() => Effect.succeed(undefined)))

const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest): string => {
  if (body._tag === "Raw") return String(body.body)
  return body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
}

const unauthorized: Reply = {
  status: 401,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ success: false, code: "InvalidApiKey", message: "The API key is missing or invalid." })
}

const clientOf = (exchange: exchanges.Exchange["exchange"], storage: Storage, key: string): HttpClient.HttpClient =>
  makeClient((request, url) =>
    url.host === storageHost
      ? storage(request)
      : request.headers["authorization"] === `Bearer ${key}`
      ? Effect.map(
        exchange({ method: request.method, path: url.pathname, query: url.searchParams, body: bodyOf(request) }),
        (answer) => answer === cut || "write" in answer ? undefined : answer
      )
      : Effect.succeed(unauthorized)
  )
