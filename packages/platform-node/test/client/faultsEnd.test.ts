/** The end of the service: what is in flight, in doubt or asked for too late. */
import { Agb, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Layer, Logger, Scope } from "effect"
import { failsWith } from "../support/failsWith.js"
import { type FakeAgb, make } from "../support/fakeAgb.js"
import {
  answers,
  changed,
  cut,
  delay,
  type Fault,
  late,
  lostReply,
  rateLimited,
  refusal,
  silent,
  unavailable
} from "../support/faults.js"
import { withVirtualClock } from "../support/virtualClock.js"

const imageId = "agb-code-space-1"

type Options = Parameters<FakeAgb["layer"]>[0]

interface Service {
  readonly agb: Agb.Agb.Service
  readonly fake: FakeAgb
  /** The lines at level error. */
  readonly errors: ReadonlyArray<string>
  /** Ends the layer; returns how long that took. */
  readonly end: Effect.Effect<number>
}

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const start = yield* Clock.currentTimeMillis
    yield* effect
    return (yield* Clock.currentTimeMillis) - start
  })

/** A service whose layer the test ends itself. */
const withService = <A, E>(body: (service: Service) => Effect.Effect<A, E, Agb.Agb | Scope.Scope>, options?: Options) =>
  Effect.gen(function*() {
    const errors: Array<string> = []
    const capture = Logger.make(({ annotations, logLevel, message }) => {
      if (logLevel.label === "ERROR") errors.push(JSON.stringify([message, Object.fromEntries(annotations)]))
    })
    yield* Effect.gen(function*() {
      const fake = yield* make()
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(fake.layer(options), scope)
      const agb = yield* Effect.provide(Agb.Agb, context)
      const end = timed(Scope.close(scope, Exit.void))
      yield* Effect.provide(body({ agb, fake, errors, end }), context)
    }).pipe(Effect.scoped, Effect.provide(Logger.replace(Logger.defaultLogger, capture)))
  }).pipe(withVirtualClock)

const nothingLeft = ({ agb, fake }: Service) =>
  Effect.map(
    agb.undeleted,
    (undeleted) => assert.deepStrictEqual({ live: fake.ledger.live, undeleted }, { live: 0, undeleted: [] })
  )

describe("a create that is in flight when the service ends", () => {
  const create = (agb: Agb.Agb.Service, isScoped: boolean) =>
    isScoped ? Effect.asVoid(Session.make({ imageId })) : Effect.asVoid(agb.create({ imageId }))

  for (const isScoped of [true, false]) {
    const kind = isScoped ? "of a scope" : "without a scope"
    it.live(`${kind} is deleted, and its caller is told`, () =>
      withService((service) =>
        Effect.gen(function*() {
          const { agb, end, fake } = service
          fake.faults.always("createSession", delay(1000, "after"))
          const creating = yield* Effect.forkDaemon(Effect.exit(create(agb, isScoped)))
          yield* Effect.sleep("500 millis")
          assert.isAtMost(yield* end, 2000)
          assert.strictEqual(fake.ledger.created.length, 1)
          yield* nothingLeft(service)
          const error = yield* failsWith(Effect.flatten(Fiber.join(creating)), "SessionLostError")
          assert.strictEqual(error.reason, "Released")
        })
      ))

    it.live(`${kind} is deleted wherever the end strikes`, () =>
      Effect.gen(function*() {
        let created = 0
        for (let steps = 0; steps < 200; steps += 3) {
          yield* withService((service) =>
            Effect.gen(function*() {
              const { agb, end, fake } = service
              const creating = yield* Effect.forkDaemon(Effect.exit(Effect.scoped(create(agb, isScoped))))
              yield* Effect.repeatN(Effect.yieldNow(), steps)
              yield* end
              const exit = yield* Fiber.join(creating)
              created += fake.ledger.created.length
              if (!isScoped && Exit.isSuccess(exit)) return assert.strictEqual(fake.ledger.live, 1)
              yield* nothingLeft(service)
              assert.isFalse(Exit.isFailure(exit) && exit.cause._tag !== "Fail", String(exit))
            }).pipe(Effect.withMaxOpsBeforeYield(11))
          )
        }
        assert.isAbove(created, 10)
      }))
  }

  it.live("and is never answered is looked for and deleted", () =>
    withService((service) =>
      Effect.gen(function*() {
        const { agb, end, fake } = service
        fake.faults.always("createSession", silent("after"))
        const creating = yield* Effect.forkDaemon(Effect.exit(agb.create({ imageId })))
        yield* Effect.sleep("500 millis")
        assert.isAtMost(yield* end, 10_000)
        yield* nothingLeft(service)
        assert.isTrue((yield* failsWith(Effect.flatten(Fiber.join(creating)), "TransportError")).mayHaveHappened)
      })
    ))

  it.live("that comes after the end is refused, and nothing is sent", () =>
    withService(({ agb, end, errors, fake }) =>
      Effect.gen(function*() {
        const { sessionId } = yield* agb.create({ imageId })
        yield* agb.delete(sessionId)
        yield* end
        const before = fake.ledger.requests.length
        assert.strictEqual((yield* failsWith(agb.create({ imageId }), "InvalidRequestError")).field, "agb")
        assert.strictEqual((yield* failsWith(agb.delete("s-000001"), "InvalidRequestError")).field, "agb")
        assert.strictEqual(fake.ledger.requests.length, before)
        assert.deepStrictEqual([errors, yield* agb.undeleted], [[], []])
      })
    ))
})

