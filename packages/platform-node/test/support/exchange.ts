/**
 * A server with its faults: every request is written down, meets the fault that is planned for it before or after the
 * work, and is worked off in a fiber of the server, which goes on when the client has gone.
 */
import { AgbApi, type AgbServer } from "@effect-agb/core"
import { Clock, Effect, Fiber, FiberSet, type Scope } from "effect"
import { type Answer, type Fault, type Faults, makeFaults, type Point, type Reply } from "./faults.js"
import type { Ledger } from "./ledger.js"

export interface Exchange {
  readonly faults: Faults
  /** Works off a request as the faults say. */
  readonly exchange: (request: AgbServer.HttpRequest) => Effect.Effect<Answer>
}

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

/** The session that a request is about. */
export const sessionIdOf = ({ body, query }: AgbServer.HttpRequest): string | undefined =>
  fieldOf(body, "sessionId") ?? query.get("sessionId") ?? undefined

/** The tool, if one is called, and the endpoint. */
export const pointsOf = ({ body, method, path }: AgbServer.HttpRequest): ReadonlyArray<Point> => {
  const endpoint = endpointNames.get(`${method} ${path}`)
  if (endpoint === undefined) return []
  const tool = endpoint === "callTool" ? fieldOf(body, "name") : undefined
  return tool === undefined ? [endpoint] : [tool as Point, endpoint]
}

const nothing: Reply = { status: 200, headers: {}, body: "" }

const struck = ({ answer, wait = Effect.void }: Fault, reply: Reply): Effect.Effect<Answer | undefined> =>
  Effect.map(wait, () => answer?.(reply))

export const make = (
  ledger: Ledger,
  serve: (request: AgbServer.HttpRequest) => Effect.Effect<Reply>
): Effect.Effect<Exchange, never, Scope.Scope> =>
  Effect.gen(function*() {
    const faults = makeFaults()
    const work = yield* FiberSet.make<Answer>()

    const answer = (request: AgbServer.HttpRequest) =>
      Effect.gen(function*() {
        const points = pointsOf(request)
        ledger.requests.push({ points, sessionId: sessionIdOf(request), at: yield* Clock.currentTimeMillis })
        const fault = faults.take(points)
        if (fault?.when === "meanwhile") {
          yield* FiberSet.run(work, Effect.zipRight(fault.wait ?? Effect.void, serve(request)))
          return fault.answer?.(nothing) ?? nothing
        }
        const before = fault?.when === "before" ? yield* struck(fault, nothing) : undefined
        if (before !== undefined) return before
        const reply = yield* serve(request)
        return fault?.when === "after" ? (yield* struck(fault, reply)) ?? reply : reply
      })

    return {
      faults,
      exchange: (request) =>
        Effect.flatMap(
          FiberSet.run(work, Effect.withMaxOpsBeforeYield(answer(request), 2048)),
          (fiber) => Fiber.join(fiber)
        )
    }
  })
