/** Pages of lists. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"

/** Position in a list that only grows at its end. */
interface Serial {
  readonly serial: number
}

export interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly nextToken: string
  readonly maxResults: number
  readonly total: number
}

const invalidToken = new ApiError({
  status: 400,
  code: "InvalidParameter",
  message: "nextToken is not one of this list"
})

/** The token is the serial of the first item of the next page, so that deletions between two pages skip no item. */
export const paginate = <A extends Serial>(
  all: ReadonlyArray<A>,
  { maxResults = 10, nextToken = "" }: {
    readonly maxResults?: number | undefined
    readonly nextToken?: string | undefined
  }
): Effect.Effect<Page<A>, ApiError> => {
  const from = nextToken === "" ? 0 : Number(nextToken)
  if (!Number.isSafeInteger(from)) return Effect.fail(invalidToken)
  const rest = all.filter(({ serial }) => serial >= from)
  return Effect.succeed({
    items: rest.slice(0, maxResults),
    nextToken: String(rest[maxResults]?.serial ?? ""),
    maxResults,
    total: all.length
  })
}
