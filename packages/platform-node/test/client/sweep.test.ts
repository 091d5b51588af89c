/** What a sweep deletes: the sessions of programs that have ended, and nothing else. */
import { Agb, Guardian, Program, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Option, type Scope } from "effect"
import { failsWith } from "../support/failsWith.js"
import { type FakeAgb, make } from "../support/fakeAgb.js"
import { answers, delay, refusal, unavailable } from "../support/faults.js"
import { withVirtualClock } from "../support/virtualClock.js"

const params = { imageId: "agb-code-space-1", labels: { project: "x" }, idleTimeout: "1 day" } as const

const withFake = <A, E>(body: (fake: FakeAgb) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.flatMap(make(), body).pipe(
    Effect.scoped,
    Effect.provide(Logger.remove(Logger.defaultLogger)),
    withVirtualClock
  )

type Statuses = Readonly<Record<string, Program.ProgramStatus>>

/** A program on the server, as it is known by the programs of its machine. */
const program = (fake: FakeAgb, id: Option.Option<string>, statuses: Statuses = {}) =>
  Effect.map(
    Layer.build(
      fake.layer().pipe(
        Layer.provide(Layer.succeed(Program.Program, {
          id: Effect.succeed(id),
          status: (other) => Effect.succeed(statuses[other] ?? "unknown")
        }))
      )
    ),
    (context) => Effect.provide(context)
  )

/** Creates sessions that nobody deletes: their program is killed. */
const abandon = (fake: FakeAgb, id: string | undefined, count: number) =>
  Effect.gen(function*() {
    const killed = yield* program(fake, Option.fromNullable(id))
    const sessions = yield* killed(Effect.all(Array.from({ length: count }, () => Session.make(params))))
    return sessions.map(({ sessionId }) => sessionId).sort()
  })

const sweep = (options?: Agb.SweepOptions) => Effect.flatMap(Agb.Agb, (agb) => agb.sweep(options))

const idsOf = (sessions: ReadonlyArray<{ readonly sessionId: string }>) =>
  sessions.map(({ sessionId }) => sessionId).sort()

const rawCreate = (labels: Readonly<Record<string, string>>) =>
  Effect.flatMap(
    Agb.Agb,
    ({ client }) =>
      Effect.map(client.createSession({ imageId: "i", labels, timeout: 86_400 }), ({ sessionId }) => sessionId)
  )

const labelsOf = (sessionId: string) => Effect.flatMap(Agb.Agb, ({ client }) => client.getLabel({ sessionId }))

/** Labels that look like those of the SDK. */
const spoofs = (live: Readonly<Record<string, string>>, orphaned: Readonly<Record<string, string>>) => {
  const stamp = orphaned["effect-agb-stamp"] ?? ""
  return [
    live,
    { ...live, "effect-agb-attempt": "another" },
    { ...orphaned, "effect-agb-attempt": "another" },
    { ...orphaned, "effect-agb-stamp": stamp.replace(/\.\d+\./, ".1.") },
    { ...orphaned, "effect-agb-stamp": `${stamp.slice(0, -1)}${stamp.endsWith("0") ? "1" : "0"}` },
    { ...orphaned, "effect-agb-stamp": `${stamp}0` },
    { ...orphaned, "effect-agb-attempt": "unstamped", "effect-agb-stamp": "1" },
    { "effect-agb-lifetime": "program" },
    { "effect-agb-lifetime": "program", "effect-agb-stamp": `1.1.dead.${"0".repeat(32)}`, "effect-agb-attempt": "x" },
    { ...orphaned, "effect-agb-lifetime": "detached" }
  ]
}

describe("a sweep", () => {
  it.live("deletes exactly the 50 orphans among 1,000 other sessions, spoofed ones included", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const orphans = yield* abandon(fake, "dead-1", 50)
        const own = yield* program(fake, Option.some("own"), { "dead-1": "ended", "alive-1": "running" })
        const alive = yield* program(fake, Option.some("alive-1"))
        const others = yield* alive(Effect.all(Array.from({ length: 300 }, () => Session.make(params))))
        yield* own(Effect.all(Array.from({ length: 100 }, () => Session.make(params))))
        const elsewhere = yield* abandon(fake, "elsewhere", 50)
        yield* own(
          Effect.forEach(Array.from({ length: 50 }), () => Effect.flatMap(Agb.Agb, (agb) => agb.create(params)))
        )
        yield* own(Effect.flatMap(Agb.Agb, (agb) => agb.ensure("user", params)))
        const live = yield* own(labelsOf(others[0]?.sessionId ?? ""))
        const orphaned = yield* own(labelsOf(orphans[0] ?? ""))
        for (const labels of spoofs(live, orphaned)) yield* own(rawCreate(labels))
        for (let nth = fake.ledger.created.length; nth < 1050; nth++) yield* own(rawCreate({ nth: String(nth) }))
        assert.strictEqual(fake.ledger.created.length, 1050)

        const dry = yield* own(sweep({ dryRun: true }))
        assert.deepStrictEqual(idsOf(dry.deleted), orphans)
        assert.strictEqual(fake.ledger.live, 1050)

        const report = yield* own(sweep())
        assert.deepStrictEqual(idsOf(report.deleted), orphans)
        assert.deepStrictEqual([...fake.ledger.deleted].sort(), orphans)
        assert.deepStrictEqual([report.failed, report.deleted[0]?.reason], [[], "ProgramEnded"])
        const kept = (reason: string) => report.kept.filter((session) => session.reason === reason).length
        assert.deepStrictEqual(
          ["ProgramRunning", "ProgramUnknown", "Copied", "Unproven", "Unreadable"].map(kept),
          [399, elsewhere.length, 2, 8, 0]
        )
        assert.deepStrictEqual((yield* own(sweep())).deleted, [])
      })
    ))

  it.live("deletes those of unknown programs by their age alone, and none of programs that run", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const old = [...(yield* abandon(fake, "elsewhere", 2)), ...(yield* abandon(fake, undefined, 2))]
        const alive = yield* program(fake, Option.some("alive-1"))
        yield* alive(Session.make(params))
        yield* Effect.sleep("2 hours")
        yield* abandon(fake, "elsewhere", 1)
        const own = yield* program(fake, Option.none(), { "alive-1": "running" })
        yield* own(Session.make(params))
        yield* Effect.sleep("1 hour")
        assert.deepStrictEqual((yield* own(sweep())).deleted, [])
        const report = yield* own(sweep({ olderThan: "90 minutes" }))
        assert.deepStrictEqual([idsOf(report.deleted), report.deleted[0]?.reason], [[...old].sort(), "TooOld"])
        // Its own sessions run, whatever their age.
        assert.strictEqual((yield* own(sweep({ olderThan: "1 second" }))).deleted.length, 1)
        assert.strictEqual(fake.ledger.live, 2)
      })
    ))

  it.live("leaves the session of a create in flight alone, though nothing tells programs apart", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const own = yield* program(fake, Option.none())
        fake.faults.next("createSession", delay(5000, "after"))
        yield* Effect.fork(own(Session.make(params)))
        yield* Effect.sleep("1 second")
        assert.strictEqual(fake.ledger.live, 1)
        const { deleted, kept } = yield* own(sweep({ olderThan: "1 milli" }))
        assert.deepStrictEqual([deleted, kept[0]?.reason], [[], "ProgramRunning"])
      })
    ))

  it.live("looks at the labels once more before it deletes", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        yield* abandon(fake, "dead-1", 1)
        const own = yield* program(fake, Option.some("own"), { "dead-1": "ended" })
        let looks = 0
        fake.faults.always("getLabel", () => {
          looks += 1
          return looks < 2 ? undefined : answers("before", {
            status: 200,
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ success: true, code: "ok", data: { labels: "{\"taken\":\"over\"}" } })
          })
        })
        const { deleted, kept } = yield* own(sweep())
        assert.deepStrictEqual([deleted, kept[0]?.reason, fake.ledger.live], [[], "Unproven", 1])
      })
    ))

  it.live("reports each session that it could not read or delete, with the error", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const [first, ...rest] = yield* abandon(fake, "dead-1", 3)
        const own = yield* program(fake, Option.some("own"), { "dead-1": "ended" })
        fake.faults.next("getLabel", answers("before", refusal(400, "Refused", "not this one")))
        fake.faults.always("releaseSessionAsync", unavailable("before"))
        const report = yield* own(sweep())
        assert.deepStrictEqual(idsOf(report.kept), [first ?? ""])
        assert.deepStrictEqual(
          report.kept.map(({ error, reason }) => [reason, Option.getOrThrow(error)._tag]),
          [["Unreadable", "RequestRejectedError"]]
        )
        assert.deepStrictEqual(idsOf(report.failed), rest)
        assert.deepStrictEqual(report.failed.map(({ error }) => error._tag), ["TransportError", "TransportError"])
        assert.strictEqual(fake.ledger.live, 3)
      })
    ))

  it.live("fails before anything is deleted if the sessions cannot be listed", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        yield* abandon(fake, "dead-1", 60)
        const own = yield* program(fake, Option.some("own"), { "dead-1": "ended" })
        const cycle = (nth: number) =>
          answers("before", {
            status: 200,
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ success: true, code: "ok", data: [], nextToken: String(nth % 2 + 1) })
          })
        fake.faults.always("listSession", cycle)
        yield* failsWith(own(sweep()), "MalformedResponseError")
        fake.faults.always("listSession", (nth) => nth === 0 ? undefined : answers("before", refusal(400, "No", "no")))
        yield* failsWith(own(sweep()), "RequestRejectedError")
        assert.strictEqual(fake.ledger.live, 60)
      })
    ))

  it.live("refuses options that it does not know or cannot use", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const own = yield* program(fake, Option.some("own"))
        const bad = [{ olderThan: 0 }, { olderThan: "soon" }, { olderThan: Infinity }, { dryRun: "yes" }, { older: 1 }]
        const fields = yield* Effect.forEach(bad, (options) =>
          Effect.map(failsWith(own(sweep(options as Agb.SweepOptions)), "InvalidRequestError"), ({ field }) => field))
        assert.deepStrictEqual(fields, ["olderThan", "olderThan", "olderThan", "dryRun", "older"])
        assert.strictEqual(fake.ledger.count("listSession"), 0)
      })
    ))

  it.live("does not take the stamp of another API key for its own", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const orphans = yield* abandon(fake, "dead-1", 1)
        const other = yield* make({ apiKey: "akm-other-0123456789" })
        const stranger = yield* program(other, Option.some("dead-1"))
        const { sessionId } = yield* stranger(Session.make(params))
        const own = yield* program(fake, Option.some("own"), { "dead-1": "ended" })
        const foreign = yield* own(rawCreate(yield* stranger(labelsOf(sessionId))))
        const { deleted, kept } = yield* own(sweep())
        assert.deepStrictEqual([idsOf(deleted), idsOf(kept), kept[0]?.reason], [orphans, [foreign], "Unproven"])
      })
    ))
})

