/** The link of a session: its tools under an address of its own, for clients that show the session's token. */
import { LinkAnswer, LinkCall } from "@effect-agb/core/AgbApi"
import { type ApiError, decoder, errorReply, type HttpReply, successReply } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Exchange, Route } from "../http/exchange.js"
import { demand, makeCheck, refusal } from "../http/originCheck.js"
import { type BodyLimits, readJson } from "../http/requestBody.js"
import { callTool } from "../sessions/handlers.js"
import type { LocalSession, Registry } from "../sessions/registry.js"

export interface LinkRouteOptions {
  readonly registry: Registry
  readonly limits: BodyLimits
}

const address = /^\/link\/([\w-]{1,128})\/callTool$/

const decodeCall = decoder(Schema.parseJson(LinkCall))

const encodeAnswer = Schema.encodeSync(LinkAnswer)

/** A token that a request carries is the session's, or the request is refused. */
export const demandToken = (session: LocalSession, given: string | undefined): Effect.Effect<void, ApiError> =>
  demand(makeCheck(session.token)(given), "InvalidToken", "The access token is missing or invalid.")

const answer = (registry: Registry, session: LocalSession, call: typeof LinkCall.Type): Effect.Effect<HttpReply> => {
  const { args, requestId = crypto.randomUUID().toUpperCase(), token = session.token, tool } = call
  return demandToken(session, token).pipe(
    Effect.zipRight(callTool(registry, session.sessionId, tool, args, "v0.12")),
    Effect.map((result) => successReply(encodeAnswer({ data: { requestId, result } }), requestId)),
    Effect.catchTag("ApiError", (error) => Effect.succeed(errorReply("", error, requestId)))
  )
}

export const make = ({ limits, registry }: LinkRouteOptions): Route => ({
  matches: (_method, path) => address.test(path),
  name: () => "link",
  endsWithClient: () => true,
  handle: (exchange: Exchange) =>
    Effect.gen(function*() {
      const { admit, method, path, request } = exchange
      if (method !== "POST") {
        return yield* refusal(405, "MethodNotAllowed", "a link is called with POST")
      }
      const session = yield* registry.get(address.exec(path)?.[1] ?? "")
      yield* demandToken(session, request.headersDistinct["x-access-token"]?.[0])
      admit()
      const call = yield* Effect.flatMap(readJson(exchange, limits), decodeCall)
      return yield* answer(registry, session, call)
    })
})
