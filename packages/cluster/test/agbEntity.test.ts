/** Sessions as entities: one for each name, whoever runs it, with calls that take effect once. */
import { AgbEntity } from "@effect-agb/cluster"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { Entity, ShardingConfig, TestRunner } from "@effect/cluster"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Exit, Fiber, Layer, Option, Scope, Stream, TestClock, TestServices } from "effect"
import { inTime, Notebook, params } from "./support/fixtures.js"

const notebooks = AgbEntity.layer(Notebook, { session: params, idleTimeToLive: "30 minutes" })

const backend = AgbTest.layer({
  code: ({ code, nth }) => ({ text: `${code} #${nth + 1}`, stdout: "ran\n" }),
  command: ({ command, nth }) => ({
    stdout: `${command} #${nth + 1}\n`,
    exitCode: command === "fail" ? 3 : 0
  })
})

/** A runner of its own, until the scope ends. */
const runner = Effect.map(
  Entity.makeTestClient(Notebook, notebooks),
  (client) => (id: string) => client(id)
).pipe(Effect.provide(ShardingConfig.layer()))

const statuses = Effect.flatMap(
  AgbTest.AgbTest,
  ({ sessions }) => Effect.map(sessions, (all) => all.map(({ status }) => status))
)

const commands = Effect.flatMap(
  AgbTest.AgbTest,
  (test) => Effect.map(test.commands, (all) => all.map(({ command }) => command))
)

const tagOf = <E extends { readonly _tag: string }>(result: Either.Either<unknown, E>): string =>
  Either.isLeft(result) ? result.left._tag : "Success"

/** Runs an effect with a runner that ends with it. */
const onRunner = <A, E, R>(f: (client: Effect.Effect.Success<typeof runner>) => Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.flatMap(runner, f))

describe("a session of an entity", () => {
  it.scoped("is one for each name, and stays when its runner ends", () =>
    inTime(Effect.gen(function*() {
      yield* onRunner((client) =>
        Effect.gen(function*() {
          const [ada, bob] = [yield* client("ada"), yield* client("bob")]
          yield* ada.writeFile({ key: "1", path: "/tmp/a", content: "of ada" })
          yield* bob.writeFile({ key: "1", path: "/tmp/a", content: "of bob" })
        })
      )
      assert.deepStrictEqual(yield* statuses, ["Running", "Running"])
      const found = yield* onRunner((client) =>
        Effect.flatMap(client("ada"), (ada) => Effect.either(ada.readFile({ path: "/tmp/a" })))
      )
      assert.deepStrictEqual(found, Either.right("of ada"))
      assert.deepStrictEqual(yield* statuses, ["Running", "Running"])
    })).pipe(Effect.provide(backend)))

  it.scoped("is kept alive while its entity lives, and deleted when nobody used it for long", () =>
    Effect.gen(function*() {
      const ada = yield* Effect.flatMap(runner, (client) => client("ada"))
      yield* inTime(ada.command({ key: "1", command: "true" }))
      yield* TestClock.adjust("25 minutes")
      yield* inTime(ada.command({ key: "2", command: "true" }))
      yield* TestClock.adjust("25 minutes")
      assert.deepStrictEqual(yield* statuses, ["Running"])
      yield* TestClock.adjust("10 minutes")
      yield* inTime(Effect.repeat(statuses, { until: ([status]) => status === "Deleted" }))
      const { stdout } = yield* inTime(ada.command({ key: "3", command: "again" }))
      assert.strictEqual(stdout, "again #1\n")
      assert.deepStrictEqual(yield* statuses, ["Deleted", "Running"])
    }).pipe(Effect.provide(backend)))

  it.scoped("is deleted when it is closed, and made again by the next call", () =>
    inTime(Effect.gen(function*() {
      const ada = yield* Effect.flatMap(runner, (client) => client("ada"))
      yield* ada.writeFile({ key: "1", path: "/tmp/a", content: "before" })
      yield* ada.close()
      assert.deepStrictEqual(yield* statuses, ["Deleted"])
      assert.strictEqual(tagOf(yield* Effect.either(ada.readFile({ path: "/tmp/a" }))), "FileNotFoundError")
      assert.deepStrictEqual(yield* statuses, ["Deleted", "Running"])
    })).pipe(Effect.provide(backend)))

  it.scoped("that is lost fails the call that finds out, and is made again by the next", () =>
    inTime(Effect.gen(function*() {
      const ada = yield* Effect.flatMap(runner, (client) => client("ada"))
      yield* ada.command({ key: "1", command: "true" })
      const test = yield* AgbTest.AgbTest
      const [first] = yield* test.sessions
      yield* test.expire(first!.sessionId)
      // Two that meet the loss together share the next session.
      const lost = yield* Effect.all([
        Effect.either(ada.readFile({ path: "/tmp/a" })),
        Effect.either(ada.readFile({ path: "/tmp/b" }))
      ], { concurrency: 2 })
      assert.deepStrictEqual(lost.map(tagOf), ["SessionLostError", "SessionLostError"])
      const next = yield* Effect.either(ada.command({ key: "2", command: "true" }))
      assert.strictEqual(tagOf(next), "Success")
      assert.deepStrictEqual(yield* statuses, ["Expired", "Running"])
    })).pipe(Effect.provide(backend)))

  it.scoped("that cannot be made is told, and tried again by the next call", () =>
    inTime(Effect.gen(function*() {
      const invalid = AgbEntity.layer(Notebook, { session: { imageId: "" } })
      const client = yield* Entity.makeTestClient(Notebook, invalid).pipe(Effect.provide(ShardingConfig.layer()))
      const ada = yield* client("ada")
      for (const path of ["/tmp/a", "/tmp/b"]) {
        assert.strictEqual(tagOf(yield* Effect.either(ada.readFile({ path }))), "InvalidRequestError")
      }
    })).pipe(Effect.provide(backend)))
})

