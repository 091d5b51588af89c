/** Transfers of file contents: the second kind of network access beside the exchanges of JSON. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { concat } from "../wire/text/bytes.js"
import * as sessionRoutes from "./sessionRoutes.js"
import { decodeBody, type ExchangeError, type Transfer, type TransferReply, Transport } from "./transport/exchange.js"

export type Send = <E>(transfer: Transfer<E>) => Effect.Effect<TransferReply, ExchangeError | E, Scope.Scope>

const overFetch: Send = (transfer) =>
  Effect.gen(function*() {
    const { layerFetch } = yield* Effect.promise(() => import("./transport/httpTransport.js"))
    const { transfer: send } = Context.get(yield* Layer.build(layerFetch), Transport)
    return yield* send === undefined ? Effect.dieMessage("fetch has no transfer") : send(transfer)
  })

/** Transfers of a client: over its transport, or over `fetch` where that has none. */
export const of = (client: object): Send => sessionRoutes.of(client)?.transport.transfer ?? overFetch

/** The first bytes of a reply that is no file, as text; those that arrive in time. */
export const beginning = (
  { body }: TransferReply,
  maxBytes: number,
  time: Duration.DurationInput
): Effect.Effect<string> =>
  Effect.suspend(() => {
    const pieces: Array<Uint8Array> = []
    let size = 0
    return Stream.takeUntil(body, (piece) => (size += piece.byteLength) >= maxBytes).pipe(
      Stream.runForEach((piece) => Effect.sync(() => pieces.push(piece))),
      Effect.timeout(time),
      Effect.ignore,
      Effect.map(() => decodeBody(concat(pieces).subarray(0, maxBytes)).body)
    )
  })
