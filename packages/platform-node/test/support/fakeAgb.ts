/**
 * The cloud in memory: the sessions, labels, idle times, pages and tools of the wire, answered by core's own
 * `AgbServer` without a socket and under Effect's Clock. Its files are a tree in memory; `run_code` and `shell` run
 * nothing, they only know the programs of `programs.ts`.
 */
import { Agb, AgbConfig, AgbServer } from "@effect-agb/core"
import type { AgbClient } from "@effect-agb/core"
import { HttpClient, type HttpClientRequest } from "@effect/platform"
import { Effect, Layer, type Scope } from "effect"
import * as exchanges from "./exchange.js"
import { FakeContexts, storageHost } from "./fakeContexts.js"
import { makeHandlers } from "./fakeHandlers.js"
import { cut, type Reply } from "./faults.js"
import { Ledger } from "./ledger.js"
import { makeClient } from "./memoryHttp.js"

export interface FakeOptions {
  /** How long a released session is still `DELETING`. Default 0. */
  readonly deletingMillis?: number
  /** The key that it accepts. Default: `apiKey`. */
  readonly apiKey?: string
}

export interface FakeAgb extends exchanges.Exchange {
  readonly ledger: Ledger
  readonly contexts: FakeContexts
  /** Ends sessions that nobody has used for too long. */
  readonly expire: Effect.Effect<void>
  /** The SDK on this server. */
  readonly layer: (options?: Partial<AgbConfig.AgbConfig.Options>) => Layer.Layer<Agb.Agb | AgbClient.AgbClient>
}

export const apiKey = "akm-fake-0123456789"

const toReply = ({ body, requestId, status }: AgbServer.HttpReply): Reply => ({
  status,
  headers: { "content-type": "application/json", "x-request-id": requestId },
  body
})

export const make = (options: FakeOptions = {}): Effect.Effect<FakeAgb, never, Scope.Scope> =>
  Effect.gen(function*() {
    const ledger = new Ledger()
    const contexts = new FakeContexts()
    const { expire, handlers } = makeHandlers(ledger, options.deletingMillis ?? 0, contexts)
    const serve = AgbServer.make(handlers, (cause) => Effect.die(cause))
    const { exchange, faults } = yield* exchanges.make(
      ledger,
      (request) => Effect.zipRight(expire, Effect.map(serve(request), toReply))
    )

    const { apiKey: key = apiKey } = options
    const layer: FakeAgb["layer"] = (config) =>
      Agb.layer.pipe(
        Layer.provide(Layer.succeed(HttpClient.HttpClient, clientOf(exchange, contexts, key))),
        Layer.provide(Layer.orDie(AgbConfig.layer({ apiKey: key, ...config })))
      )

    return { ledger, contexts, faults, exchange, expire, layer }
  })

const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest): string => {
  if (body._tag === "Raw") return String(body.body)
  return body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
}

const unauthorized: Reply = {
  status: 401,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ success: false, code: "InvalidApiKey", message: "The API key is missing or invalid." })
}

const clientOf = (
  exchange: exchanges.Exchange["exchange"],
  contexts: FakeContexts,
  key: string
): HttpClient.HttpClient =>
  makeClient((request, url) =>
    url.host === storageHost
      ? contexts.serve(request, url)
      : request.headers["authorization"] === `Bearer ${key}`
      ? Effect.map(
        exchange({ method: request.method, path: url.pathname, query: url.searchParams, body: bodyOf(request) }),
        (answer) => answer === cut || "write" in answer ? undefined : answer
      )
      : Effect.succeed(unauthorized)
  )
