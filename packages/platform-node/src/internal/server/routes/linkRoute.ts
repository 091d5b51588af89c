/** The link route: the tools of a session under a URL of its own, for clients that send the session's token. */
import { LinkAnswer, LinkCall } from "@effect-agb/core/AgbApi"
import { type ApiError, decoder, errorReply, type HttpReply, successReply } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Exchange, Route } from "../http/exchange.js"
import { apiError, constantTimeEquals, requireSecret } from "../http/originCheck.js"
import { type BodyLimits, readJson } from "../http/requestBody.js"
import { annotateRequest } from "../http/requestContext.js"
import { callTool } from "../sessions/handlers.js"
import type { LocalSession } from "../sessions/localSession.js"
import type { SessionRegistry } from "../sessions/registry.js"

export interface LinkRouteOptions {
  readonly registry: SessionRegistry
  readonly limits: BodyLimits
}

const pathPattern = /^\/link\/([\w-]{1,128})\/callTool$/

const decodeCall = decoder(Schema.parseJson(LinkCall))

const encodeAnswer = Schema.encodeSync(LinkAnswer)

/** Fails with 401 unless `given` is the token of the session. */
export const requireToken = (session: LocalSession, given: string | undefined): Effect.Effect<void, ApiError> =>
  requireSecret(constantTimeEquals(session.token)(given), "InvalidToken", "The access token is missing or invalid.")

const answer = (
  registry: SessionRegistry,
  session: LocalSession,
  call: typeof LinkCall.Type
): Effect.Effect<HttpReply> => {
  const { args, requestId = crypto.randomUUID().toUpperCase(), token = session.token, tool } = call
  return requireToken(session, token).pipe(
    Effect.zipRight(annotateRequest({ requestId })),
    Effect.zipRight(callTool(registry, session.sessionId, tool, args, "v0.12")),
    Effect.map((result) => successReply(encodeAnswer({ data: { requestId, result } }), requestId)),
    Effect.catchTag("ApiError", (error) => Effect.succeed(errorReply("", error, requestId)))
  )
}

export const make = ({ limits, registry }: LinkRouteOptions): Route => ({
  matches: (_method, path) => pathPattern.test(path),
  name: () => "link",
  endsOnDisconnect: () => true,
  handle: (exchange: Exchange) =>
    Effect.gen(function*() {
      const { authenticated, method, path, request } = exchange
      if (method !== "POST") {
        return yield* apiError(405, "MethodNotAllowed", "a link is called with POST")
      }
      const session = yield* registry.get(pathPattern.exec(path)?.[1] ?? "")
      yield* requireToken(session, request.headersDistinct["x-access-token"]?.[0])
      authenticated()
      const call = yield* Effect.flatMap(readJson(exchange, limits), decodeCall)
      return yield* answer(registry, session, call)
    })
})
