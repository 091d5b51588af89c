/**
 * A thousand programs with a session of their own or of a pool, on a server that loses replies, fails after the work and refuses
 * deletions, while they are interrupted at any point, also amid streams. At the end nothing lives that nobody deleted.
 */
import { Agb } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Random, Stream } from "effect"
import { dice, misbehave } from "./chaos.js"
import { files, oneOf, process, run } from "./chaosWork.js"
import { make } from "./fakeAgb.js"
import { python } from "./programs.js"
import { withVirtualClock } from "./virtualClock.js"

/** Every fifth time they all begin at once. */
const concurrencyOf = (seed: number) => seed % 5 === 0 ? "unbounded" : 200

/** Every fourth time some of them stream files and code, start processes and share a pool. */
const runSeed = (seed: number, sessions: number) =>
  Effect.gen(function*() {
    const fake = yield* make()
    const roll = dice(seed)
    misbehave(fake.faults, roll, 300)
    const rest = Effect.suspend(() => Effect.sleep(roll() * 400))
    const isMixed = seed % 4 === 0
    const work = isMixed
      ? oneOf(roll, [
        [0.01, files],
        [0.005, process("printf out; printf err >&2")],
        [0.005, ({ code }) => Stream.runDrain(code.runCodeStream(python.prints.code, "python"))],
        [0.98, () => rest]
      ])
      : () => rest
    const undeleted = yield* run({
      roll,
      work,
      programs: sessions,
      concurrency: concurrencyOf(seed),
      pool: { max: 30, share: isMixed ? 0.1 : 0 },
      longestMillis: 1500
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

/** Declares a test for each seed. */
export const leavesNothing = (seeds: ReadonlyArray<number>) =>
  describe("no session is left behind", () => {
    it.live.each(seeds)("1,000 sessions, seed %i", (seed) =>
      Effect.map(runSeed(seed, 1000), ({ ledger, undeleted }) => {
        assert.isAbove(ledger.created.length, 500, `seed ${seed}`)
        assert.deepStrictEqual({ live: ledger.live, undeleted }, { live: 0, undeleted: [] }, `seed ${seed}`)
        assert.strictEqual(ledger.deleted.length, ledger.created.length, `seed ${seed}`)
        assert.deepStrictEqual(ledger.idledOut, [], `seed ${seed}`)
      }))
  })
