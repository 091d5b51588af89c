/** Deleting sessions from servers that will not: the user's result stands, and what is left is told. */
import { Agb, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Clock, type Context, Effect, Exit, Fiber, Logger, Metric, MetricState, Option, Scope, Tracer } from "effect"
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

/** Collects the names of ended spans, and whether they succeeded. */
const recorder = (ended: Array<readonly [name: string, isGood: boolean]>) => {
  class RecordedSpan implements Tracer.Span {
    readonly _tag = "Span"
    readonly sampled = true
    readonly attributes = new Map<string, unknown>()
    readonly links: ReadonlyArray<Tracer.SpanLink> = []
    readonly traceId = "trace"
    readonly spanId = "span"
    readonly name: string
    readonly parent: Option.Option<Tracer.AnySpan>
    readonly context: Context.Context<never>
    readonly kind: Tracer.SpanKind
    readonly status: Tracer.SpanStatus
    constructor(...[name, parent, context, , startTime, kind]: Parameters<Tracer.Tracer["span"]>) {
      this.name = name
      this.parent = parent
      this.context = context
      this.kind = kind
      this.status = { _tag: "Started", startTime }
    }
    end(_: bigint, exit: Exit.Exit<unknown, unknown>): void {
      ended.push([this.name, Exit.isSuccess(exit)])
    }
    attribute(): void {}
    event(): void {}
    addLinks(): void {}
  }
  return Tracer.make({ span: (...args) => new RecordedSpan(...args), context: (f) => f() })
}

interface Outcome {
  readonly value: number
  readonly undeleted: ReadonlyArray<Agb.Undeleted>
  readonly counted: number
  readonly millis: number
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
    const start = yield* Clock.currentTimeMillis
    const { undeleted, value } = yield* Effect.gen(function*() {
      const value = yield* Session.use({ imageId }, () => Effect.succeed(7))
      return { value, undeleted: yield* (yield* Agb.Agb).undeleted }
    }).pipe(
      Effect.provide(fake.layer({ deleteBudget: "10 seconds" })),
      Effect.provide(Logger.replace(Logger.defaultLogger, capture))
    )
    const counted = (yield* undeletedCount) - before
    const millis = (yield* Clock.currentTimeMillis) - start
    return { value, undeleted, counted, millis, logged, fake } satisfies Outcome
  }).pipe(Effect.scoped, withVirtualClock)

