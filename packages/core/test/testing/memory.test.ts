/** The backend in memory as users of `AgbTest` see it. */
import { Agb, AgbPromise, type Code, type Command, Contexts, Session, SessionPool } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Chunk, Effect, Exit, Fiber, Layer, Option, Stream, TestClock } from "effect"

const imageId = "agb-code-space-1"

const tested = Effect.flatMap(AgbTest.AgbTest, ({ sessions }) => sessions)

/** The error of an effect that must fail. */
const errorOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, never, R> =>
  Effect.match(effect, {
    onSuccess: (value) => assert.fail(`it succeeded with ${JSON.stringify(value)}`),
    onFailure: (error) => error
  })

/** The value of an effect that must succeed. */
const valueOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, never, R> =>
  Effect.catchAll(effect, (error) => assert.fail(`it failed with ${String(error)}`))

/** What a program dies of. */
const defectOf = <A, E>(exit: Exit.Exit<A, E>) =>
  Exit.isFailure(exit) ? Chunk.toArray(Cause.defects(exit.cause)) : assert.fail("it did not die")

const outputs: AgbTest.Options = {
  code: {
    "1 + 1": "2",
    "figure": { results: [{ "image/png": "aGVsbG8=" }], stdout: "drawn\n", text: "<Figure>" },
    "boom": AgbTest.raises("NameError", "name 'boom' is not defined"),
    "slow": Effect.delay(Effect.succeed("late"), "10 seconds"),
    "count": Stream.make({ stdout: "1\n" }, { stderr: "2\n" }, "done").pipe(
      Stream.mapEffect((output) => Effect.delay(Effect.succeed(output), "800 millis"))
    ),
    "flaky": ({ nth }) => nth === 0 ? AgbTest.raises("Flaky", "try again") : `${nth}`,
    "saves": ({ files }) => {
      files.write("/tmp/deep/out.txt", "saved")
      return ""
    }
  },
  command: {
    "true": "",
    "fails": { stdout: "out", stderr: "err", exitCode: 3 },
    "pwd": ({ cwd, envs }) => `${cwd} ${envs["A"] ?? "-"}`,
    "ticks": Stream.repeatEffect(Effect.delay(Effect.succeed("tick\n"), "1 second")),
    "serves": Stream.concat(Stream.make({ stdout: "up\n", port: 8080 }), Stream.never),
    "upper": ({ stdin }) => Stream.map(Stream.decodeText(stdin), (text) => text.toUpperCase())
  },
  files: { "/home/data/in.txt": "given", "/home/bytes": Uint8Array.of(0, 255) }
}

const test = <E>(
  title: string,
  options: AgbTest.Options,
  body: (session: Session.Session) => Effect.Effect<void, E, Agb.Agb | AgbTest.AgbTest>
) => it.effect(title, () => Effect.provide(Session.use({ imageId }, body), AgbTest.layer(options)))

