/**
 * A thousand sessions on a server that loses replies, fails after the work and refuses deletions, while their
 * programs are interrupted at any point. At the end nothing lives that nobody deleted.
 */
import { Agb, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Random } from "effect"
import { dice, interrupted, misbehave } from "../support/chaos.js"
import { make } from "../support/fakeAgb.js"
import { withVirtualClock } from "../support/virtualClock.js"

const seeds = Array.from({ length: 20 }, (_, index) => index + 1)

/** Every fifth time they all begin at once. */
const concurrencyOf = (seed: number) => seed % 5 === 0 ? "unbounded" : 200

const run = (seed: number, sessions: number) =>
  Effect.gen(function*() {
    const fake = yield* make()
    const roll = dice(seed)
    misbehave(fake.faults, roll, 300)
    const use = Effect.suspend(() =>
      Session.use({ imageId: "agb-code-space-1" }, () => Effect.sleep(roll() * 400)).pipe(interrupted(roll, 1500))
    )
    const undeleted = yield* Effect.forEach(Array.from({ length: sessions }), () => use, {
      concurrency: concurrencyOf(seed),
      discard: true
    }).pipe(
      Effect.zipRight(Effect.flatMap(Agb.Agb, (agb) => agb.undeleted)),
      Effect.provide(fake.layer())
    )
    return { ledger: fake.ledger, undeleted }
  }).pipe(
    Effect.scoped,
    Effect.withRandom(Random.make(seed)),
    Effect.withTracerEnabled(false),
    Effect.provide(Logger.remove(Logger.defaultLogger)),
    withVirtualClock
  )

describe("no session is left behind", () => {
  it.live.each(seeds)("1,000 sessions, seed %i", (seed) =>
    Effect.map(run(seed, 1000), ({ ledger, undeleted }) => {
      assert.isAbove(ledger.created.length, 500, `seed ${seed}`)
      assert.deepStrictEqual({ live: ledger.live, undeleted }, { live: 0, undeleted: [] }, `seed ${seed}`)
      assert.strictEqual(ledger.deleted.length, ledger.created.length, `seed ${seed}`)
      assert.deepStrictEqual(ledger.idledOut, [], `seed ${seed}`)
    }), 60_000)
})