/** Refusals that may pass, and none of which proves that the session is gone. */
const refusals: Readonly<Record<string, Fault>> = {
  "403 of a firewall": answers("before", { status: 403, headers: {}, body: "<html>blocked</html>" }),
  "403 that says that the session was not found": answers("before", refusal(403, "Forbidden", "session not found")),
  "404 of the endpoint": answers("before", refusal(404, "InvalidAction.NotFound", "no such endpoint")),
  "404 of a proxy": answers("before", { status: 404, headers: {}, body: "<html>session not found</html>" }),
  "a redirect": answers("before", { status: 302, headers: { location: "/" }, body: "" }),
  "400": answers("before", refusal(400, "InvalidParameter", "no")),
  "409": answers("before", refusal(409, "Conflict", "the session is starting")),
  "425": answers("before", refusal(425, "TooEarly", "no")),
  "success: false": answers("before", refusal(200, "Busy", "try again")),
  "an owner that is not found": answers("before", refusal(404, "X.NotFound", "session owner not found")),
  "a key that is not found": answers("before", refusal(400, "X", "API key of this session not found")),
  "a store that is not found": answers("before", refusal(404, "SessionStore.BackendNotFound", "no backend"))
}

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
  for (const [title, fault] of Object.entries({ ...passing, ...refusals })) {
    it.live(`${title} is repeated until it works`, () =>
      Effect.gen(function*() {
        const { counted, fake, undeleted, value } = yield* using((fake) =>
          fake.faults.always("releaseSessionAsync", (nth) => nth < 6 ? fault : undefined)
        )
        assert.deepStrictEqual({ value, undeleted, counted }, { value: 7, undeleted: [], counted: 0 })
        assert.deepStrictEqual(fake.ledger.deleted, fake.ledger.created)
      }))
  }

  it.live("401 is repeated once", () =>
    Effect.gen(function*() {
      const { fake, undeleted } = yield* using((fake) =>
        fake.faults.next("releaseSessionAsync", answers("before", refusal(401, "InvalidApiKey", "no")))
      )
      assert.deepStrictEqual([undeleted, fake.ledger.live], [[], 0])
    }))

  for (const when of ["before", "after"] as const) {
    for (const point of ["releaseSessionAsync", "getSessionInfo"] as const) {
      it.live(`a reply of ${point} that is swallowed ${when} the work costs a part of the budget`, () =>
        Effect.gen(function*() {
          const { fake, millis, undeleted } = yield* using((fake) => fake.faults.next(point, silent(when)))
          assert.deepStrictEqual([undeleted, fake.ledger.live], [[], 0])
          assert.isBelow(millis, 3000)
        }))
    }
  }

  it.live("when no release is ever answered, the status tells that the session is gone", () =>
    Effect.gen(function*() {
      const { counted, fake, undeleted } = yield* using((fake) =>
        fake.faults.always("releaseSessionAsync", silent("after"))
      )
      assert.deepStrictEqual([undeleted, counted, fake.ledger.live], [[], 0, 0])
    }))

  it.live("a status that cannot be asked for is asked for again", () =>
    Effect.gen(function*() {
      const { fake, undeleted } = yield* using((fake) =>
        fake.faults.always("getSessionInfo", (nth) => nth < 8 ? unavailable("before") : undefined)
      )
      assert.deepStrictEqual([undeleted, fake.ledger.live], [[], 0])
    }))
})