describe("runs and commands", () => {
  test("answer what is scripted", outputs, ({ code, command }) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* code.runCode("1 + 1", "python")).text, "2")
      const figure = yield* code.runCode("figure", "r")
      assert.deepStrictEqual([figure.stdout, figure.text], ["drawn\n", "<Figure>"])
      assert.deepStrictEqual(figure.results[0]?.data, { "image/png": "aGVsbG8=" })
      const error = yield* errorOf(code.runCode("boom", "python"))
      assert.deepInclude(error, { _tag: "CodeExecutionError", name: "NameError", value: "name 'boom' is not defined" })
      assert.strictEqual((yield* errorOf(code.runCode("flaky", "python")))._tag, "CodeExecutionError")
      assert.strictEqual((yield* valueOf(code.runCode("flaky", "python"))).text, "1")
      const result = yield* command.executeCommand("fails", { acceptExitCodes: [3] })
      assert.deepInclude(result, { stdout: "out", stderr: "err", exitCode: 3 })
      const options = { cwd: "/tmp", envs: { A: "it's" } }
      assert.strictEqual((yield* command.executeCommand("pwd", options)).stdout, "/tmp it's")
      const { commands, runs } = yield* AgbTest.AgbTest
      assert.deepStrictEqual((yield* runs).map(({ code, language }) => `${language} ${code}`), [
        "python 1 + 1",
        "r figure",
        "python boom",
        "python flaky",
        "python flaky"
      ])
      assert.deepInclude((yield* commands)[1], { command: "pwd", cwd: "/tmp", envs: { A: "it's" }, at: 0 })
    }))

  test(
    "take their time by the clock of the test, up to their limit",
    outputs,
    ({ code, command }) =>
      Effect.gen(function*() {
        const slow = yield* Effect.fork(code.runCode("slow", "python"))
        yield* TestClock.adjust("9999 millis")
        assert.isNull(slow.unsafePoll())
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* Fiber.join(slow)).text, "late")
        const late = yield* Effect.fork(errorOf(code.runCode("count", "python", { timeout: "2 seconds" })))
        const ticks = yield* Effect.fork(errorOf(command.executeCommand("ticks", { timeout: "2500 millis" })))
        yield* TestClock.adjust("2500 millis")
        assert.deepInclude(yield* Fiber.join(late), { _tag: "ExecutionTimeoutError", stdout: "1\n", stderr: "2\n" })
        assert.deepInclude(yield* Fiber.join(ticks), { _tag: "ExecutionTimeoutError", stdout: "tick\ntick\n" })
      })
  )

  test("stream as they go", outputs, ({ code, command }) =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const follow = <E>(stream: Stream.Stream<Code.CodeEvent | Command.CommandEvent, E>) =>
        Effect.fork(Stream.runForEach(stream, (event) =>
          Effect.sync(() =>
            seen.push(`${event._tag} ${"text" in event ? event.text : ""}`)
          )))
      const run = yield* follow(code.runCodeStream("count", "python"))
      yield* TestClock.adjust("1600 millis")
      assert.deepStrictEqual(seen, ["Stdout 1\n", "Stderr 2\n"])
      yield* TestClock.adjust("800 millis")
      yield* Fiber.join(run)
      assert.deepStrictEqual(seen.splice(0).slice(2), ["Result ", "Completed "])
      const cut = yield* follow(Stream.take(command.executeCommandStream("ticks"), 2))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(cut)
      assert.deepStrictEqual(seen.splice(0), ["Stdout tick\n", "Stdout tick\n"])
      const events = yield* Stream.runCollect(command.executeCommandStream("fails", { acceptExitCodes: [3] }))
      assert.deepInclude(Chunk.unsafeLast(events), { _tag: "Exited", exitCode: 3 })
      const late = yield* Effect.fork(
        errorOf(Stream.runDrain(code.runCodeStream("slow", "python", { timeout: "1 second" })))
      )
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(late))._tag, "ExecutionTimeoutError")
      const raised = yield* errorOf(Stream.runDrain(code.runCodeStream("boom", "python")))
      assert.deepInclude(raised, { _tag: "CodeExecutionError", name: "NameError" })
    }))
})

describe("processes", () => {
  test("are followed, fed, waited for and ended", outputs, ({ command, link }) =>
    Effect.scoped(Effect.gen(function*() {
      const upper = yield* command.start("upper", { stdin: "pipe" })
      yield* Stream.run(Stream.encodeText(Stream.make("it's ", "me")), upper.stdin)
      assert.strictEqual(yield* Stream.mkString(Stream.decodeText(upper.stdout)), "IT'S ME")
      assert.strictEqual((yield* upper.exit).exitCode, 0)
      const first = yield* command.startDetached("serves", { key: "web" })
      const again = yield* command.startDetached("serves", { key: "web" })
      assert.deepStrictEqual([first.isNew, again.isNew, again.pid === first.pid], [true, false, true])
      assert.strictEqual((yield* first.waitForLog(/u(p)/)).match[1], "p")
      yield* first.waitForPort(8080)
      assert.include(yield* link.waitFor(8080), "8080")
      yield* first.kill("SIGINT")
      assert.strictEqual(Option.getOrNull((yield* first.exit).signal), "SIGINT")
      const limited = yield* command.startDetached("ticks", { key: "ticks", timeout: "3500 millis" })
      yield* TestClock.adjust("1 minute")
      const exit = yield* limited.exit
      assert.deepStrictEqual([exit.exitCode, exit.timedOut], [137, true])
      assert.strictEqual(yield* Stream.mkString(Stream.decodeText(limited.stdout)), "tick\ntick\ntick\n")
      assert.deepStrictEqual((yield* command.listProcesses).map(({ key }) => key).slice(1), ["web", "ticks"])
      assert.strictEqual((yield* errorOf(command.attach("none")))._tag, "ProcessNotFoundError")
    })))
})

