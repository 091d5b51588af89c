/** Validation of timeouts. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { InvalidRequestError } from "../../../AgbError.js"

const day = Duration.days(1)

/** Parses a timeout above 0 and up to 1 day; rounds up to whole milliseconds. */
export const parse = (
  operation: string,
  timeout: Duration.DurationInput,
  field = "timeout"
): Either.Either<Duration.Duration, InvalidRequestError> => {
  const duration = Duration.decodeUnknown(timeout)
  return Option.isSome(duration) && Duration.greaterThan(duration.value, 0) &&
      Duration.lessThanOrEqualTo(duration.value, day)
    ? Either.right(Duration.millis(Math.ceil(Duration.toMillis(duration.value))))
    : Either.left(
      new InvalidRequestError({
        operation,
        field,
        given: typeof timeout === "number" || typeof timeout === "string"
          ? String(timeout).slice(0, 64)
          : "not a duration",
        expected: "a duration above 0 and up to 1 day"
      })
    )
}
