/** `GET /health`: 200 while the server runs, for supervisors and load balancers. It needs no key and reveals no sessions. */
import * as Effect from "effect/Effect"
import type { Route } from "../http/exchange.js"
import { apiError } from "../http/originCheck.js"

const healthy = JSON.stringify({ status: "ok" })

const wrongMethod = apiError(405, "MethodNotAllowed", "/health takes GET requests only")

export const route: Route = {
  matches: (_method, path) => path === "/health",
  name: () => "health",
  endsOnDisconnect: () => true,
  handle: ({ method }) =>
    method === "GET" || method === "HEAD"
      ? Effect.sync(() => ({ status: 200, requestId: crypto.randomUUID().toUpperCase(), body: healthy }))
      : Effect.fail(wrongMethod)
}
