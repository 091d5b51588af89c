/** What is sent to a presigned URL may be a stream that fails on its own. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ExchangeError, Transfer, TransferReply } from "./exchange.js"

/** Runs a transfer; where the stream that is sent has failed, the transfer fails with the error of the stream. */
export const watchUpload = <E>(
  transfer: Transfer<E>,
  send: (transfer: Transfer<E>) => Effect.Effect<TransferReply, ExchangeError, Scope.Scope>
): Effect.Effect<TransferReply, ExchangeError | E, Scope.Scope> =>
  Effect.suspend(() => {
    const { body } = transfer
    if (body?._tag !== "Stream") return send(transfer)
    let failed: Cause.Cause<E> | undefined
    const stream = Stream.tapErrorCause(body.stream, (cause) =>
      Effect.sync(() => {
        failed = cause
      }))
    return Effect.catchAllCause(
      send({ ...transfer, body: { ...body, stream } }),
      (cause): Effect.Effect<never, ExchangeError | E> =>
        failed === undefined || Cause.isInterruptedOnly(cause) ? Effect.failCause(cause) : Effect.failCause(failed)
    )
  })
