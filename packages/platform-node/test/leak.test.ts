/**
 * A thousand sessions at once on a server that loses replies, fails after the work and refuses deletions, while their
 * programs are interrupted at any point. At the end nothing lives that nobody deleted.
 */
import { Agb, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Random } from "effect"
import { make } from "./support/fakeAgb.js"
import { delay, type Fault, type Faults, lostReply, unavailable } from "./support/faults.js"
import { withVirtualClock } from "./support/virtualClock.js"

const seeds = Array.from({ length: 20 }, (_, index) => index + 1)

/** Numbers from 0 to 1 that a seed repeats. */
const dice = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Roll = () => number

const chance = (roll: Roll, odds: ReadonlyArray<readonly [number, Fault]>) => (): Fault | undefined => {
  let left = roll()
  return odds.find(([probability]) => (left -= probability) < 0)?.[1] ??
    (roll() < 0.5 ? delay(roll() * 300) : undefined)
}

const misbehave = (faults: Faults, roll: Roll): void => {
  faults.always("createSession", chance(roll, [[0.15, lostReply], [0.1, unavailable("after")]]))
  faults.always(
    "releaseSessionAsync",
    chance(roll, [[0.1, unavailable("before")], [0.1, lostReply], [0.1, unavailable("after")]])
  )
}

/** Interrupted after some steps of the scheduler or some time, or not at all. */
const interrupted = (roll: Roll) => <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(program)
    const kind = roll()
    if (kind < 0.35) yield* Effect.repeatN(Effect.yieldNow(), Math.floor(roll() * 60))
    else if (kind < 0.7) yield* Effect.sleep(roll() * 1500)
    else return yield* Fiber.await(fiber)
    return yield* Fiber.interrupt(fiber)
  })

const useSession = (roll: Roll) =>
  Session.use({ imageId: "agb-code-space-1" }, () => Effect.sleep(roll() * 400)).pipe(interrupted(roll))

const run = (seed: number, sessions: number) =>
  Effect.gen(function*() {
    const fake = yield* make()
    const roll = dice(seed)
    misbehave(fake.faults, roll)
    const undeleted = yield* Effect.forEach(Array.from({ length: sessions }), () => useSession(roll), {
      concurrency: "unbounded",
      discard: true
    }).pipe(
      Effect.zipRight(Effect.flatMap(Agb.Agb, (agb) => agb.undeleted)),
      Effect.provide(fake.layer())
    )
    return { ledger: fake.ledger, undeleted }
  }).pipe(Effect.scoped, Effect.withRandom(Random.make(seed)), withVirtualClock)

describe("no session is left behind", () => {
  it.live.each(seeds)("1,000 sessions, seed %i", (seed) =>
    Effect.gen(function*() {
      const { ledger, undeleted } = yield* run(seed, 1000)
      assert.isAbove(ledger.created.length, 500)
      assert.deepStrictEqual({ live: ledger.live, undeleted }, { live: 0, undeleted: [] }, `seed ${seed}`)
      assert.strictEqual(ledger.deleted.length, ledger.created.length, `seed ${seed}`)
      assert.deepStrictEqual(ledger.idledOut, [])
    }).pipe(Effect.provide(Layer.merge(Logger.remove(Logger.defaultLogger), Layer.empty))), 60_000)
})
