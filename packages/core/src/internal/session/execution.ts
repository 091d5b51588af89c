/** What running code and running a command have in common: their time, and not knowing how they ended. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type ClientError, ExecutionUnknownError, InvalidRequestError } from "../../AgbError.js"

/** Milliseconds of a timeout argument, from one millisecond to a day. */
export const timeoutMillis = (
  operation: string,
  timeout: Duration.DurationInput
): Effect.Effect<number, InvalidRequestError> => {
  const millis = Option.match(Duration.decodeUnknown(timeout), { onNone: () => NaN, onSome: Duration.toMillis })
  return millis > 0 && millis <= 86_400_000
    ? Effect.succeed(Math.ceil(millis))
    : Effect.fail(
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

/** A call that may have reached the session and gave no readable answer has an unknown outcome, whatever the cause. */
export const orUnknown = (
  operation: string
): <A>(effect: Effect.Effect<A, ClientError>) => Effect.Effect<A, ClientError | ExecutionUnknownError> =>
  Effect.mapError((error) =>
    error.mayHaveHappened && error._tag !== "SessionLostError"
      ? new ExecutionUnknownError({
        operation,
        requestId: error.requestId,
        stdout: "",
        stderr: "",
        detail: error.message
      })
      : error
  )