describe("a guardian", () => {
  /** Records what it is told. */
  const recorded = (fake: FakeAgb, log: Array<string>) => {
    const say = (what: string) => (text: string) => void log.push(what === "addSession" ? `${what} ${text}` : what)
    const watch: Guardian.Guardian.Watch = {
      addAttempt: say("addAttempt"),
      removeAttempt: say("removeAttempt"),
      addSession: say("addSession"),
      removeSession: say("removeSession")
    }
    const guardian = Layer.succeed(Guardian.Guardian, { watch: () => Effect.succeed(watch) })
    return Effect.map(Layer.build(fake.layer().pipe(Layer.provide(guardian))), (context) => Effect.provide(context))
  }

  it.live("is told of an attempt before its request, and of a session before the attempt is over", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const log: Array<string> = []
        const own = yield* recorded(fake, log)
        fake.faults.always("createSession", () => {
          log.push("request")
          return undefined
        })
        yield* own(Session.use(params, () => Effect.void))
        assert.deepStrictEqual(
          log,
          [
            "addAttempt",
            "request",
            "addSession s-000001",
            "removeAttempt",
            "addSession s-000001",
            "removeSession"
          ]
        )
        log.length = 0
        yield* own(Effect.flatMap(Agb.Agb, (agb) => agb.create(params)))
        assert.deepStrictEqual(log, ["addAttempt", "request", "removeAttempt"])
      })
    ))
})
