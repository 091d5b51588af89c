/** A server that hands everything on to another one, and fails on the way there or back. */
import type { AgbServer } from "@effect-agb/core"
import { Effect, type Scope } from "effect"
import * as exchanges from "./exchange.js"
import type { Reply } from "./faults.js"
import { listenWith, type SocketServer } from "./faultServer.js"
import { Ledger } from "./ledger.js"

export interface FaultProxy extends exchanges.Exchange, SocketServer {
  /** What the server behind made and ended, by its own words. */
  readonly ledger: Ledger
}

const forward = (upstream: string, apiKey: string, request: AgbServer.HttpRequest): Promise<Reply> => {
  const query = request.query.size === 0 ? "" : `?${request.query.toString()}`
  return fetch(upstream + request.path + query, {
    method: request.method,
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    ...(request.method === "GET" ? {} : { body: request.body })
  }).then(async (response) => ({
    status: response.status,
    headers: { "content-type": "application/json" },
    body: await response.text()
  }))
}

interface Happening {
  readonly _tag: "SessionCreated" | "SessionDeleted"
  readonly sessionId: string
}

const note = (happened: Array<Happening>, request: AgbServer.HttpRequest, { body }: Reply): void => {
  const envelope = JSON.parse(body) as { success: boolean; data?: { sessionId?: string } }
  if (!envelope.success) return
  const [endpoint] = exchanges.pointsOf(request)
  if (endpoint === "createSession") {
    happened.push({ _tag: "SessionCreated", sessionId: envelope.data?.sessionId ?? "" })
  }
  if (endpoint === "releaseSessionAsync") {
    happened.push({ _tag: "SessionDeleted", sessionId: exchanges.sessionIdOf(request) ?? "" })
  }
}

export const make = (upstream: string, apiKey: string): Effect.Effect<FaultProxy, never, Scope.Scope> =>
  Effect.gen(function*() {
    const happened: Array<Happening> = []
    const ledger = new Ledger(() => happened)
    const serve = (request: AgbServer.HttpRequest) =>
      Effect.tap(
        Effect.promise(() => forward(upstream, apiKey, request)),
        (reply) => Effect.sync(() => note(happened, request, reply))
      )
    const exchange = yield* exchanges.make(ledger, serve)
    return { ledger, ...exchange, ...(yield* listenWith(exchange.exchange)) }
  })
