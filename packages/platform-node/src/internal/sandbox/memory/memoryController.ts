/** Chooses the memory controller: control groups where this process may create them, otherwise a watchdog in it. */
import * as Effect from "effect/Effect"
import { findCgroupParent, makeCgroupController } from "./cgroup.js"
import type { MemoryController } from "./memoryLimit.js"
import { makeWatchdog } from "./watchdog.js"

/** The best controller on this machine, tried on a process; never fails. */
export const findMemoryController: Effect.Effect<MemoryController> = Effect.map(
  findCgroupParent,
  (parent) => parent === undefined ? makeWatchdog() : makeCgroupController(parent)
)
