/** Creating sessions against servers and networks that fail: whatever happens, what was created is deleted. */
import { Agb, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, ManagedRuntime, type Scope, Stream } from "effect"
import { failsWith } from "../support/failsWith.js"
import { type FakeAgb, make as makeFake } from "../support/fakeAgb.js"
import {
  answers,
  changed,
  delay,
  type Fault,
  type Gate,
  lostReply,
  lostRequest,
  makeGate,
  refusal,
  silent,
  text,
  unavailable
} from "../support/faults.js"
import { type FaultServer, make as makeServer } from "../support/faultServer.js"
import type { Ledger } from "../support/ledger.js"
import * as raw from "../support/rawReplies.js"
import { withVirtualClock } from "../support/virtualClock.js"

const imageId = "agb-code-space-1"

const quiet = Logger.remove(Logger.defaultLogger)

const balanced = (ledger: Ledger) => {
  assert.deepStrictEqual([...ledger.deleted].sort(), [...ledger.created].sort())
  assert.deepStrictEqual([ledger.live, ledger.idledOut], [0, []])
}

const overTcp = <A, E>(body: (server: FaultServer) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function*() {
    const server = yield* makeServer()
    const result = yield* Effect.scoped(body(server))
    balanced(server.ledger)
    return result
  }).pipe(Effect.scoped, Effect.provide(quiet))

const inMemory = <A, E>(body: (fake: FakeAgb) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function*() {
    const fake = yield* makeFake()
    const result = yield* Effect.scoped(body(fake))
    balanced(fake.ledger)
    return result
  }).pipe(Effect.scoped, withVirtualClock, Effect.provide(quiet))

const undeleted = Effect.flatMap(Agb.Agb, (agb) => agb.undeleted)

describe("a create that is interrupted", () => {
  const points: ReadonlyArray<
    readonly [title: string, park: (server: FaultServer, gate: Gate) => Effect.Effect<void>]
  > = [
    ["before its connection is read", (server) => server.park],
    [
      "before the work",
      (server, gate) => Effect.sync(() => server.faults.always("createSession", gate.fault("before")))
    ],
    ["after the work", (server, gate) => Effect.sync(() => server.faults.always("createSession", gate.fault("after")))],
    [
      "inside the header",
      (server, gate) => Effect.sync(() => server.faults.always("createSession", raw.halfway("header", gate)))
    ],
    [
      "inside the body",
      (server, gate) => Effect.sync(() => server.faults.always("createSession", raw.halfway("body", gate)))
    ]
  ]

  for (const [title, park] of points) {
    it.live(`${title} ends at once, and what comes of it is deleted`, () =>
      overTcp((server) =>
        Effect.gen(function*() {
          const gate = yield* makeGate
          yield* park(server, gate)
          const creating = yield* Effect.fork(Session.use({ imageId }, () => Effect.never))
          const reached = title.startsWith("before its")
            ? Effect.repeat(Effect.sleep("2 millis"), { until: () => server.connections() > 0 })
            : gate.reached
          yield* reached
          assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(creating)))
          server.faults.clear()
          yield* Effect.zipRight(gate.open, server.admit)
          assert.deepStrictEqual(yield* undeleted, [])
        }).pipe(Effect.provide(server.node()))
      ))
  }

  for (
    const [title, fault] of [
      ["and never answered is found by its label", silent("after")],
      ["and then lost is found by its label", lostReply],
      ["and never reaches the server leaves nothing", silent("before")]
    ] as const
  ) {
    it.live(title, () =>
      inMemory((fake) =>
        Effect.gen(function*() {
          fake.faults.always("createSession", fault)
          const creating = yield* Effect.fork(Session.use({ imageId }, () => Effect.never))
          yield* Effect.yieldNow()
          yield* Effect.sleep(0)
          yield* Fiber.interrupt(creating)
          yield* Effect.sleep("30 seconds")
          balanced(fake.ledger)
        }).pipe(Effect.provide(fake.layer()))
      ))
  }

  it.live("while its doubt is being settled is settled all the same", () =>
    inMemory((fake) =>
      Effect.gen(function*() {
        fake.faults.always("createSession", unavailable("after"))
        fake.faults.next("listSession", silent("before"))
        const creating = yield* Effect.fork(Session.use({ imageId }, () => Effect.never))
        yield* Effect.sleep("1 second")
        yield* Fiber.interrupt(creating)
        yield* Effect.sleep("30 seconds")
        balanced(fake.ledger)
        assert.deepStrictEqual(yield* undeleted, [])
      }).pipe(Effect.provide(fake.layer()))
    ))
})

