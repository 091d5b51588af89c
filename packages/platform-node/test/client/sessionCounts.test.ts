/** Sessions are counted in metrics of Effect. */
import { Agb, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric } from "effect"
import { make } from "../support/fakeAgb.js"
import { withVirtualClock } from "../support/virtualClock.js"

const params = { imageId: "agb-code-space-1" }

const descriptions: Readonly<Record<string, string>> = {
  created: "Sessions that this program has created",
  deleted: "Sessions that this program has deleted, or found gone when it did so"
}

const counts = Effect.map(
  Effect.all(
    ["created", "deleted"].map((name) =>
      Metric.value(Metric.counter(`agb_sessions_${name}`, { description: descriptions[name] ?? "", incremental: true }))
    )
  ),
  (all) => all.map(({ count }) => count)
)

describe("the counters of sessions", () => {
  it.live("count what was created and what was deleted", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      const [created = 0, deleted = 0] = yield* counts
      yield* Effect.gen(function*() {
        yield* Effect.all([1, 2, 3].map(() => Session.use(params, () => Effect.void)))
        const agb = yield* Agb.Agb
        yield* agb.create(params)
      }).pipe(Effect.provide(fake.layer()))
      assert.deepStrictEqual(yield* counts, [created + 4, deleted + 3])
    }).pipe(Effect.scoped, withVirtualClock))
})
