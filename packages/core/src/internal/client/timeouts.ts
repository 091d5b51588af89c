/** Timeouts that callers pass. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { InvalidRequestError } from "../../AgbError.js"

const day = Duration.days(1)

/** A duration above zero and at most a day, in whole milliseconds, rounded up. */
export const parse = (
  operation: string,
  timeout: Duration.DurationInput
): Either.Either<Duration.Duration, InvalidRequestError> => {
  const duration = Duration.decodeUnknown(timeout)
  return Option.isSome(duration) && Duration.greaterThan(duration.value, 0) &&
      Duration.lessThanOrEqualTo(duration.value, day)
    ? Either.right(Duration.millis(Math.ceil(Duration.toMillis(duration.value))))
    : Either.left(
      new InvalidRequestError({
        operation,
        field: "timeout",
        given: typeof timeout === "number" || typeof timeout === "string"
          ? String(timeout).slice(0, 64)
          : "no duration",
        expected: "a duration above zero and at most a day"
      })
    )
}
