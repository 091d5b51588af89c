/** Lists that a server gives page by page. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { LimitExceededError, MalformedResponseError } from "../../AgbError.js"

/** Bounds the tokens that are remembered. */
const maxPages = 2000

/** The token of the next page, if there is one. A token that was given before would cause an endless loop. */
export const next = (
  operation: string,
  given: Set<string>,
  token: string | undefined
): Either.Either<Option.Option<string>, MalformedResponseError | LimitExceededError> => {
  const mayHaveHappened = false
  if (token === undefined || token === "") return Either.right(Option.none())
  if (given.has(token)) {
    const expected = "the token of another page"
    return Either.left(
      new MalformedResponseError({ operation, path: "nextToken", expected, mayHaveHappened, retryable: true })
    )
  }
  given.add(token)
  return given.size < maxPages
    ? Either.right(Option.some(token))
    : Either.left(new LimitExceededError({ operation, what: "the number of pages", limit: maxPages, mayHaveHappened }))
}
