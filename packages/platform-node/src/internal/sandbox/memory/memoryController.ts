/**
 * Who keeps the limit on the memory of a session: the kernel where this process may make control groups, else this
 * process, which then looks at the session's processes again and again.
 */
import * as Effect from "effect/Effect"
import { cgroupPlace, makeCgroups } from "./cgroup.js"
import type { MemoryKeeper } from "./memoryLimit.js"
import { makeWatch } from "./watchdog.js"

/** The best keeper that this machine offers, tried on a process; never fails. */
export const memoryKeeper: Effect.Effect<MemoryKeeper> = Effect.map(
  cgroupPlace,
  (place) => place === undefined ? makeWatch() : makeCgroups(place)
)