const html = (status: number) => ({ status, headers: { "content-type": "text/html" }, body: "<html>gateway</html>" })

const jsonOf = (body: string) => ({ status: 200, headers: { "content-type": "application/json" }, body })

describe("a create in doubt that the server completes late", () => {
  const doubts: Readonly<Record<string, Fault>> = {
    "a lost connection": late(15_000, cut),
    "504 of a gateway": late(15_000, html(504)),
    "504 as JSON": late(15_000, refusal(504, "GatewayTimeout", "no answer in time")),
    "502 of a gateway": late(12_000, html(502)),
    "503 of a gateway": late(12_000, html(503)),
    "200 of a portal": late(12_000, html(200)),
    "200 with JSON of somebody else": late(12_000, jsonOf("{}")),
    "200 with null": late(12_000, jsonOf("null"))
  }
  for (const [title, fault] of Object.entries(doubts)) {
    it.live(`${title}: is found although the service ends at once, and is said to be in doubt`, () =>
      withService((service) =>
        Effect.gen(function*() {
          const { end, fake } = service
          fake.faults.next("createSession", fault)
          const error = yield* Effect.flip(Session.make({ imageId }))
          assert.isTrue(error.mayHaveHappened, String(error))
          assert.isAtMost(yield* end, 30_000)
          assert.strictEqual(fake.ledger.created.length, 1)
          yield* nothingLeft(service)
        }), { retry: { maxAttempts: 1 } }))
  }

  it.live("an interruption: is found although the service ends at once", () =>
    withService((service) =>
      Effect.gen(function*() {
        const { agb, end, fake } = service
        fake.faults.next("createSession", { when: "before", wait: Effect.sleep("15 seconds") })
        const creating = yield* Effect.fork(agb.create({ imageId }))
        yield* Effect.sleep("1 second")
        yield* Fiber.interrupt(creating)
        yield* end
        assert.strictEqual(fake.ledger.created.length, 1)
        yield* nothingLeft(service)
      })
    ))

  it.live("later than the budget is reported by its label", () =>
    withService(({ agb, end, errors, fake }) =>
      Effect.gen(function*() {
        fake.faults.next("createSession", late(14_000, cut))
        yield* Effect.flip(Session.make({ imageId }))
        assert.isAtMost(yield* end, 10_000)
        const [report, ...others] = yield* agb.undeleted
        assert.deepStrictEqual([report?.sessionId, others], [undefined, []])
        assert.isTrue(errors.some((line) => line.includes(report?.label ?? "?")), errors.join("\n"))
      }), { retry: { maxAttempts: 1 }, deleteBudget: "5 seconds" }))

  it.live("is deleted without a report while the service lives", () =>
    withService((service) =>
      Effect.gen(function*() {
        const { end, fake } = service
        fake.faults.next("createSession", late(15_000, html(504)))
        yield* Effect.flip(Session.make({ imageId }))
        yield* Effect.sleep("25 seconds")
        yield* nothingLeft(service)
        assert.isAtMost(yield* end, 100)
      }), { retry: { maxAttempts: 1 } }))
})

