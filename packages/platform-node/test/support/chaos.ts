/** Chance that a seed repeats: a server that misbehaves, and programs that are interrupted at any point. */
import { Effect, Fiber } from "effect"
import { delay, type Fault, type Faults, lostReply, unavailable } from "./faults.js"

/** A number from 0 to 1. */
export type Roll = () => number

export const dice = (seed: number): Roll => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Odds = ReadonlyArray<readonly [probability: number, Fault]>

/** One of the faults or none; half of the others are late. */
const chance = (roll: Roll, odds: Odds, lateMillis: number) => (): Fault | undefined => {
  let left = roll()
  const fault = odds.find(([probability]) => (left -= probability) < 0)?.[1]
  return fault ?? (roll() < 0.5 ? delay(roll() * lateMillis) : undefined)
}

/** 15 % of the create replies are lost, 10 % say 503 after the work, and 30 % of the deletions fail. */
export const misbehave = (faults: Faults, roll: Roll, lateMillis: number): void => {
  faults.always("createSession", chance(roll, [[0.15, lostReply], [0.1, unavailable("after")]], lateMillis))
  const failing: Odds = [[0.1, unavailable("before")], [0.1, lostReply], [0.1, unavailable("after")]]
  faults.always("releaseSessionAsync", chance(roll, failing, lateMillis))
}

/** Interrupted after some steps of the scheduler or after some time, or not at all. */
export const interrupted =
  (roll: Roll, longestMillis: number) => <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<void, never, R> =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(program)
      const kind = roll()
      if (kind < 0.35) yield* Effect.repeatN(Effect.yieldNow(), Math.floor(roll() * 60))
      else if (kind < 0.7) yield* Effect.sleep(roll() * longestMillis)
      else return yield* Effect.asVoid(Fiber.await(fiber))
      yield* Fiber.interrupt(fiber)
    })
