/**
 * The cloud in memory: the sessions, labels, idle times, pages and tools of the wire, answered by core's own
 * `AgbServer` without a socket and under Effect's Clock. Its files are a tree in memory; `run_code` and `shell` run
 * nothing, they only know the programs of `programs.ts`.
 *
 * The server's work belongs to the server: what a client began goes on when the client has gone.
 */
import { Agb, AgbApi, AgbConfig, AgbServer } from "@effect-agb/core"
import type { AgbClient } from "@effect-agb/core"
import { HttpClient, type HttpClientRequest } from "@effect/platform"
import { Clock, Effect, Fiber, FiberSet, Layer, type Scope } from "effect"
import { makeHandlers } from "./fakeHandlers.js"
import { type Answer, cut, type Fault, type Faults, makeFaults, type Point, type Reply } from "./faults.js"
import { Ledger } from "./ledger.js"
import { makeClient } from "./memoryHttp.js"

export interface FakeOptions {
  /** How long a released session is still `DELETING`. Default 0. */
  readonly deletingMillis?: number
}

export interface FakeAgb {
  readonly ledger: Ledger
  readonly faults: Faults
  /** Works off a request as the faults say. It goes on when its caller is interrupted. */
  readonly exchange: (request: AgbServer.HttpRequest) => Effect.Effect<Answer>
  /** Ends sessions that nobody has used for too long. */
  readonly expire: Effect.Effect<void>
  /** The SDK on this server. */
  readonly layer: (options?: Partial<AgbConfig.AgbConfig.Options>) => Layer.Layer<Agb.Agb | AgbClient.AgbClient>
}

export const apiKey = "akm-fake-0123456789"

const endpointNames = new Map(
  Object.values(AgbApi.endpoints).map(({ method, name, path }) => [`${method} ${path}`, name as AgbApi.EndpointName])
)

const fieldOf = (body: string, name: string): string | undefined => {
  try {
    const value: unknown = (JSON.parse(body) as Record<string, unknown>)[name]
    return typeof value === "string" ? value : undefined
  } catch {
    return undefined
  }
}

const pointsOf = ({ body, method, path }: AgbServer.HttpRequest): ReadonlyArray<Point> => {
  const endpoint = endpointNames.get(`${method} ${path}`)
  if (endpoint === undefined) return []
  const tool = endpoint === "callTool" ? fieldOf(body, "name") : undefined
  return tool === undefined ? [endpoint] : [tool as Point, endpoint]
}

const toReply = ({ body, requestId, status }: AgbServer.HttpReply): Reply => ({
  status,
  headers: { "content-type": "application/json", "x-request-id": requestId },
  body
})

const nothing: Reply = { status: 200, headers: {}, body: "" }

const struck = ({ answer, wait = Effect.void }: Fault, reply: Reply): Effect.Effect<Answer | undefined> =>
  Effect.map(wait, () => answer?.(reply))

export const make = (options: FakeOptions = {}): Effect.Effect<FakeAgb, never, Scope.Scope> =>
  Effect.gen(function*() {
    const ledger = new Ledger()
    const faults = makeFaults()
    const { expire, handlers } = makeHandlers(ledger, options.deletingMillis ?? 0)
    const serve = AgbServer.make(handlers, (cause) => Effect.die(cause))
    const work = yield* FiberSet.make<Answer>()

    const answer = (request: AgbServer.HttpRequest) =>
      Effect.gen(function*() {
        const points = pointsOf(request)
        const sessionId = fieldOf(request.body, "sessionId") ?? request.query.get("sessionId") ?? undefined
        ledger.requests.push({ points, sessionId, at: yield* Clock.currentTimeMillis })
        const fault = faults.take(points)
        const before = fault?.when === "before" ? yield* struck(fault, nothing) : undefined
        if (before !== undefined) return before
        const reply = toReply(yield* Effect.zipRight(expire, serve(request)))
        return fault?.when === "after" ? (yield* struck(fault, reply)) ?? reply : reply
      })

    const exchange: FakeAgb["exchange"] = (request) =>
      Effect.flatMap(FiberSet.run(work, Effect.withMaxOpsBeforeYield(answer(request), 2048)), (fiber) =>
        Fiber.join(fiber))

    const layer: FakeAgb["layer"] = (config) =>
      Agb.layer.pipe(
        Layer.provide(Layer.succeed(HttpClient.HttpClient, clientOf(exchange))),
        Layer.provide(Layer.orDie(AgbConfig.layer({ apiKey, ...config })))
      )

    return { ledger, faults, exchange, expire, layer }
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

const clientOf = (exchange: FakeAgb["exchange"]): HttpClient.HttpClient =>
  makeClient((request, url) =>
    request.headers["authorization"] === `Bearer ${apiKey}`
      ? Effect.map(
        exchange({ method: request.method, path: url.pathname, query: url.searchParams, body: bodyOf(request) }),
        (answer) => answer === cut || "write" in answer ? undefined : answer
      )
      : Effect.succeed(unauthorized)
  )
