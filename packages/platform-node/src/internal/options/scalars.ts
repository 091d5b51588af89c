/** Options that are a single number or duration: validated, with a default. */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** An integer option: its default and its inclusive bounds. */
export interface IntegerRange {
  readonly default: number
  readonly min: number
  readonly max: number
}

export const integer = (
  field: string,
  value: number | undefined,
  { default: otherwise, max, min }: IntegerRange
): Effect.Effect<number, ConfigurationError> => {
  const number = value ?? otherwise
  return Number.isSafeInteger(number) && number >= min && number <= max
    ? Effect.succeed(number)
    : Effect.fail(new ConfigurationError({ field, expected: `a whole number from ${min} to ${max}` }))
}

/** Rounded up to whole seconds; at least one. */
export const seconds = (field: string, value: Duration.DurationInput): Effect.Effect<number, ConfigurationError> =>
  Option.match(Option.filter(Duration.decodeUnknown(value), Duration.greaterThanOrEqualTo("1 second")), {
    onNone: () => Effect.fail(new ConfigurationError({ field, expected: "a duration of at least 1 second" })),
    onSome: (duration) => Effect.succeed(Math.ceil(Duration.toSeconds(duration)))
  })
