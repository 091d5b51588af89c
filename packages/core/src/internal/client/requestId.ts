/** The id of the last request that a piece of a program made: the promise adapter puts it into every result. */
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"

export interface RequestIdCell {
  value: string
}

/** A cell, not a value, so that ids set in forked fibers arrive as well. */
export const current: FiberRef.FiberRef<RequestIdCell | undefined> = GlobalValue.globalValue(
  "@effect-agb/core/requestId",
  () => FiberRef.unsafeMake<RequestIdCell | undefined>(undefined)
)