describe("a create whose outcome is in doubt", () => {
  const doubtful: Readonly<Record<string, Fault>> = {
    "a lost reply": lostReply,
    "503 after the work": unavailable("after"),
    "503 before the work": unavailable("before"),
    "a reset before the work": lostRequest,
    "HTML": text("<html>"),
    "an empty reply": text(""),
    "half a reply": changed((body) => body.slice(0, body.length / 2)),
    "a reply without an id": changed((body) => body.replace("\"sessionId\"", "\"id\"")),
    "a close inside the body": raw.closedInBody,
    "a reset inside the header": raw.resetInHeader
  }

  for (const [title, fault] of Object.entries(doubtful)) {
    it.live(`${title}: it is undone and made again, and nobody else's session is touched`, () =>
      overTcp((server) =>
        Effect.gen(function*() {
          const labels = { purpose: "shared" }
          const bystander = yield* Session.make({ imageId, labels })
          const before = server.ledger.count("createSession")
          server.faults.next("createSession", fault)
          const session = yield* Session.make({ imageId, labels })
          assert.strictEqual(server.ledger.count("createSession"), before + 2)
          assert.strictEqual(server.ledger.live, 2)
          assert.strictEqual(yield* session.status, "RUNNING")
          assert.strictEqual(yield* bystander.status, "RUNNING")
          assert.deepStrictEqual(yield* session.getLabels, labels)
        }).pipe(Effect.provide(server.node()))
      ))
  }

  it.live("for ever is a typed error that says that nothing happened", () =>
    overTcp((server) =>
      Effect.gen(function*() {
        server.faults.always("createSession", unavailable("after"))
        const error = yield* failsWith(Session.make({ imageId }), "ServerError")
        assert.deepStrictEqual([error.status, error.mayHaveHappened, error.retryable], [503, false, true])
        assert.deepStrictEqual([server.ledger.created.length, server.ledger.live], [3, 0])
      }).pipe(Effect.provide(server.node()))
    ))

  it.live("and cannot be looked for is reported by its label, and said to be in doubt", () =>
    Effect.gen(function*() {
      const fake = yield* makeFake()
      fake.faults.always("createSession", unavailable("after"))
      fake.faults.always("listSession", unavailable("before"))
      yield* Effect.gen(function*() {
        const error = yield* failsWith(Effect.scoped(Session.make({ imageId })), "ServerError")
        assert.isTrue(error.mayHaveHappened)
        yield* Effect.sleep("2 minutes")
        const reports = yield* undeleted
        assert.deepStrictEqual(reports.map(({ sessionId }) => sessionId), [undefined])
        const label = reports[0]?.label ?? ""
        fake.faults.clear()
        const found = yield* Stream.runCollect((yield* Agb.Agb).list({ "effect-agb-attempt": label }))
        assert.deepStrictEqual([...found].map(({ sessionId }) => sessionId), fake.ledger.created)
      }).pipe(Effect.provide(fake.layer({ timeout: "5 seconds" })))
    }).pipe(Effect.scoped, withVirtualClock, Effect.provide(quiet)))

  it.live("and cannot be looked for at first is found later", () =>
    inMemory((fake) =>
      Effect.gen(function*() {
        fake.faults.always("createSession", unavailable("after"))
        fake.faults.always("listSession", (nth) => nth < 6 ? unavailable("before") : undefined)
        yield* Effect.flip(Session.make({ imageId }))
        yield* Effect.sleep("2 minutes")
        assert.deepStrictEqual(yield* undeleted, [])
      }).pipe(Effect.provide(fake.layer()))
    ))

  it.live("is settled at the end of the service, even when the server comes back only then", () =>
    inMemory((fake) =>
      Effect.gen(function*() {
        fake.faults.always("createSession", unavailable("after"))
        fake.faults.always("listSession", (nth) => nth < 3 ? lostRequest : undefined)
        yield* Effect.flip(Session.make({ imageId }))
      }).pipe(Effect.provide(fake.layer({ retry: { maxAttempts: 1 } })))
    ))
})

describe("a create that is refused", () => {
  it.live("for its key is an authentication error, and nothing is looked for", () =>
    overTcp((server) =>
      Effect.gen(function*() {
        server.faults.always("createSession", answers("before", refusal(401, "InvalidApiKey", "no")))
        yield* failsWith(Session.make({ imageId }), "AuthenticationError")
        assert.deepStrictEqual(server.ledger.requests.flatMap(({ points }) => points), ["createSession"])
      }).pipe(Effect.provide(server.node()))
    ))

  it.live("for its parameters is a rejection with the server's words", () =>
    overTcp((server) =>
      Effect.gen(function*() {
        server.faults.always("createSession", answers("before", refusal(400, "Image.Unknown", "no such image")))
        const error = yield* failsWith(Session.make({ imageId }), "RequestRejectedError")
        assert.deepStrictEqual([error.code, error.detail], ["Image.Unknown", "no such image"])
      }).pipe(Effect.provide(server.node()))
    ))
})

