/** The endpoints of the API, for clients that show the key. It also answers what no other route does. */
import { endpoints } from "@effect-agb/core/AgbApi"
import type { HttpReply, HttpRequest } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type { Route } from "../http/exchange.js"
import { demand, makeCheck } from "../http/originCheck.js"
import { type BodyLimits, readJson } from "../http/requestBody.js"

export interface ApiRouteOptions {
  readonly apiKey: string
  readonly limits: BodyLimits
  readonly answer: (request: HttpRequest) => Effect.Effect<HttpReply>
}

const names = new Map<string, string>(
  Object.values(endpoints).map(({ method, name, path }) => [`${method} ${path}`, name])
)

/** One generation of clients asks for links under another path. */
const standard = (path: string): string => path === "/mcp/getLink" ? endpoints.getLink.path : path

export const make = ({ answer, apiKey, limits }: ApiRouteOptions): Route => {
  const isKey = makeCheck(`Bearer ${apiKey}`)
  return {
    matches: () => true,
    name: (method, path) => names.get(`${method} ${standard(path)}`) ?? "unknown",
    endsWithClient: (path) => path === endpoints.callTool.path,
    handle: (exchange) => {
      const { admit, method, query, request } = exchange
      const path = standard(exchange.path)
      return demand(isKey(request.headers.authorization), "InvalidApiKey", "The API key is missing or invalid.").pipe(
        Effect.tap(admit),
        Effect.zipRight(readJson(exchange, limits)),
        Effect.flatMap((body) => answer({ method, path, query, body, userAgent: request.headers["user-agent"] }))
      )
    }
  }
}