describe("a clean end", () => {
  const definite: Readonly<Record<string, Fault>> = {
    "400": answers("before", refusal(400, "Image.Unknown", "no such image")),
    "401": answers("before", refusal(401, "InvalidApiKey", "no")),
    "403": answers("before", refusal(403, "Forbidden", "no")),
    "429": rateLimited(),
    "503 in words of the server": unavailable("before"),
    "503 after the work": unavailable("after"),
    "a lost reply": lostReply
  }
  for (const [title, fault] of Object.entries(definite)) {
    it.live(`does not wait for a create of which the outcome is known: ${title}`, () =>
      withService((service) =>
        Effect.gen(function*() {
          service.fake.faults.always("createSession", fault)
          assert.isFalse((yield* Effect.flip(Session.make({ imageId }))).mayHaveHappened)
          assert.isAtMost(yield* service.end, 1000)
          yield* nothingLeft(service)
        })
      ))
  }
})

describe("a create that is refused after the work", () => {
  const says = (fields: object) =>
    changed((body) => {
      const reply = JSON.parse(body) as { readonly data: object }
      return JSON.stringify({ ...reply, ...fields, data: { ...reply.data, ...fields } })
    })
  const named = (status: number, code: string): Fault => ({
    when: "after",
    answer: (reply) => ({
      ...reply,
      status,
      body: reply.body.replace("\"success\":true", `"success":false,"code":"${code}"`)
    })
  })
  const refusals: Readonly<Record<string, Fault>> = {
    "success: false that names its session": says({ success: false, errMsg: "no" }),
    "400 that names its session": named(400, "Quota"),
    "401 that names its session": named(401, "InvalidApiKey"),
    "409 that names its session": named(409, "Conflict"),
    "500 that names its session": named(500, "Internal"),
    "a malformed reply that names its session": says({ resourceUrl: 7 }),
    "400 without a name": answers("after", refusal(400, "Quota", "no")),
    "403 without a name": answers("after", refusal(403, "Forbidden", "no")),
    "404 without a name": answers("after", refusal(404, "Image.NotFound", "no"))
  }
  for (const [title, fault] of Object.entries(refusals)) {
    it.live(`${title}: the session is deleted before the caller is told`, () =>
      withService((service) =>
        Effect.gen(function*() {
          const { fake } = service
          fake.faults.always("createSession", fault)
          const error = yield* Effect.flip(Session.make({ imageId }))
          assert.include(
            ["RequestRejectedError", "AuthenticationError", "ServerError", "MalformedResponseError"],
            error._tag
          )
          assert.isFalse(error.mayHaveHappened)
          assert.isAbove(fake.ledger.created.length, 0)
          yield* nothingLeft(service)
        })
      ))
  }

  it.live("and made again by its client leaves one session", () =>
    withService((service) =>
      Effect.gen(function*() {
        const { end, fake } = service
        fake.faults.next("createSession", named(429, "Throttling.User"))
        const session = yield* Session.make({ imageId })
        yield* Effect.sleep("1 second")
        assert.deepStrictEqual([fake.ledger.created.length, fake.ledger.live], [2, 1])
        assert.strictEqual(yield* session.status, "RUNNING")
        yield* end
        yield* nothingLeft(service)
      })
    ))
})

