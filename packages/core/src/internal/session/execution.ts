/** What running code and running a command have in common. */
import * as Effect from "effect/Effect"
import { type ClientError, ExecutionUnknownError } from "../../AgbError.js"

/** A call that may have reached the session and got no readable reply has an unknown outcome, whatever the cause. */
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
