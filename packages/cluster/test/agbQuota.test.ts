/** The quota of an account: so many sessions at once, first come first served, and nothing that is lost holds a permit. */
import { AgbQuota } from "@effect-agb/cluster"
import { Agb, AgbConfig, Session, Transport } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { Sharding, TestRunner } from "@effect/cluster"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { params, passing } from "./support/fixtures.js"

/** A test in which time passes. */
const test = <E>(
  name: string,
  layer: Layer.Layer<Agb.Agb | AgbTest.AgbTest | Bare | Other, E>,
  body: Effect.Effect<void, unknown, Agb.Agb | AgbTest.AgbTest | Bare | Other | Scope.Scope>
) => it.effect(name, () => Effect.raceFirst(Effect.provide(Effect.scoped(body), layer), passing("500 millis")))

/** The service without the quota. */
class Bare extends Context.Tag("Bare")<Bare, Agb.Agb.Service>() {}

/** Another program with the same quota, which does not know what the service asks the first. */
class Other extends Context.Tag("Other")<Other, Agb.Agb.Service>() {}

const config = AgbConfig.layer({
  apiKey: AgbTest.secrets.apiKey,
  endpoint: "https://api.agb.test",
  retry: { maxAttempts: 5 }
})

const limited = (
  maxSessions: number,
  faults: Parameters<typeof AgbTest.faults>[0] = {},
  cluster: Layer.Layer<Sharding.Sharding> = TestRunner.layer
) => {
  const agb = Agb.layerTransport.pipe(
    Layer.provide(Layer.effect(Transport.Transport, Effect.map(AgbTest.AgbTest, ({ transport }) => transport))),
    Layer.provide(config)
  )
  const quota = AgbQuota.layer(Layer.fresh(agb), { maxSessions })
  return quota.pipe(
    Layer.provide(AgbTest.faults(faults)),
    Layer.provideMerge(Layer.effect(Other, Agb.Agb).pipe(Layer.provide(Layer.fresh(quota)))),
    Layer.provideMerge(Layer.effect(Bare, Agb.Agb).pipe(Layer.provide(Layer.fresh(agb)))),
    Layer.provideMerge(Layer.merge(cluster, Layer.scoped(AgbTest.AgbTest, AgbTest.make())))
  )
}

/** A cluster whose entities are lost with the first runner, and begin anew on the second. */
const makeLosing = Effect.gen(function*() {
  const isLost = yield* Deferred.make<void>()
  const died = Effect.zipRight(Deferred.await(isLost), Effect.dieMessage("the runner is gone"))
  const sharding = Effect.map(Layer.build(TestRunner.layer), Context.get(Sharding.Sharding))
  const cluster = Effect.zipWith(sharding, sharding, (first, second) => ({
    ...first,
    registerEntity: (...args: Parameters<typeof first.registerEntity>) =>
      Effect.zipRight(first.registerEntity(...args), second.registerEntity(...args)),
    makeClient: (entity: Parameters<typeof first.makeClient>[0]) =>
      Effect.zipWith(
        first.makeClient(entity),
        second.makeClient(entity),
        (one, other) => (id: string) =>
          new Proxy({}, {
            get: (_, name: string) => (payload: unknown) =>
              Effect.flatMap(
                Deferred.isDone(isLost),
                (isDone) =>
                  isDone ? call(other(id), name, payload) : Effect.raceFirst(call(one(id), name, payload), died)
              )
          })
      )
  } as unknown as typeof first))
  return { layer: Layer.scoped(Sharding.Sharding, cluster), lose: Deferred.succeed(isLost, undefined) }
})

/** A client of an entity, as far as the test sees it. */
type Calls = Readonly<Record<string, (payload: unknown) => Effect.Effect<unknown, unknown>>>

const call = (client: unknown, name: string, payload: unknown): Effect.Effect<unknown, unknown> =>
  (client as Calls)[name]?.(payload) ?? Effect.dieMessage(`no call ${name}`)

const running = Effect.flatMap(
  AgbTest.AgbTest,
  ({ sessions }) => Effect.map(sessions, (all) => all.filter(({ status }) => status === "Running").length)
)

const until = (isTrue: () => boolean) => Effect.repeat(Effect.sleep("500 millis"), { until: isTrue })

/** A session until the scope ends. */
const open = Effect.gen(function*() {
  const scope = yield* Scope.make()
  yield* Scope.extend(Session.make(params), scope)
  return Scope.close(scope, Exit.void)
})

