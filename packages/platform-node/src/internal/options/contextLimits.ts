/** The option `contextLimits` of a runtime: what contexts may hold. */
import type { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Effect from "effect/Effect"
import type { ContextLimits } from "../contexts/store/contextStore.js"
import { checkNames } from "./knownNames.js"
import { integer } from "./scalars.js"

const gibibyte = 2 ** 30

const ranges = {
  contextBytes: { default: 4 * gibibyte, min: 0, max: 2 ** 50 },
  contextFiles: { default: 100_000, min: 0, max: 10_000_000 },
  totalBytes: { default: 16 * gibibyte, min: 0, max: 2 ** 50 }
}

type Options = { readonly [K in keyof typeof ranges]?: number | undefined }

export const resolveContextLimits = (options: Options = {}): Effect.Effect<ContextLimits, ConfigurationError> => {
  const limit = (name: keyof typeof ranges) => integer(`contextLimits.${name}`, options[name], ranges[name])
  return Effect.zipRight(
    checkNames("contextLimits", options, Object.keys(ranges)),
    Effect.all({
      contextBytes: limit("contextBytes"),
      contextFiles: limit("contextFiles"),
      totalBytes: limit("totalBytes")
    })
  )
}
