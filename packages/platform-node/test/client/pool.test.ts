/** A pool of sessions: fair, bounded, and without sessions that nobody may use. */
import { Agb, Code, type Session, SessionPool } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Context, Deferred, Effect, Exit, Fiber, Layer, Logger, Option, Scope } from "effect"
import { dice, interrupted, misbehave } from "../support/chaos.js"
import { failsWith } from "../support/failsWith.js"
import { type FakeAgb, make } from "../support/fakeAgb.js"
import { answers, delay, rateLimited, refusal, unavailable } from "../support/faults.js"
import { python } from "../support/programs.js"
import { withVirtualClock } from "../support/virtualClock.js"

const session = { imageId: "agb-code-space-1" }

interface Bench {
  readonly agb: Agb.Agb.Service
  readonly fake: FakeAgb
}

const withFake = <A, E>(body: (bench: Bench) => Effect.Effect<A, E, Agb.Agb | Scope.Scope>) =>
  Effect.gen(function*() {
    const fake = yield* make()
    return yield* Effect.flatMap(Agb.Agb, (agb) => body({ agb, fake })).pipe(
      Effect.scoped,
      Effect.provide(fake.layer())
    )
  }).pipe(Effect.scoped, Effect.provide(Logger.remove(Logger.defaultLogger)), withVirtualClock)

const idOf = (session: Session.Session) => Effect.succeed(session.sessionId)

