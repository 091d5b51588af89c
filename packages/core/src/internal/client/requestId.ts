/** The id of the last request made by a fiber and its children, which the promise API includes in every result. */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"
import * as spans from "./spans.js"

export interface RequestIdCell {
  value: string
}

/** A mutable cell, so that the parent sees ids recorded in forked fibers. */
export const current: FiberRef.FiberRef<RequestIdCell | undefined> = GlobalValue.globalValue(
  "@effect-agb/core/requestId",
  () => FiberRef.unsafeMake<RequestIdCell | undefined>(undefined)
)

/** Records the request id in the current span and in the cell of the promise API. */
export const record = (requestId: string): Effect.Effect<void> =>
  Effect.zipRight(
    Effect.map(FiberRef.get(current), (cell) => {
      if (cell !== undefined) cell.value = requestId
    }),
    spans.annotate(() => ({ "agb.request_id": requestId }))
  )
