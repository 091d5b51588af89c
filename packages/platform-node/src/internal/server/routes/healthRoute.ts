/** `GET /health`: that the server answers, for whoever watches over it. It needs no key and tells nothing of sessions. */
import * as Effect from "effect/Effect"
import type { Route } from "../http/exchange.js"
import { refusal } from "../http/originCheck.js"

const up = JSON.stringify({ status: "ok" })

const wrongMethod = refusal(405, "MethodNotAllowed", "the health is asked for with GET")

export const route: Route = {
  matches: (_method, path) => path === "/health",
  name: () => "health",
  endsWithClient: () => true,
  handle: ({ method }) =>
    method === "GET" || method === "HEAD"
      ? Effect.sync(() => ({ status: 200, requestId: crypto.randomUUID().toUpperCase(), body: up }))
      : Effect.fail(wrongMethod)
}