describe("a pool", () => {
  it.live("serves a thousand in the order of arrival, with never more sessions than it may have", () =>
    withFake(({ fake }) =>
      Effect.gen(function*() {
        const pool = yield* SessionPool.make({ session, max: 3 })
        const served: Array<number> = []
        let most = 0
        const work = (index: number) =>
          pool.use(() =>
            Effect.suspend(() => {
              served.push(index)
              most = Math.max(most, fake.ledger.live)
              return Effect.sleep("10 millis")
            })
          )
        const indices = Array.from({ length: 1000 }, (_, index) => index)
        const fibers = yield* Effect.forEach(indices, (index) => Effect.fork(work(index)))
        yield* Fiber.joinAll(fibers)
        assert.deepStrictEqual(served, indices)
        assert.deepStrictEqual([most, fake.ledger.created.length], [3, 3])
        assert.deepStrictEqual(yield* pool.stats, { size: 3, idle: 3, borrowed: 0, waiting: 0 })
      })
    ))

  it.live("keeps the minimum ready, and lets go of more after a while", () =>
    withFake(({ fake }) =>
      Effect.gen(function*() {
        const pool = yield* SessionPool.make({ session, min: 2, max: 5, maxIdle: "1 minute" })
        yield* Effect.sleep("1 second")
        assert.strictEqual((yield* pool.stats).idle, 2)
        const busy = pool.use(() => Effect.sleep("5 seconds"))
        yield* Effect.all(Array.from({ length: 5 }, () => busy), { concurrency: "unbounded" })
        assert.strictEqual(fake.ledger.live, 5)
        yield* Effect.sleep("2 minutes")
        assert.deepStrictEqual([(yield* pool.stats).idle, fake.ledger.live], [2, 2])
      })
    ))

  it.live("lends no session that is lost, too old, unhealthy or met a defect", () =>
    withFake(({ agb, fake }) =>
      Effect.gen(function*() {
        let isHealthy = true
        const pool = yield* SessionPool.make({
          session,
          max: 1,
          maxAge: "1 hour",
          health: (session) =>
            isHealthy ? Effect.map(session.status, (status) => status === "RUNNING") : Effect.fail("ill")
        })
        const first = yield* pool.use(idOf)
        assert.strictEqual(yield* pool.use(idOf), first)

        yield* agb.client.releaseSession({ sessionId: first })
        const second = yield* pool.use(idOf)
        assert.notStrictEqual(second, first)

        const defect = yield* Effect.exit(pool.use(() => Effect.die("defect")))
        assert.isTrue(Exit.isFailure(defect) && Cause.isDie(defect.cause))
        const third = yield* pool.use(idOf)
        assert.notStrictEqual(third, second)

        yield* Effect.flip(pool.use(() => Effect.fail("failure")))
        yield* Effect.exit(pool.use(() => Effect.interrupt))
        assert.strictEqual(yield* pool.use(idOf), third)

        yield* Effect.sleep("61 minutes")
        const fourth = yield* pool.use(idOf)
        assert.notStrictEqual(fourth, third)

        isHealthy = false
        const waiting = yield* Effect.fork(pool.use(idOf))
        yield* Effect.sleep("1 second")
        isHealthy = true
        assert.notStrictEqual(yield* Fiber.join(waiting), fourth)
        assert.strictEqual(fake.ledger.live, 1)
      })
    ))

  it.live("resets what was returned, and deletes what cannot be reset", () =>
    withFake(() =>
      Effect.gen(function*() {
        const resets: Array<string> = []
        let fails = false
        const pool = yield* SessionPool.make({
          session,
          max: 1,
          reset: ({ sessionId }) =>
            Effect.suspend(() => {
              resets.push(sessionId)
              return fails ? Effect.fail("no") : Effect.sleep("1 second")
            })
        })
        const first = yield* pool.use(idOf)
        assert.strictEqual(yield* pool.use(idOf), first)
        yield* Effect.sleep("10 seconds")
        assert.deepStrictEqual(resets, [first, first])
        fails = true
        const last = yield* pool.use(idOf)
        assert.notStrictEqual(yield* pool.use(idOf), last)
      })
    ))

  it.live("says how long a borrower has waited", () =>
    withFake(() =>
      Effect.gen(function*() {
        const pool = yield* SessionPool.make({ session, max: 1, maxWait: "3 seconds" })
        yield* pool.borrow
        const error = yield* failsWith(pool.use(idOf), "PoolExhaustedError")
        assert.deepStrictEqual([error.waitedMillis, error.max, error.mayHaveHappened], [3000, 1, false])
        assert.strictEqual((yield* pool.stats).waiting, 0)
      })
    ))

  it.live("tells the error of a create to whom it was made for, and goes on", () =>
    withFake(({ fake }) =>
      Effect.gen(function*() {
        const pool = yield* SessionPool.make({ session, max: 2 })
        fake.faults.always("createSession", unavailable("before"))
        yield* failsWith(pool.use(idOf), "ServerError")
        fake.faults.always("createSession", delay(1))
        yield* pool.use(idOf)
        assert.deepStrictEqual(yield* pool.stats, { size: 1, idle: 1, borrowed: 0, waiting: 0 })
      })
    ))

  it.live("tells the error of a create to who waits also while it creates the minimum, and makes a pause", () =>
    withFake(({ fake }) =>
      Effect.gen(function*() {
        fake.faults.always("createSession", answers("before", refusal(404, "InvalidImage", "no such image")))
        const pool = yield* SessionPool.make({ session, min: 3, max: 4 })
        yield* failsWith(Effect.timeout(pool.use(idOf), "20 seconds"), "RequestRejectedError")
        yield* Effect.sleep("10 seconds")
        assert.isAtMost(fake.ledger.count("createSession"), 20)
        fake.faults.clear()
        yield* Effect.sleep("30 seconds")
        assert.strictEqual((yield* pool.stats).idle, 3)
      })
    ))

  it.live("that outlives its service tells who comes, and no longer creates its minimum", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      const service = yield* Scope.make()
      const agb = Context.get(yield* Layer.buildWithScope(fake.layer(), service), Agb.Agb)
      const warnings: Array<unknown> = []
      const logger = Logger.make(({ message }) => warnings.push(message))
      yield* Effect.gen(function*() {
        const pool = yield* SessionPool.make({ session, min: 2, max: 4 })
        yield* Effect.sleep("1 second")
        yield* Scope.close(service, Exit.void)
        for (let nth = 0; nth < 2; nth++) {
          yield* failsWith(Effect.timeout(pool.use(idOf), "5 seconds"), "InvalidRequestError")
        }
        const before = warnings.length
        yield* Effect.sleep("10 minutes")
        assert.deepStrictEqual([warnings.length - before, fake.ledger.live], [0, 0])
      }).pipe(
        Effect.scoped,
        Effect.provideService(Agb.Agb, agb),
        Effect.provide(Logger.replace(Logger.defaultLogger, logger))
      )
    }).pipe(Effect.scoped, withVirtualClock))

  it.live("makes one pause of a retry-after, for all creates", () =>
    withFake(({ fake }) =>
      Effect.gen(function*() {
        const pool = yield* SessionPool.make({ session, max: 20 })
        const first = yield* Deferred.make<void>()
        yield* Effect.fork(pool.use(() => Deferred.await(first)))
        yield* Effect.sleep("1 second")
        fake.faults.always("createSession", rateLimited("120"))
        const before = fake.ledger.count("createSession")
        const waiting = yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.fork(pool.use(idOf)))
        yield* Effect.sleep("100 seconds")
        const asked = fake.ledger.count("createSession") - before
        assert.isAtMost(asked, 10)
        fake.faults.always("createSession", delay(1))
        yield* Effect.sleep("1 minute")
        yield* Deferred.succeed(first, undefined)
        yield* Fiber.joinAll(waiting)
      })
    ))

  it.live("refuses options by name", () =>
    withFake(() =>
      Effect.gen(function*() {
        const options = { session, max: 2 }
        const bad: ReadonlyArray<readonly [string, object]> = [
          ["max", { max: 0 }],
          ["max", { max: 1.5 }],
          ["min", { min: 3 }],
          ["maxAge", { maxAge: "-1 second" }],
          ["maxWait", { maxWait: "soon" }],
          ["size", { size: 3 }]
        ]
        for (const [field, wrong] of bad) {
          const error = yield* failsWith(SessionPool.make({ ...options, ...wrong }), "InvalidRequestError")
          assert.strictEqual(error.field, field)
        }
      })
    ))
})

