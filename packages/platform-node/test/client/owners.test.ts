/** One session per owner, and going on with the session of another program. */
import { Agb, Session, SessionRef } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Schema, type Scope, Stream } from "effect"
import { dice, misbehave } from "../support/chaos.js"
import { failsWith } from "../support/failsWith.js"
import { type FakeAgb, make } from "../support/fakeAgb.js"
import { changed, delay } from "../support/faults.js"
import { withVirtualClock } from "../support/virtualClock.js"

const params = { imageId: "agb-code-space-1", labels: { project: "x" }, idleTimeout: "1 minute" } as const

const withFake = <A, E>(body: (fake: FakeAgb) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.flatMap(make(), body).pipe(
    Effect.scoped,
    Effect.provide(Logger.remove(Logger.defaultLogger)),
    withVirtualClock
  )

/** A program of its own on the same server. */
const program = (fake: FakeAgb) => Effect.map(Layer.build(fake.layer()), (context) => Effect.provide(context))

const ensure = (owner: string) => Effect.flatMap(Agb.Agb, (agb) => agb.ensure(owner, params))

describe("the session of an owner", () => {
  it.live("is the same for everybody who asks, and belongs to nobody", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const [one, other] = [yield* program(fake), yield* program(fake)]
        const ref = yield* one(ensure("user 42"))
        assert.strictEqual((yield* other(ensure("user 42"))).sessionId, ref.sessionId)
        assert.notStrictEqual((yield* other(ensure("user 43"))).sessionId, ref.sessionId)
        const session = yield* one(Session.attach(ref.sessionId))
        assert.deepStrictEqual(yield* session.getLabels, { project: "x" })
        yield* Effect.sleep("2 minutes")
        yield* failsWith(session.info, "SessionLostError")
        assert.notStrictEqual((yield* one(ensure("user 42"))).sessionId, ref.sessionId)
      })
    ))

  it.live("is one, however many programs ask at the same time", () =>
    Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (seed) =>
      withFake((fake) =>
        Effect.gen(function*() {
          const roll = dice(seed)
          for (const point of ["createSession", "listSession", "getLabel", "setLabel"] as const) {
            fake.faults.always(point, () => delay(roll() * 3000, roll() < 0.5 ? "before" : "after"))
          }
          const fibers = yield* Effect.forEach([1, 2, 3, 4], () =>
            Effect.gen(function*() {
              const own = yield* program(fake)
              yield* Effect.sleep(roll() * 2000)
              return (yield* own(ensure("one"))).sessionId
            }).pipe(Effect.fork))
          const ids = new Set(yield* Fiber.join(Fiber.all(fibers)))
          assert.deepStrictEqual([ids.size, fake.ledger.live], [1, 1], `seed ${seed}`)
        })
      ), { discard: true }))

  /** Programs that ask one second after the other; the create of the first takes three. */
  const staggered = (fake: FakeAgb) =>
    Effect.gen(function*() {
      fake.faults.next("createSession", delay(3000))
      const ask = Effect.flatMap(program(fake), (own) => own(ensure("one")))
      const first = yield* Effect.fork(ask)
      yield* Effect.repeat(Effect.sleep("1 second"), { until: () => fake.ledger.count("createSession") === 1 })
      const ids = [(yield* ask).sessionId, (yield* Fiber.join(first)).sessionId]
      assert.deepStrictEqual([new Set(ids).size, fake.ledger.live], [1, 1])
    })

  it.live("stays the one that was chosen, though an older one appears", () => withFake(staggered))

  it.live("is the older of two that appear while neither is chosen", () =>
    withFake((fake) => {
      fake.faults.always("setLabel", delay(3000))
      return staggered(fake)
    }))

  it.live("is one also where programs are interrupted, or the server misbehaves", () =>
    Effect.forEach([1, 2, 3], (seed) =>
      withFake((fake) =>
        Effect.gen(function*() {
          const roll = dice(seed)
          misbehave(fake.faults, roll, 300)
          for (let nth = 0; nth < 10; nth++) {
            const own = yield* program(fake)
            const asking = yield* Effect.fork(Effect.ignore(own(ensure("one"))))
            yield* Effect.sleep(roll() * 600)
            yield* Fiber.interrupt(asking)
          }
          const own = yield* program(fake)
          const ref = yield* Effect.retry(own(ensure("one")), { times: 20 })
          yield* Effect.sleep("50 seconds")
          const live = fake.ledger.created.filter((id) =>
            ![...fake.ledger.deleted, ...fake.ledger.idledOut].includes(id)
          )
          assert.deepStrictEqual(live, [ref.sessionId], `seed ${seed}`)
        })
      ), { discard: true }))

  it.live("stays for those who have found it, though the program that made it is interrupted", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const [one, other] = [yield* program(fake), yield* program(fake)]
        fake.faults.next("setLabel", delay(3000, "after"))
        const asking = yield* Effect.fork(one(ensure("one")))
        yield* Effect.repeat(Effect.sleep("1 second"), { until: () => fake.ledger.count("setLabel") === 1 })
        const { sessionId } = yield* other(ensure("one"))
        yield* Fiber.interrupt(asking)
        yield* other(Effect.flatMap(Session.attach(sessionId), ({ info }) => info))
        assert.deepStrictEqual([(yield* other(ensure("one"))).sessionId, fake.ledger.deleted], [sessionId, []])
      })
    ))

  it.live("is left alone though a list names it twice", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const own = yield* program(fake)
        const { sessionId } = yield* own(ensure("one"))
        fake.faults.always(
          "listSession",
          changed((body) => body.replace(/("data":\[)(\{[^}]*\})/, "$1$2,$2"))
        )
        assert.strictEqual((yield* own(ensure("one"))).sessionId, sessionId)
        assert.deepStrictEqual([fake.ledger.live, fake.ledger.deleted], [1, []])
      })
    ))

  it.live("whose program died before it had decided is replaced", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const own = yield* program(fake)
        const labels = { "effect-agb-owner": "one", "effect-agb-since": "1", "effect-agb-attempt": "x" }
        const client = Effect.map(Agb.Agb, ({ client }) => client)
        const { sessionId } = yield* own(
          Effect.flatMap(client, (client) => client.createSession({ imageId: "i", labels, timeout: 600 }))
        )
        assert.notStrictEqual((yield* own(ensure("one"))).sessionId, sessionId)
        assert.strictEqual(fake.ledger.live, 1)
      })
    ))

  it.live("needs an owner and parameters that are in order", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const own = yield* program(fake)
        const { field } = yield* failsWith(own(ensure(" ")), "InvalidRequestError")
        assert.strictEqual(field, "owner")
        const reserved = { ...params, labels: { "effect-agb-owner": "me" } }
        const error = yield* failsWith(own(Effect.scoped(Session.make(reserved))), "InvalidRequestError")
        assert.strictEqual(error.field, "labels")
        assert.deepStrictEqual(fake.ledger.requests.length, 0)
      })
    ))
})

describe("a session that is resumed", () => {
  it.live("by a reference that was stored lives while its scope does, and is not deleted", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const [one, other] = [yield* program(fake), yield* program(fake)]
        const stored = yield* Schema.encode(Schema.parseJson(SessionRef.SessionRef))(yield* one(ensure("one")))
        const ref = yield* Schema.decode(Schema.parseJson(SessionRef.SessionRef))(stored)
        yield* other(Effect.scoped(Effect.gen(function*() {
          const session = yield* Session.resume(ref)
          assert.deepStrictEqual([session.ref, session.imageId], [ref, params.imageId])
          yield* Effect.sleep("10 minutes")
          yield* session.info
        })))
        const list = Effect.flatMap(Agb.Agb, (agb) => Stream.runCollect(agb.list()))
        assert.strictEqual((yield* one(list)).length, 1)
        yield* Effect.sleep("2 minutes")
        yield* failsWith(one(Effect.scoped(Session.resume(ref))), "SessionLostError")
      })
    ))
})
