/** `POST /pages` for clients that send the API key: a new address of the page of a session, or of the runtime. */
import { successReply } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Route } from "../../http/exchange.js"
import { constantTimeEquals, requireSecret } from "../../http/originCheck.js"
import type { BodyLimits } from "../../http/requestBody.js"
import type { SessionRegistry } from "../../sessions/registry.js"
import { AccessField, readBody } from "../http/pageBody.js"
import type { Addresses } from "../http/pageOptions.js"

export interface PagesRouteOptions {
  readonly apiKey: string
  readonly limits: BodyLimits
  readonly registry: SessionRegistry
  readonly addresses: Addresses
}

const Wanted = Schema.Struct({ sessionId: Schema.optional(Schema.String), access: AccessField })

export const make = ({ addresses, apiKey, limits, registry }: PagesRouteOptions): Route => {
  const isKey = constantTimeEquals(`Bearer ${apiKey}`)
  const read = readBody(Wanted, limits)
  return {
    matches: (method, path) => method === "POST" && path === "/pages",
    name: () => "pages",
    endsOnDisconnect: () => true,
    handle: (exchange) =>
      Effect.gen(function*() {
        const { authenticated, request } = exchange
        yield* requireSecret(
          isKey(request.headers.authorization),
          "InvalidApiKey",
          "The API key is missing or invalid."
        )
        authenticated()
        const { access, sessionId } = yield* read(exchange)
        const url = sessionId === undefined
          ? yield* addresses.ofRuntime(access)
          : yield* addresses.ofSession(yield* registry.get(sessionId), access)
        return successReply({ url })
      })
  }
}