describe("the end of a pool", () => {
  it.live("deletes what is borrowed, idle and being created, and refuses who waits", () =>
    withFake(({ agb, fake }) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const pool = yield* Scope.extend(SessionPool.make({ session, max: 15 }), scope)
        const use = Effect.exit(pool.use(() => Effect.never))
        for (let borrowed = 0; borrowed < 10; borrowed++) yield* Effect.forkDaemon(use)
        yield* Effect.sleep("1 second")
        fake.faults.always("createSession", delay(3000, "after"))
        const waiting = yield* Effect.forEach(Array.from({ length: 15 }), () => Effect.forkDaemon(pool.use(idOf)))
        yield* Effect.sleep("1 second")
        assert.deepStrictEqual(yield* pool.stats, { size: 15, idle: 0, borrowed: 10, waiting: 15 })
        const start = yield* Clock.currentTimeMillis
        yield* Scope.close(scope, Exit.void)
        assert.isAtMost((yield* Clock.currentTimeMillis) - start, 5000)
        for (const fiber of waiting) yield* failsWith(Fiber.join(fiber), "InvalidRequestError")
        yield* Effect.sleep("4 seconds")
        assert.deepStrictEqual([fake.ledger.live, yield* agb.undeleted], [0, []])
        yield* failsWith(pool.use(idOf), "InvalidRequestError")
      })
    ))
})

describe("a pool whose borrowers are interrupted", () => {
  it.live("at any step loses no place and no session", () =>
    Effect.forEach(
      Array.from({ length: 60 }, (_, nth) => nth * 3),
      (steps) =>
        withFake(({ fake }) =>
          Effect.gen(function*() {
            const pool = yield* SessionPool.make({ session, max: 2, reset: () => Effect.yieldNow() })
            const fibers = yield* Effect.forEach([1, 2, 3, 4], () => Effect.fork(pool.use(() => Effect.yieldNow())))
            yield* Effect.repeatN(Effect.yieldNow(), steps)
            yield* Fiber.interruptAll(fibers)
            const ids = yield* Effect.scoped(Effect.all([pool.borrow, pool.borrow], { concurrency: 2 }))
            assert.strictEqual(new Set(ids.map(({ sessionId }) => sessionId)).size, 2)
            yield* Effect.sleep("1 minute")
            const { borrowed, size } = yield* pool.stats
            assert.deepStrictEqual(
              [borrowed, size, fake.ledger.live <= 2],
              [0, fake.ledger.live, true],
              `${steps} steps`
            )
          }).pipe(Effect.withMaxOpsBeforeYield(11))
        ),
      { discard: true }
    ))

  it.live("after the session was granted pass it on", () =>
    withFake(() =>
      Effect.gen(function*() {
        const pool = yield* SessionPool.make({ session, max: 1 })
        yield* pool.use(idOf)
        const borrowing = yield* Effect.fork(pool.use(() => Effect.never))
        const isGranted = Effect.map(pool.stats, ({ borrowed, waiting }) => borrowed === 1 && waiting === 0)
        yield* Effect.yieldNow().pipe(Effect.zipRight(isGranted), Effect.repeat({ until: (granted) => granted }))
        yield* Fiber.interrupt(borrowing)
        assert.strictEqual((yield* pool.stats).borrowed, 0)
        assert.isTrue(Option.isSome(yield* Effect.timeoutOption(pool.use(idOf), "1 hour")))
      })
    ))

  it.live("on a server that misbehaves leaves no session behind", () =>
    withFake(({ agb, fake }) =>
      Effect.gen(function*() {
        const roll = dice(11)
        misbehave(fake.faults, roll, 300)
        yield* Effect.scoped(Effect.gen(function*() {
          const pool = yield* SessionPool.make({ session, min: 2, max: 10, maxIdle: "2 seconds" })
          const work = Effect.suspend(() => pool.use(() => Effect.sleep(roll() * 400)).pipe(interrupted(roll, 1500)))
          yield* Effect.forEach(Array.from({ length: 500 }), () => Effect.ignore(work), { concurrency: 50 })
          assert.strictEqual((yield* pool.stats).borrowed, 0)
        }))
        assert.deepStrictEqual([fake.ledger.live, yield* agb.undeleted, fake.ledger.idledOut], [0, [], []])
      })
    ))
})

describe("modules over a pool", () => {
  it.live("survive the loss of a session", () =>
    withFake(({ agb, fake }) =>
      Effect.gen(function*() {
        const code = yield* Code.Code
        const run = code.runCode(python.prints.code, "python")
        yield* run
        const [lost] = fake.ledger.created
        yield* agb.client.releaseSession({ sessionId: lost ?? "" })
        yield* run
        assert.strictEqual(fake.ledger.created.length, 2)
      }).pipe(
        Effect.provide(SessionPool.layerSession),
        Effect.provide(SessionPool.layer({ session, max: 1 }))
      )
    ))
})