describe("a deletion that fails for ever", () => {
  const lasting: Readonly<Record<string, Fault>> = {
    "503": unavailable("before"),
    "a network that is down": lostRequest,
    "a server that says nothing": silent("before"),
    "401": answers("before", refusal(401, "InvalidApiKey", "no")),
    "401 that says that the session was not found": answers(
      "before",
      refusal(401, "InvalidApiKey", "The session s-000001 is not found")
    ),
    ...refusals
  }
  for (const [title, fault] of Object.entries(lasting)) {
    it.live(`${title}: the result stands, and the session is logged, counted and listed`, () =>
      Effect.gen(function*() {
        const { counted, fake, logged, undeleted, value } = yield* using((fake) =>
          fake.faults.always("releaseSessionAsync", fault)
        )
        assert.deepStrictEqual([value, counted, fake.ledger.live], [7, 1, 1])
        assert.deepStrictEqual(undeleted.map(({ sessionId }) => sessionId), fake.ledger.created)
        assert.isNotEmpty(undeleted[0]?.reason)
        assert.isTrue(logged.some((line) => line.includes(fake.ledger.created[0] ?? "?")), logged.join("\n"))
        // A key that is rejected twice is final.
        if (title.startsWith("401")) assert.strictEqual(fake.ledger.count("releaseSessionAsync"), 2)
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

describe("a release that was accepted", () => {
  for (const text of ["DELETING", "ARCHIVING"]) {
    it.live(`and leaves the session ${text} is waited for a little, and then said to be accepted`, () =>
      Effect.gen(function*() {
        const { counted, fake, logged, millis, undeleted } = yield* using((fake) =>
          fake.faults.always("getSessionInfo", {
            when: "before",
            answer: () => ({
              status: 200,
              headers: {},
              body: JSON.stringify({ success: true, code: "ok", requestId: "r", data: { status: text } })
            })
          })
        )
        assert.deepStrictEqual([undeleted, counted, fake.ledger.live], [[], 0, 0])
        assert.strictEqual(fake.ledger.count("releaseSessionAsync"), 1)
        assert.isAtLeast(millis, 3000)
        assert.isAtMost(millis, 5000)
        assert.strictEqual(logged.filter((line) => line.includes("was accepted")).length, 1)
      }))
  }

  it.live("but leaves the session running is sent again", () =>
    Effect.gen(function*() {
      const { fake, undeleted } = yield* using((fake) =>
        fake.faults.next(
          "releaseSessionAsync",
          answers("before", {
            status: 200,
            headers: {},
            body: JSON.stringify({ success: true, code: "ok", requestId: "r" })
          })
        )
      )
      assert.deepStrictEqual([undeleted, fake.ledger.live, fake.ledger.count("releaseSessionAsync")], [[], 0, 2])
    }))
})

describe("a deletion that is healthy", () => {
  it.live("leaves no span that failed and no line in the log", () =>
    Effect.gen(function*() {
      const ended: Array<readonly [string, boolean]> = []
      const tracer = recorder(ended)
      const { logged } = yield* Effect.withTracer(using(() => {}), tracer)
      assert.includeDeepMembers(ended, [["AgbClient.releaseSessionAsync", true], ["AgbClient.getSessionInfo", true]])
      assert.deepStrictEqual([ended.filter(([, isGood]) => !isGood), logged], [[], []])
    }))
})

describe("a deletion in a finalizer", () => {
  it.live("is not cut off, wherever an interruption strikes", () =>
    Effect.gen(function*() {
      const fake = yield* make({ deletingMillis: 20 })
      yield* Effect.gen(function*() {
        const agb = yield* Agb.Agb
        let deletions = 0
        for (let steps = 0; steps < 660; steps += 5) {
          const { sessionId } = yield* agb.create({ imageId })
          let ended = false
          const remove = Effect.map(agb.delete(sessionId), () => {
            ended = true
          })
          const user = yield* Effect.fork(Effect.ensuring(Effect.yieldNow(), Effect.orDie(remove)))
          yield* Effect.repeatN(Effect.yieldNow(), steps)
          yield* Fiber.interrupt(user)
          if (ended) deletions += 1
          else assert.strictEqual(yield* (yield* agb.attach(sessionId)).status, "RUNNING")
          if (!ended) yield* agb.delete(sessionId)
        }
        assert.isAbove(deletions, 100)
        assert.deepStrictEqual(yield* agb.undeleted, [])
      }).pipe(Effect.withMaxOpsBeforeYield(11), Effect.provide(fake.layer()))
      assert.deepStrictEqual([...fake.ledger.deleted].sort(), [...fake.ledger.created].sort())
    }).pipe(Effect.scoped, withVirtualClock, Effect.provide(Logger.remove(Logger.defaultLogger))))

  it.live("that is interrupted where it may be goes on in the background", () =>
    Effect.gen(function*() {
      const fake = yield* make({ deletingMillis: 2000 })
      yield* Effect.gen(function*() {
        const agb = yield* Agb.Agb
        const { sessionId } = yield* agb.create({ imageId })
        const removing = yield* Effect.fork(agb.delete(sessionId))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(removing)
      }).pipe(Effect.provide(fake.layer()))
      assert.strictEqual(fake.ledger.live, 0)
    }).pipe(Effect.scoped, withVirtualClock))
})

describe("a call of a session that is refused", () => {
  for (const title of ["an owner that is not found", "a key that is not found", "a store that is not found"]) {
    it.live(`for ${title} does not lose the session`, () =>
      Effect.gen(function*() {
        const fake = yield* make()
        yield* Effect.gen(function*() {
          const session = yield* Session.make({ imageId })
          fake.faults.next("getMcpResource", refusals[title])
          yield* failsWith(session.info, "RequestRejectedError")
          assert.strictEqual(yield* session.status, "RUNNING")
        }).pipe(Effect.scoped, Effect.provide(fake.layer()))
      }).pipe(Effect.scoped, withVirtualClock))
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
