/** A `Retry-After` that one create is told holds for all creates of a client. */
import { type AgbError, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Exit, Fiber, Layer, type Scope } from "effect"
import { failsWith } from "../support/failsWith.js"
import { type FakeAgb, make } from "../support/fakeAgb.js"
import { answers, delay, rateLimited, refusal, silent } from "../support/faults.js"
import { withVirtualClock } from "../support/virtualClock.js"

const withClient = <A, E>(
  body: (
    fake: FakeAgb,
    create: Effect.Effect<Session.Session, AgbError.ClientError, Scope.Scope>
  ) => Effect.Effect<A, E, Scope.Scope>
) =>
  Effect.gen(function*() {
    const fake = yield* make()
    const context = yield* Layer.build(fake.layer({ timeout: "50 seconds" }))
    const create = Effect.provide(Session.make({ imageId: "agb-code-space-1", idleTimeout: "1 day" }), context)
    return yield* body(fake, create)
  }).pipe(Effect.scoped, withVirtualClock)

const times = (count: number) => Array.from({ length: count })
const asked = (fake: FakeAgb) => fake.ledger.count("createSession")
const pass = (duration: Duration.DurationInput) => Effect.sleep(duration)

describe("a retry-after of a create", () => {
  it.live("is waited for by all, and then one asks first", () =>
    withClient((fake, create) =>
      Effect.gen(function*() {
        fake.faults.next("createSession", rateLimited("20"), delay(5000))
        const creators = [yield* Effect.fork(create)]
        yield* pass("1 second")
        for (const _ of times(9)) creators.push(yield* Effect.fork(create))
        yield* pass("18 seconds")
        assert.strictEqual(asked(fake), 1)
        yield* pass("3 seconds")
        assert.strictEqual(asked(fake), 2)
        yield* pass("5 seconds")
        const exits = yield* Effect.forEach(creators, Fiber.await)
        assert.isTrue(exits.every(Exit.isSuccess))
        assert.deepStrictEqual([asked(fake), fake.ledger.live], [11, 10])
      })
    ))

  it.live("goes on when the first is told to wait again, a 503 counts as well", () =>
    withClient((fake, create) =>
      Effect.gen(function*() {
        const unavailable = refusal(503, "ServiceUnavailable", "later", { "retry-after": "10" })
        fake.faults.next("createSession", rateLimited("10"), answers("before", unavailable))
        const creators: Array<Fiber.Fiber<unknown, unknown>> = []
        creators.push(yield* Effect.fork(create))
        yield* pass("1 second")
        for (const _ of times(9)) creators.push(yield* Effect.fork(create))
        yield* pass("11 seconds")
        assert.strictEqual(asked(fake), 2)
        yield* pass("7 seconds")
        assert.strictEqual(asked(fake), 2)
        yield* pass("15 seconds")
        const exits = yield* Effect.forEach(creators, Fiber.await)
        assert.isTrue(exits.every(Exit.isSuccess))
      })
    ))

  it.live("does not stop the others when who goes first is interrupted", () =>
    withClient((fake, create) =>
      Effect.gen(function*() {
        fake.faults.next("createSession", rateLimited("10"), silent("before"))
        const first = yield* Effect.fork(create)
        yield* pass("1 second")
        const second = yield* Effect.fork(create)
        yield* pass("12 seconds")
        assert.strictEqual(asked(fake), 2)
        // The first to arrive is the first to ask.
        yield* Fiber.interrupt(first)
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(second)))
      })
    ))

  it.live("beyond the deadline is told to all at once, and holds no longer than a minute", () =>
    withClient((fake, create) =>
      Effect.gen(function*() {
        fake.faults.next("createSession", rateLimited("3600"))
        yield* failsWith(create, "RateLimitedError")
        const error = yield* failsWith(create, "RateLimitedError")
        assert.deepStrictEqual([error.retryAfterMillis, error.mayHaveHappened, asked(fake)], [60_000, false, 1])
        yield* pass("61 seconds")
        yield* create
        assert.strictEqual(asked(fake), 2)
      })
    ))
})