describe("a quota", () => {
  test(
    "lets no more sessions be created than it says, and who waits comes first",
    limited(2),
    Effect.gen(function*() {
      const ends = yield* Effect.all([open, open], { concurrency: 2 })
      const order: Array<number> = []
      const waiting: Array<Fiber.Fiber<Effect.Effect<void>, unknown>> = []
      for (const nth of [1, 2, 3]) {
        waiting.push(yield* Effect.forkScoped(Effect.tap(open, () => Effect.sync(() => order.push(nth)))))
        yield* Effect.sleep("1 second")
      }
      yield* Effect.sleep("20 seconds")
      assert.deepStrictEqual([yield* running, order], [2, []])
      yield* ends[0]!
      yield* until(() => order.length > 0)
      yield* Effect.sleep("5 seconds")
      assert.deepStrictEqual([yield* running, order], [2, [1]])
      yield* Fiber.interrupt(waiting[1]!)
      yield* ends[1]!
      yield* until(() => order.length > 1)
      assert.deepStrictEqual([yield* running, order], [2, [1, 3]])
    })
  )

  it.effect("goes on when the runner that counts is lost: no session too many, and who waits keeps the place", () =>
    Effect.gen(function*() {
      const { layer, lose } = yield* makeLosing
      const order: Array<number> = []
      const body = Effect.gen(function*() {
        const most = { sessions: 0 }
        yield* Effect.forkScoped(Effect.forever(Effect.zipRight(
          Effect.map(running, (now) => most.sessions = Math.max(most.sessions, now)),
          Effect.sleep("500 millis")
        )))
        const [first, second] = yield* Effect.all([open, open], { concurrency: 2 })
        const slow = yield* Effect.forkScoped(open)
        yield* Effect.sleep("1 second")
        const waiting: Array<Fiber.Fiber<Effect.Effect<void>, unknown>> = []
        for (const nth of [1, 2, 3]) {
          waiting.push(yield* Effect.forkScoped(Effect.tap(open, () => Effect.sync(() => order.push(nth)))))
          yield* Effect.sleep("1 second")
        }
        // The create that gets this place ends long after the loss, and counts all the time.
        yield* second
        yield* Effect.sleep("1 second")
        yield* lose
        yield* first
        yield* Effect.sleep("30 seconds")
        assert.deepStrictEqual([yield* running, order], [1, [1]])
        const ends = [yield* Fiber.join(slow), yield* Fiber.join(waiting[0]!)]
        yield* Effect.sleep("2 seconds")
        yield* Effect.all(ends)
        yield* Fiber.join(waiting[2]!)
        assert.deepStrictEqual([order, most.sessions], [[1, 2, 3], 2])
      })
      const faults = { createSession: [AgbTest.delay(1), AgbTest.delay(1), AgbTest.delay("50 seconds")] }
      yield* Effect.raceFirst(Effect.provide(Effect.scoped(body), limited(2, faults, layer)), passing("500 millis"))
    }))

  test(
    "counts sessions that others created, and not those that ended by themselves",
    limited(1),
    Effect.gen(function*() {
      const { expire } = yield* AgbTest.AgbTest
      const other = yield* Effect.flatMap(Bare, (agb) => agb.create(params))
      const waiting = yield* Effect.forkScoped(open)
      yield* Effect.sleep("50 seconds")
      assert.strictEqual(yield* running, 1)
      yield* expire(other.sessionId)
      assert.strictEqual(yield* running, 0)
      yield* Fiber.join(waiting)
      assert.strictEqual(yield* running, 1)
    })
  )

  test(
    "finds a session that exists without a permit",
    limited(1),
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const first = yield* agb.ensure("mine", params)
      const again = yield* agb.ensure("mine", params)
      assert.strictEqual(again.sessionId, first.sessionId)
      yield* agb.delete(first.sessionId)
      yield* agb.delete((yield* agb.create(params)).sessionId)
      assert.strictEqual(yield* running, 0)
    })
  )

  test(
    "loses no permit to creates that fail or end in doubt",
    limited(1, { createSession: [AgbTest.quotaExceeded, AgbTest.silence("after")] }),
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      assert.strictEqual((yield* Effect.flip(agb.create({ imageId: " " })))._tag, "InvalidRequestError")
      assert.strictEqual((yield* Effect.flip(agb.create(params)))._tag, "RequestRejectedError")
      const interrupted = yield* Effect.forkScoped(agb.create(params))
      yield* Effect.sleep("5 seconds")
      yield* Fiber.interrupt(interrupted)
      yield* agb.create(params)
      assert.strictEqual(yield* running, 1)
    })
  )

  test(
    "holds back all creates for as long as the service asked one",
    limited(2, { createSession: [AgbTest.rateLimited(45)] }),
    Effect.gen(function*() {
      const first = yield* Effect.forkScoped(open)
      yield* Effect.sleep("20 seconds")
      const other = yield* Other
      const second = yield* Effect.forkScoped(other.ensure("mine", params))
      yield* Effect.sleep("20 seconds")
      const { ledger } = yield* AgbTest.AgbTest
      const creates = Effect.map(
        ledger,
        (all) => all.filter((one) => one._tag === "RequestReceived" && one.point === "createSession").length
      )
      assert.strictEqual(yield* creates, 0)
      yield* Effect.all([Fiber.join(first), Fiber.join(second)])
      assert.strictEqual(yield* running, 2)
    })
  )
})
