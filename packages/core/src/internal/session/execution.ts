/** Error handling shared by running code and running commands. */
import * as Effect from "effect/Effect"
import { type ClientError, ExecutionUnknownError } from "../../AgbError.js"

/** Time for the transport in milliseconds, added to the timeout of a tool. */
export const transportMillis = 10_000

/** Maps errors of calls that may have reached the session to `ExecutionUnknownError`. */
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
