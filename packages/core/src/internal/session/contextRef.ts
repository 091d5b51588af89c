/** How callers name a context, and which directories of a session are mapped to which. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { InvalidRequestError } from "../../AgbError.js"
import { describe } from "../client/checks/issues.js"
import type { ContextRef } from "../wire/persistence.js"

export type { ContextRef }

/** The id in a reference. Anything else is refused. */
export const idOf = (operation: string, context: unknown): Either.Either<string, InvalidRequestError> => {
  const id = Predicate.isRecord(context) ? context["id"] : context
  return typeof id === "string" && id.trim() !== ""
    ? Either.right(id)
    : Either.left(
      new InvalidRequestError({
        operation,
        field: "context",
        given: describe(id, "context"),
        expected: "a context or its non-blank id"
      })
    )
}