describe("a runner that was stopped for so long that another has its entity", () => {
  const takenOver = Effect.gen(function*() {
    const scope = yield* Scope.make()
    const stale = yield* Effect.flatMap(Scope.extend(runner, scope), (client) => client("ada"))
    yield* inTime(stale.command({ key: "1", command: "first" }))
    const next = yield* Effect.flatMap(runner, (client) => client("ada"))
    yield* inTime(next.writeFile({ key: "2", path: "/tmp/a", content: "new" }))
    return { stale, next, end: Scope.close(scope, Exit.void) }
  })

  it.scoped("does nothing in the session, and ends without an answer", () =>
    Effect.gen(function*() {
      const { end, next, stale } = yield* takenOver
      const late = yield* Effect.fork(stale.writeFile({ key: "0", path: "/tmp/a", content: "old" }))
      yield* TestClock.adjust("30 seconds")
      yield* Effect.forkScoped(end)
      yield* inTime(Fiber.await(late))
      assert.strictEqual(yield* inTime(next.readFile({ path: "/tmp/a" })), "new")
    }).pipe(Effect.provide(backend)))

  it.scoped("does not delete the session when its time is over", () =>
    Effect.gen(function*() {
      const { next } = yield* takenOver
      yield* TestClock.adjust("20 minutes")
      yield* inTime(next.readFile({ path: "/tmp/a" }))
      yield* TestClock.adjust("15 minutes")
      yield* inTime(Effect.sleep("1 second"))
      assert.deepStrictEqual(yield* statuses, ["Running"])
    }).pipe(Effect.provide(backend)))

  it.scoped("that still runs when the other must have known has the session again", () =>
    Effect.gen(function*() {
      const { stale } = yield* takenOver
      const late = yield* Effect.fork(stale.writeFile({ key: "0", path: "/tmp/a", content: "rightful" }))
      yield* TestClock.adjust(Duration.minutes(2))
      yield* inTime(Fiber.join(late))
      // No time passes in which it could wait for the other.
      const again = yield* Effect.fork(stale.readFile({ path: "/tmp/a" }))
      const found = Effect.timeoutOption(Fiber.join(again), "30 seconds")
      assert.strictEqual(Option.getOrNull(yield* TestServices.provideLive(found)), "rightful")
    }).pipe(Effect.provide(backend)))
})

describe("a call of an entity", () => {
  it.scoped("takes effect once for each key, though its message is delivered to another runner again", () =>
    inTime(Effect.gen(function*() {
      const calls = onRunner((client) =>
        Effect.gen(function*() {
          const ada = yield* client("ada")
          const { text } = yield* ada.runCode({ key: "run/1", code: "work()", language: "python" })
          const { exitCode, stdout } = yield* ada.command({ key: "run/1", command: "fail", acceptExitCodes: [3] })
          return [text, exitCode, stdout.trim()].join(" ")
        })
      )
      assert.strictEqual(yield* calls, "work() #1 3 fail #1")
      assert.strictEqual(yield* calls, "work() #1 3 fail #1")
      assert.deepStrictEqual(yield* commands, ["fail"])
    })).pipe(Effect.provide(backend)))

  it.scoped("is stored: a key that was answered gets the same answer, also if that was an error", () =>
    inTime(Effect.gen(function*() {
      const ada = (yield* Notebook.client)("ada")
      const fail = Effect.either(ada.command({ key: "1", command: "fail" }))
      assert.deepStrictEqual([tagOf(yield* fail), tagOf(yield* fail)], ["CommandExitError", "CommandExitError"])
      yield* ada.close()
      assert.strictEqual(tagOf(yield* fail), "CommandExitError")
      assert.deepStrictEqual(yield* commands, ["fail"])
      assert.deepStrictEqual(yield* statuses, ["Deleted"])
    })).pipe(Effect.provide(notebooks.pipe(Layer.provideMerge(TestRunner.layer), Layer.provideMerge(backend)))))

  it.scoped("streams what a command writes, as often as it is asked, and a run of code once", () =>
    inTime(Effect.gen(function*() {
      const ada = yield* Effect.flatMap(runner, (client) => client("ada"))
      const command = Effect.map(
        Stream.runCollect(ada.commandStream({ key: "1", command: "fail" })),
        (events) => [...events].map((event) => event._tag === "Exited" ? event.exitCode : event.text)
      )
      assert.deepStrictEqual(yield* command, ["fail #1\n", 3])
      assert.deepStrictEqual(yield* command, ["fail #1\n", 3])
      const code = Stream.runCollect(ada.runCodeStream({ key: "1", code: "work()", language: "python" }))
      const events = [...yield* code]
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Stdout", "Result", "Completed"])
      const last = events.at(-1)
      assert.strictEqual(last?._tag === "Completed" && last.result.text, "work() #1")
      assert.strictEqual(tagOf(yield* Effect.either(code)), "ExecutionUnknownError")
    })).pipe(Effect.provide(backend)))
})
