/** The id of the last request made by a fiber and its children: the promise adapter puts it into every result. */
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"

export interface RequestIdCell {
  value: string
}

/** A mutable cell, so that ids set in forked fibers are seen by the parent. */
export const current: FiberRef.FiberRef<RequestIdCell | undefined> = GlobalValue.globalValue(
  "@effect-agb/core/requestId",
  () => FiberRef.unsafeMake<RequestIdCell | undefined>(undefined)
)
