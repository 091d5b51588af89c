/** Validation of the option objects of methods. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { InvalidRequestError } from "../../../AgbError.js"
import { refuseUnknown } from "../../wire/options.js"
import { kindOf } from "./issues.js"

/** The error of options with an unknown name, if any. The value is not quoted: it may be a misplaced secret. */
export const unknownOption = (
  operation: string,
  options: unknown,
  known: ReadonlyArray<string>
): InvalidRequestError | undefined => {
  const refusal = refuseUnknown(options, known)
  if (refusal === undefined) return undefined
  const given = refusal.field === "options" ? options : (options as Readonly<Record<string, unknown>>)[refusal.field]
  return new InvalidRequestError({ operation, ...refusal, given: kindOf(given) })
}

/** Returns the options, or an empty object without any. */
export const check = <A extends object>(
  operation: string,
  options: A | undefined,
  known: ReadonlyArray<keyof A & string>
): Either.Either<Partial<A>, InvalidRequestError> => {
  const error = unknownOption(operation, options, known)
  return error === undefined ? Either.right(options ?? {}) : Either.left(error)
}

/** Rejects what is neither true nor false. */
export const checkFlags = (
  operation: string,
  values: Readonly<Record<string, unknown>>
): Effect.Effect<void, InvalidRequestError> => {
  const wrong = Object.entries(values).find(([, value]) => typeof value !== "boolean")
  return wrong === undefined ? Effect.void : Effect.fail(
    new InvalidRequestError({ operation, field: wrong[0], given: String(wrong[1]).slice(0, 64), expected: "a boolean" })
  )
}