describe("a proxy that ignores the filter of a list", () => {
  it.live("has no session of others deleted, and that of the attempt is found", () =>
    withService((service) =>
      Effect.gen(function*() {
        const { agb, end, fake } = service
        const others = yield* Effect.forEach(
          Array.from({ length: 25 }, (_, index) => index),
          (index) => agb.create({ imageId, labels: { index: String(index) } })
        )
        fake.faults.always("listSession", { when: "before", answer: () => everything(fake) })
        fake.faults.next("createSession", lostReply)
        yield* Effect.scoped(Session.make({ imageId }))
        yield* end
        assert.deepStrictEqual(fake.ledger.deleted.filter((id) => others.some(({ sessionId }) => sessionId === id)), [])
        assert.strictEqual(fake.ledger.live, others.length)
        assert.deepStrictEqual(yield* agb.undeleted, [])
      })
    ))

  it.live("and has more pages than are searched, leaves the attempt in doubt", () =>
    withService((service) =>
      Effect.gen(function*() {
        const { agb, end, fake } = service
        const other = yield* agb.create({ imageId, labels: { index: "0" } })
        fake.faults.always("listSession", (nth) => ({
          when: "before",
          answer: () => ({
            ...everything(fake),
            body: JSON.stringify({
              success: true,
              code: "ok",
              requestId: "r",
              data: [{ sessionId: other.sessionId }],
              nextToken: `page-${nth}`
            })
          })
        }))
        fake.faults.next("createSession", lostReply)
        yield* Effect.exit(Effect.scoped(Session.make({ imageId })))
        yield* end
        assert.strictEqual((yield* agb.undeleted).length, 1)
      })
    ))

  const everything = ({ ledger }: FakeAgb) => ({
    status: 200,
    headers: {},
    body: JSON.stringify({
      success: true,
      code: "ok",
      requestId: "r",
      data: ledger.created.filter((id) => !ledger.deleted.includes(id)).map((sessionId) => ({ sessionId }))
    })
  })
})

describe("a deadline of a create", () => {
  it.live("is not extended by what is looked for", () =>
    withService(({ fake }) =>
      Effect.gen(function*() {
        fake.faults.always("createSession", { ...unavailable("after"), wait: Effect.sleep("1800 millis") })
        fake.faults.always("listSession", delay(900))
        fake.faults.always("releaseSessionAsync", delay(900))
        const millis = yield* timed(Effect.flip(Session.make({ imageId })))
        assert.isAtMost(millis, 2010)
      }), { timeout: "2 seconds" }))
})

describe("an outage", () => {
  const down = (fake: FakeAgb) => {
    for (
      const point of ["createSession", "listSession", "getLabel", "releaseSessionAsync", "getSessionInfo"] as const
    ) {
      fake.faults.always(point, unavailable("before"))
    }
  }

  it.live("of creates has hardly more requests than creates", () =>
    withService((service) =>
      Effect.gen(function*() {
        const { end, fake } = service
        down(fake)
        yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.flip(Session.make({ imageId })), {
          concurrency: 10
        })
        yield* Effect.sleep("15 seconds")
        const perCreate = fake.ledger.requests.length / 100
        assert.isBelow(perCreate, 1.5)
        fake.faults.clear()
        yield* end
        yield* nothingLeft(service)
      })
    ))

  it.live("of 20 seconds is survived by 50 deletions, with hardly more releases than deletions", () =>
    withService((service) =>
      Effect.gen(function*() {
        const { agb, fake } = service
        const sessions = yield* Effect.forEach(Array.from({ length: 50 }), () => agb.create({ imageId }))
        down(fake)
        const deleting = yield* Effect.fork(
          Effect.forEach(sessions, ({ sessionId }) => agb.delete(sessionId), { concurrency: "unbounded" })
        )
        yield* Effect.sleep("20 seconds")
        const releases = fake.ledger.count("releaseSessionAsync")
        assert.isBelow(releases, 90)
        fake.faults.clear()
        const millis = yield* timed(Fiber.join(deleting))
        assert.isAtMost(millis, 6000)
        yield* nothingLeft(service)
      })
    ))
})
