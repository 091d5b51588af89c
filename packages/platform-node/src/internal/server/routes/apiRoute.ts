/** The API endpoints, for clients that send the API key. */
import { endpoints } from "@effect-agb/core/AgbApi"
import type { HttpReply, HttpRequest } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import { type Exchange, isReplyWritten, type Route } from "../http/exchange.js"
import { constantTimeEquals, requireSecret } from "../http/originCheck.js"
import { type BodyLimits, readJson } from "../http/requestBody.js"

export interface ApiRouteOptions {
  readonly apiKey: string
  readonly limits: BodyLimits
  readonly answer: (request: HttpRequest) => Effect.Effect<HttpReply>
  /** Ends a session that nobody knows of, since the reply to its creation could not be written. */
  readonly endUnknown: (sessionId: string) => Effect.Effect<void>
}

const names = new Map<string, string>(
  Object.values(endpoints).map(({ method, name, path }) => [`${method} ${path}`, name])
)

/** Older clients request links under another path. */
const canonicalPath = (path: string): string => path === "/mcp/getLink" ? endpoints.getLink.path : path

/** As a fallback it also answers requests for unknown endpoints, after it has checked their key. */
export const make = ({ answer, apiKey, endUnknown, limits }: ApiRouteOptions): Route => {
  const isKey = constantTimeEquals(`Bearer ${apiKey}`)
  const watchReply = (exchange: Exchange): Effect.Effect<unknown> => {
    const { context: { sessionId }, path } = exchange
    if (path !== endpoints.createSession.path || sessionId === undefined) return Effect.void
    return Effect.forkDaemon(
      Effect.flatMap(isReplyWritten(exchange), (isWritten) => isWritten ? Effect.void : endUnknown(sessionId))
    )
  }
  return {
    matches: (method, path) => names.has(`${method} ${path}`),
    name: (method, path) => names.get(`${method} ${canonicalPath(path)}`) ?? "unknown",
    endsOnDisconnect: (path) => path === endpoints.callTool.path,
    handle: (exchange) => {
      const { authenticated, context, method, query, request } = exchange
      const path = canonicalPath(exchange.path)
      return requireSecret(
        isKey(request.headers.authorization),
        "InvalidApiKey",
        "The API key is missing or invalid."
      ).pipe(
        Effect.tap(authenticated),
        Effect.zipRight(readJson(exchange, limits)),
        Effect.flatMap((body) => {
          const requestId = context.requestId = crypto.randomUUID().toUpperCase()
          return answer({ method, path, query, body, requestId, userAgent: request.headers["user-agent"] })
        }),
        Effect.tap(() => watchReply(exchange))
      )
    }
  }
}
