/** Deleting sessions from servers that will not: the user's result stands, and what is left is told. */
import { Agb, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Logger, Metric, MetricState, Option, Scope } from "effect"
import { failsWith } from "../support/failsWith.js"
import { type FakeAgb, make } from "../support/fakeAgb.js"
import { answers, type Fault, lostReply, lostRequest, refusal, silent, text, unavailable } from "../support/faults.js"
import { withVirtualClock } from "../support/virtualClock.js"

const imageId = "agb-code-space-1"

/** The count of `agb_sessions_undeleted` so far. */
const undeletedCount = Effect.map(Metric.snapshot, (pairs) => {
  const found = pairs.find(({ metricKey }) => metricKey.name === "agb_sessions_undeleted")
  return found !== undefined && MetricState.isCounterState(found.metricState) ? Number(found.metricState.count) : 0
})

interface Outcome {
  readonly value: number
  readonly undeleted: ReadonlyArray<Agb.Undeleted>
  readonly counted: number
  /** The log lines, with their annotations. */
  readonly logged: ReadonlyArray<string>
  readonly fake: FakeAgb
}

/** Uses a session whose deletion meets these faults. */
const using = (prepare: (fake: FakeAgb) => void) =>
  Effect.gen(function*() {
    const fake = yield* make()
    const logged: Array<string> = []
    const capture = Logger.make(({ annotations, message }) => {
      logged.push(JSON.stringify([message, Object.fromEntries(annotations)]))
    })
    const before = yield* undeletedCount
    prepare(fake)
    const { undeleted, value } = yield* Effect.gen(function*() {
      const value = yield* Session.use({ imageId }, () => Effect.succeed(7))
      return { value, undeleted: yield* (yield* Agb.Agb).undeleted }
    }).pipe(
      Effect.provide(fake.layer({ deleteBudget: "10 seconds" })),
      Effect.provide(Logger.replace(Logger.defaultLogger, capture))
    )
    const counted = (yield* undeletedCount) - before
    return { value, undeleted, counted, logged, fake } satisfies Outcome
  }).pipe(Effect.scoped, withVirtualClock)

describe("a deletion that fails for a while", () => {
  const passing: Readonly<Record<string, Fault>> = {
    "503 before the work": unavailable("before"),
    "503 after the work": unavailable("after"),
    "a lost request": lostRequest,
    "a lost reply": lostReply,
    "HTML": text("<html>"),
    "an empty reply": text(""),
    "429": answers("before", refusal(429, "Throttling.User", "too many", { "retry-after": "1" })),
    "408": answers("before", refusal(408, "Timeout", "too slow"))
  }
  for (const [title, fault] of Object.entries(passing)) {
    it.live(`${title} is repeated until it works`, () =>
      Effect.gen(function*() {
        const { counted, fake, undeleted, value } = yield* using((fake) =>
          fake.faults.always("releaseSessionAsync", (nth) => nth < 6 ? fault : undefined)
        )
        assert.deepStrictEqual({ value, undeleted, counted }, { value: 7, undeleted: [], counted: 0 })
        assert.deepStrictEqual(fake.ledger.deleted, fake.ledger.created)
      }))
  }

  it.live("a status that cannot be asked for is asked for again", () =>
    Effect.gen(function*() {
      const { fake, undeleted } = yield* using((fake) =>
        fake.faults.always("getSessionInfo", (nth) => nth < 8 ? unavailable("before") : undefined)
      )
      assert.deepStrictEqual([undeleted, fake.ledger.live], [[], 0])
    }))
})