describe("what nobody has scripted", () => {
  const use = (
    options: AgbTest.Options,
    body: (session: Session.Session) => Effect.Effect<unknown, unknown, AgbTest.AgbTest>
  ) => Effect.exit(Effect.provide(Session.use({ imageId }, body), AgbTest.layer(options)))

  it.effect("is died of, by its name and with what is known", () =>
    Effect.gen(function*() {
      const [code, again] = defectOf(yield* use(outputs, ({ code }) => code.runCode("print(1)", "python")))
      assert.instanceOf(code, AgbTest.UnscriptedError)
      assert.strictEqual(again, code)
      const known = "Scripted: \"1 + 1\", \"figure\", \"boom\""
      assert.include((code as Error).message, `there is no answer for the python code "print(1)". ${known}`)
      const [command] = defectOf(yield* use({}, ({ command }) => command.executeCommand("toString")))
      assert.include((command as Error).message, "there is no answer for the command \"toString\". Scripted: nothing")
      const [process] = defectOf(yield* use({}, ({ command }) => Effect.scoped(command.start("rm -rf /"))))
      assert.include((process as Error).message, "the command \"rm -rf /\"")
    }))

  it.effect("ends the test also where the program has hidden it", () =>
    Effect.gen(function*() {
      const hidden = ({ code }: Session.Session) => Effect.exit(code.runCode("x", "python"))
      const streamed = ({ code }: Session.Session) => errorOf(Stream.runDrain(code.runCodeStream("x", "python")))
      for (const program of [hidden, streamed]) {
        assert.include((defectOf(yield* use({}, program))[0] as Error).message, "the python code \"x\"")
      }
      const taken = yield* use({}, (session) =>
        Effect.zipRight(
          hidden(session),
          Effect.flatMap(AgbTest.AgbTest, ({ takeUnscripted }) => takeUnscripted)
        ))
      assert.isTrue(Exit.isSuccess(taken))
    }))

  it.effect("and options that make no sense are refused by name", () =>
    Effect.gen(function*() {
      const bad: ReadonlyArray<readonly [field: string, options: unknown]> = [
        ["files[\"relative\"]", { files: { relative: "" } }],
        ["files[\"/a\"]", { files: { "/a": 1 } }],
        ["code", { code: "1" }],
        ["commands", { commands: {} }],
        ["apiOnly", { apiOnly: 1 }],
        ["timeout", { config: { timeout: -1 } }]
      ]
      for (const [field, options] of bad) {
        const error = yield* errorOf(Effect.provide(Effect.void, AgbTest.layer(options as AgbTest.Options)))
        assert.deepStrictEqual([error._tag, error.field], ["ConfigurationError", field])
      }
    }))
})

