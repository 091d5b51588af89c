/** The option `apiKey` of a runtime. */
import * as AgbConfig from "@effect-agb/core/AgbConfig"
import type { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Crypto from "node:crypto"

/** The given key, validated as a client would, or a random one. */
export const resolveApiKey = (
  given: Redacted.Redacted<string> | string | undefined
): Effect.Effect<Redacted.Redacted<string>, ConfigurationError> => {
  const key = given ?? `akm-${Crypto.randomUUID()}`
  return Effect.map(
    AgbConfig.make({ apiKey: Redacted.isRedacted(key) ? key : Redacted.make(key) }),
    ({ apiKey }) => apiKey
  )
}