describe("a deletion that fails for ever", () => {
  const lasting: Readonly<Record<string, readonly [Fault, once: boolean]>> = {
    "503": [unavailable("before"), false],
    "a network that is down": [lostRequest, false],
    "a server that says nothing": [silent("before"), false],
    "401": [answers("before", refusal(401, "InvalidApiKey", "no")), true],
    "401 that says that the session was not found": [
      answers("before", refusal(401, "InvalidApiKey", "The session s-000001 is not found")),
      true
    ],
    "403 that says that the session was not found": [
      answers("before", refusal(403, "Forbidden", "session not found")),
      true
    ],
    "404 of the endpoint": [answers("before", refusal(404, "InvalidAction.NotFound", "no such endpoint")), true],
    "a redirect": [answers("before", { status: 302, headers: { location: "/" }, body: "" }), true],
    "400": [answers("before", refusal(400, "InvalidParameter", "no")), true]
  }
  for (const [title, [fault, once]] of Object.entries(lasting)) {
    it.live(`${title}: the result stands, and the session is logged, counted and listed`, () =>
      Effect.gen(function*() {
        const { counted, fake, logged, undeleted, value } = yield* using((fake) =>
          fake.faults.always("releaseSessionAsync", fault)
        )
        assert.deepStrictEqual([value, counted, fake.ledger.live], [7, 1, 1])
        assert.deepStrictEqual(undeleted.map(({ sessionId }) => sessionId), fake.ledger.created)
        assert.isNotEmpty(undeleted[0]?.reason)
        assert.isTrue(logged.some((line) => line.includes(fake.ledger.created[0] ?? "?")), logged.join("\n"))
        if (once) assert.strictEqual(fake.ledger.count("releaseSessionAsync"), 1)
      }))
  }

  it.live("HTML instead of an answer is no success", () =>
    Effect.gen(function*() {
      const { fake, undeleted } = yield* using((fake) => {
        fake.faults.always("releaseSessionAsync", answers("before", { status: 200, headers: {}, body: "<html>" }))
      })
      assert.deepStrictEqual([undeleted.length, fake.ledger.live], [1, 1])
    }))

  it.live("a session that stays as it is, whatever is answered, is reported", () =>
    Effect.gen(function*() {
      const done = answers("before", {
        status: 200,
        headers: {},
        body: JSON.stringify({ success: true, code: "ok", requestId: "r" })
      })
      const { fake, undeleted } = yield* using((fake) => fake.faults.always("releaseSessionAsync", done))
      assert.deepStrictEqual([undeleted.map(({ sessionId }) => sessionId), fake.ledger.live], [fake.ledger.created, 1])
    }))

  it.live("is given to who deletes by hand as a typed error", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      fake.faults.always("releaseSessionAsync", unavailable("before"))
      yield* Effect.gen(function*() {
        const agb = yield* Agb.Agb
        const session = yield* agb.create({ imageId })
        const error = yield* failsWith(agb.delete(session.sessionId), "TransportError")
        assert.strictEqual(error.reason, "Timeout")
        assert.strictEqual(yield* session.status, "RUNNING")
        fake.faults.clear()
        yield* agb.delete(session.sessionId)
      }).pipe(Effect.provide(fake.layer({ deleteBudget: "5 seconds" })))
      assert.strictEqual(fake.ledger.live, 0)
    }).pipe(Effect.scoped, withVirtualClock, Effect.provide(Logger.remove(Logger.defaultLogger))))
})

describe("a session that is already gone", () => {
  const gone = [
    ["404", answers("after", refusal(404, "InvalidMcpSession.NotFound", "The specified session s-1 is not found."))],
    ["400", answers("after", refusal(400, "X", "session s-1 not found"))],
    ["200", answers("after", refusal(200, "InvalidMcpSession.NotFound", "gone"))]
  ] as const
  for (const [title, fault] of gone) {
    it.live(`is deleted, in the words of status ${title}`, () =>
      Effect.gen(function*() {
        const { fake, undeleted } = yield* using((fake) => fake.faults.always("releaseSessionAsync", fault))
        assert.deepStrictEqual([undeleted, fake.ledger.count("releaseSessionAsync")], [[], 1])
      }))
  }
})

describe("closing", () => {
  it.live("a scope twice at once deletes once and fails nobody", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      yield* Effect.gen(function*() {
        const scope = yield* Scope.make()
        yield* Scope.extend(Session.make({ imageId }), scope)
        const closes = yield* Effect.all(
          [Scope.close(scope, Exit.void), Scope.close(scope, Exit.void)].map(Effect.exit),
          {
            concurrency: "unbounded"
          }
        )
        assert.isTrue(closes.every(Exit.isSuccess))
        assert.deepStrictEqual(yield* (yield* Agb.Agb).undeleted, [])
      }).pipe(Effect.provide(fake.layer()))
      assert.deepStrictEqual([fake.ledger.deleted, fake.ledger.live], [fake.ledger.created, 0])
    }).pipe(Effect.scoped, withVirtualClock))

  it.live("two deletions of one session at once both succeed", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      yield* Effect.gen(function*() {
        const agb = yield* Agb.Agb
        const { sessionId } = yield* agb.create({ imageId })
        yield* Effect.all([agb.delete(sessionId), agb.delete(sessionId)], { concurrency: "unbounded" })
      }).pipe(Effect.provide(fake.layer()))
      assert.strictEqual(fake.ledger.live, 0)
    }).pipe(Effect.scoped, withVirtualClock))

  it.live("the service cuts its own work short after the budget, and names what is left", () =>
    Effect.gen(function*() {
      const fake = yield* make()
      fake.faults.always("createSession", silent("after"))
      fake.faults.always("listSession", silent("before"))
      const logged: Array<string> = []
      const capture = Logger.make(({ annotations }) => logged.push(...[...annotations].map(([key]) => key)))
      const result = yield* Session.use({ imageId }, () => Effect.never).pipe(
        Effect.timeoutOption("1 second"),
        Effect.provide(fake.layer({ deleteBudget: "8 seconds" })),
        Effect.provide(Logger.replace(Logger.defaultLogger, capture)),
        Effect.timeout("20 seconds")
      )
      assert.isTrue(Option.isNone(result))
      assert.include(logged, "label")
    }).pipe(Effect.scoped, withVirtualClock))
})
