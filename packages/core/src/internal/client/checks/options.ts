/** Validation of the option objects of methods. */
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
