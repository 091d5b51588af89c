/** When the server releases a session that is not kept alive. */
import { Agb, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Logger, Option, type Scope } from "effect"
import { type FakeAgb, make } from "../support/fakeAgb.js"
import { unavailable } from "../support/faults.js"
import { withVirtualClock } from "../support/virtualClock.js"

const params = { imageId: "agb-code-space-1", idleTimeout: "90 seconds" } as const

const withFake = <A, E>(
  body: (fake: FakeAgb, warnings: ReadonlyArray<string>) => Effect.Effect<A, E, Scope.Scope | Agb.Agb>
) =>
  Effect.gen(function*() {
    const warnings: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (logLevel._tag === "Warning") warnings.push(String(message))
    })
    const fake = yield* make()
    return yield* body(fake, warnings).pipe(
      Effect.provide(Layer.provideMerge(fake.layer(), Logger.replace(Logger.defaultLogger, logger)))
    )
  }).pipe(Effect.scoped, withVirtualClock)

/** Seconds from now. */
const left = ({ expiresAt }: Session.Session) =>
  Effect.zipWith(
    expiresAt,
    Clock.currentTimeMillis,
    (time, now) => Option.getOrUndefined(Option.map(time, (date) => Math.round((date.getTime() - now) / 1000)))
  )

describe("the end of a session", () => {
  it.live("is its idle timeout after the last keep-alive", () =>
    withFake(() =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        assert.strictEqual(yield* left(session), 90)
        yield* Effect.sleep("20 seconds")
        assert.strictEqual(yield* left(session), 70)
        yield* session.keepAlive
        assert.strictEqual(yield* left(session), 90)
        yield* Effect.sleep("15 seconds")
        // The keep-alive of the SDK came after 30 seconds.
        assert.strictEqual(yield* left(session), 85)
      })
    ))

  it.live("is known of one that goes on from a reference, and not of one that is attached or gone", () =>
    withFake(() =>
      Effect.gen(function*() {
        const agb = yield* Agb.Agb
        const resumed = yield* Session.resume(yield* agb.ensure("somebody", params))
        assert.strictEqual(yield* left(resumed), 90)
        assert.strictEqual(yield* left(yield* Session.attach(resumed.sessionId)), undefined)
        const session = yield* agb.create(params)
        yield* agb.delete(session.sessionId)
        assert.strictEqual(yield* left(session), undefined)
      })
    ))

  it.live("is warned of once in each outage, when a third of the time is left", () =>
    withFake((fake, warnings) =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const end = Option.getOrThrow(yield* session.expiresAt).toISOString()
        fake.faults.always("refreshSessionIdleTime", unavailable("before"))
        yield* Effect.sleep("55 seconds")
        assert.deepStrictEqual(warnings, [])
        yield* Effect.sleep("25 seconds")
        assert.deepStrictEqual(
          warnings.map((text) => text.split(",").slice(0, 2).join(",")),
          [`The keep-alive of a session fails: unless it is used, the server releases it at ${end}`]
        )
        fake.faults.clear()
        yield* Effect.sleep("40 seconds")
        fake.faults.always("refreshSessionIdleTime", unavailable("before"))
        yield* Effect.sleep("79 seconds")
        assert.strictEqual(warnings.length, 2)
      })
    ))
})