describe("two hundred creates", () => {
  const faults = [
    text(""),
    text("<html>"),
    text("{\"success\"", "application/json"),
    changed((body) => body.slice(0, 60)),
    unavailable("after"),
    unavailable("before"),
    lostReply,
    lostRequest,
    raw.closedInHeader,
    raw.closedInBody,
    raw.resetInHeader,
    raw.resetInBody,
    raw.garbage
  ]

  it.live("of which most replies are broken leave nothing behind", () =>
    overTcp((server) =>
      Effect.gen(function*() {
        server.faults.always("createSession", (nth) => nth % 4 === 3 ? undefined : faults[nth % faults.length])
        server.faults.always("releaseSessionAsync", (nth) => nth % 3 === 1 ? faults[nth % faults.length] : undefined)
        const make = Session.use({ imageId }, (session) => Effect.asVoid(session.status))
        const exits = yield* Effect.forEach(Array.from({ length: 200 }), () => Effect.exit(make), { concurrency: 16 })
        assert.isAbove(exits.filter(Exit.isSuccess).length, 50)
        for (const exit of exits) {
          if (Exit.isFailure(exit)) assert.strictEqual(exit.cause._tag, "Fail", String(exit.cause))
        }
        assert.isAbove(server.ledger.created.length, 200)
      }).pipe(Effect.provide(server.node({ deleteBudget: "1 minute" })))
    ))
})

describe("a runtime that is disposed while creates are in flight", () => {
  it.live("leaves no session, and tells their callers", () =>
    overTcp((server) =>
      Effect.gen(function*() {
        server.faults.always("createSession", delay(3000, "after"))
        const runtime = ManagedRuntime.make(server.node({ deleteBudget: "5 minutes" }))
        const create = Effect.flatMap(Agb.Agb, (agb) => agb.create({ imageId }))
        const creating = Array.from({ length: 20 }, () => runtime.runPromiseExit(create))
        yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => server.ledger.created.length === 20 })
        yield* Effect.promise(() => runtime.dispose())
        const exits = yield* Effect.promise(() => Promise.all(creating))
        assert.deepStrictEqual(exits.filter(Exit.isSuccess), [])
        for (const exit of exits) yield* failsWith(exit, "SessionLostError")
      })
    ))
})

describe("a service that ends before the scope of its sessions", () => {
  it.live("deletes them, since nobody else can", () =>
    overTcp((server) =>
      Effect.gen(function*() {
        const session = yield* Effect.provide(Session.make({ imageId }), server.node())
        assert.strictEqual(server.ledger.live, 0)
        yield* failsWith(session.info, "SessionLostError")
      })
    ))

  it.live("lets unscoped sessions live", () =>
    overTcp((server) =>
      Effect.gen(function*() {
        const create = Effect.flatMap(Agb.Agb, (agb) => agb.create({ imageId }))
        const { sessionId } = yield* Effect.provide(create, server.node())
        assert.strictEqual(server.ledger.live, 1)
        yield* Effect.provide(Effect.flatMap(Agb.Agb, (agb) => agb.delete(sessionId)), server.node())
      })
    ))
})

describe("under forced yields", () => {
  const interruptEverywhere = (fake: FakeAgb) =>
    Effect.gen(function*() {
      for (let steps = 0; steps < 400; steps += 7) {
        const creating = yield* Effect.fork(Session.use({ imageId }, () => Effect.sleep("5 millis")))
        yield* Effect.repeatN(Effect.yieldNow(), steps)
        yield* Fiber.interruptFork(creating)
      }
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(yield* undeleted, [])
      assert.isAbove(fake.ledger.created.length, 10)
    })

  // Effect itself makes no progress with fewer than nine.
  for (const ops of [10, 13, 17, 29]) {
    it.live(`an interruption between any two steps loses nothing: a yield after ${ops}`, () =>
      inMemory((fake) => {
        fake.faults.always("createSession", (nth) => nth % 3 === 0 ? lostReply : undefined)
        return interruptEverywhere(fake).pipe(Effect.withMaxOpsBeforeYield(ops), Effect.provide(fake.layer()))
      }))
  }
})
