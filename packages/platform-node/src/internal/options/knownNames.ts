/** Option objects of a runtime: an unknown name is refused, never ignored. */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"

/** `prefix` is the name of the object among the options, or empty for the options themselves. */
export const checkNames = (
  prefix: string,
  options: object | undefined,
  known: ReadonlyArray<string>
): Effect.Effect<void, ConfigurationError> => {
  if (options === undefined) return Effect.void
  const expected = `the options are ${known.join(", ")}`
  if (!Predicate.isRecord(options)) {
    return Effect.fail(new ConfigurationError({ field: prefix || "options", expected: `an object (${expected})` }))
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  return unknown === undefined ? Effect.void : Effect.fail(
    new ConfigurationError({
      field: prefix === "" ? unknown : `${prefix}.${unknown}`,
      expected: `absent (${expected})`
    })
  )
}