describe("sessions", () => {
  it.effect("are told with their end and their files", () =>
    Effect.gen(function*() {
      const labels = { purpose: "test" }
      yield* Session.use({ imageId, labels }, ({ code, fileSystem }) =>
        Effect.gen(function*() {
          assert.strictEqual(yield* fileSystem.readFile("/home/data/in.txt"), "given")
          yield* fileSystem.writeFile("/home/bytes", Uint8Array.of(1, 2, 3), { mode: "append" })
          yield* fileSystem.copy("/home/data", "/home/copy")
          yield* fileSystem.remove("/home/data", { recursive: true })
          assert.isFalse(yield* fileSystem.exists("/home/data"))
          yield* code.runCode("saves", "python")
          assert.strictEqual(yield* fileSystem.readFile("/tmp/deep/out.txt"), "saved")
          const [session] = yield* tested
          session?.files.write("/tmp/new/told.txt", "by the test")
          assert.strictEqual(yield* fileSystem.readFile("/tmp/new/told.txt"), "by the test")
        }))
      const [session, ...others] = yield* tested
      assert.deepInclude(session, { sessionId: "s-000001", imageId, labels, status: "Deleted" })
      assert.deepStrictEqual(session?.files.paths(), [
        "/home/bytes",
        "/home/copy/in.txt",
        "/tmp/deep/out.txt",
        "/tmp/new/told.txt"
      ])
      assert.deepStrictEqual(session?.files.bytes("/home/bytes"), Uint8Array.of(0, 255, 1, 2, 3))
      const texts = ["/home/copy/in.txt", "/tmp"].map((path) => session?.files.text(path))
      assert.deepStrictEqual(texts, ["given", undefined])
      assert.deepStrictEqual(others, [])
      const { ledger } = yield* AgbTest.AgbTest
      const happened = (yield* ledger).filter(({ _tag }) => _tag.startsWith("Session"))
      assert.deepStrictEqual(happened.map(({ _tag }) => _tag), ["SessionCreated", "SessionDeleted"])
    }).pipe(Effect.provide(AgbTest.layer(outputs))))

  it.effect("expire when nobody uses them, and when the test says so", () =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const idle = yield* agb.create({ imageId, idleTimeout: "1 minute" }, { keepAlive: false })
      const kept = yield* agb.create({ imageId, idleTimeout: "1 minute" })
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* idle.status, "RUNNING")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual((yield* errorOf(idle.command.executeCommand("true")))._tag, "SessionLostError")
      yield* TestClock.adjust("1 hour")
      yield* valueOf(kept.command.executeCommand("true"))
      const { expire } = yield* AgbTest.AgbTest
      yield* expire(kept.sessionId)
      assert.strictEqual((yield* errorOf(kept.command.executeCommand("true")))._tag, "SessionLostError")
      assert.deepStrictEqual((yield* tested).map(({ status }) => status), ["Expired", "Expired"])
    }).pipe(Effect.provide(AgbTest.layer(outputs))))

  it.live("serve the promise API and pools as well", () =>
    Effect.gen(function*() {
      const { sessions } = yield* AgbTest.AgbTest
      const agb = new AgbPromise.AGB({ layer: Layer.succeed(Agb.Agb, yield* Agb.Agb) })
      const run = yield* Effect.promise(() =>
        agb.withSession({ imageId }, ({ code }) => code.runCode("1 + 1", "python")).finally(() => agb.dispose())
      )
      assert.strictEqual(run.success && run.result, "2")
      const borrowed = Effect.scoped(Effect.flatMap(SessionPool.SessionPool, ({ borrow }) => borrow))
      const pool = SessionPool.layer({ session: { imageId }, min: 0, max: 1 })
      const [one, other] = yield* Effect.provide(Effect.all([borrowed, borrowed]), pool)
      assert.strictEqual(one.sessionId, other.sessionId)
      assert.deepStrictEqual((yield* sessions).map(({ status }) => status), ["Deleted", "Deleted"])
    }).pipe(Effect.provide(AgbTest.layer(outputs))))

  it.effect("keep their contexts, and meet faults", () =>
    Effect.gen(function*() {
      const contexts = yield* Contexts.Contexts
      const context = yield* contexts.getOrCreate("kept")
      yield* contexts.write(context, "/tmp/kept/a.txt", "before")
      yield* Session.use({ imageId, contexts: [{ context, path: "/tmp/kept" }] }, ({ code, fileSystem }) =>
        Effect.gen(function*() {
          assert.strictEqual(yield* fileSystem.readFile("/tmp/kept/a.txt"), "before")
          yield* fileSystem.writeFile("/tmp/kept/a.txt", "after")
          assert.strictEqual((yield* errorOf(code.runCode("1 + 1", "python")))._tag, "ExecutionUnknownError")
          assert.strictEqual((yield* code.runCode("1 + 1", "python")).text, "2")
        }))
      assert.deepStrictEqual(yield* contexts.read(context, "/tmp/kept/a.txt"), new TextEncoder().encode("after"))
      assert.strictEqual(
        (yield* Effect.flatMap(AgbTest.AgbTest, ({ runs }) =>
          runs)).length,
        2
      )
    }).pipe(
      Effect.provide(Contexts.layer),
      Effect.provide(AgbTest.layer(outputs).pipe(Layer.provide(AgbTest.faults({ run_code: [AgbTest.lostReply] }))))
    ))
})
