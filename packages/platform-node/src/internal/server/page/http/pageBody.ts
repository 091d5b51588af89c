/** The JSON that a page sends. */
import { type ApiError, decoder } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Exchange } from "../../http/exchange.js"
import { type BodyLimits, readJson } from "../../http/requestBody.js"

/** Reads and decodes the body of a request. */
export const readBody = <A, I>(schema: Schema.Schema<A, I>, limits: BodyLimits) => {
  const decode = decoder(Schema.parseJson(schema))
  return (exchange: Exchange): Effect.Effect<A, ApiError> => Effect.flatMap(readJson(exchange, limits), decode)
}

export const AccessField = Schema.Literal("read", "steer")
