/** The id of the last request made by a fiber and its children, which the promise API includes in every result. */
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"

export interface RequestIdCell {
  value: string
}

/** A mutable cell, so that the parent sees ids recorded in forked fibers. */
export const current: FiberRef.FiberRef<RequestIdCell | undefined> = GlobalValue.globalValue(
  "@effect-agb/core/requestId",
  () => FiberRef.unsafeMake<RequestIdCell | undefined>(undefined)
)
