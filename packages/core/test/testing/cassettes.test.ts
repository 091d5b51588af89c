/** Recordings of the backend in memory, and what is made of them. */
import { Agb, Contexts, Session } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Chunk, Effect, Exit, Layer, Stream } from "effect"

const imageId = "agb-code-space-1"

const backend: AgbTest.Options = {
  code: {
    "1 + 1": "2",
    "again": ({ nth }) => String(nth),
    "print": Stream.make({ stdout: "a\n" }, { stdout: "b\n" }, "done"),
    "leak": `the key is ${AgbTest.secrets.apiKey}, the token ${encodeURIComponent(AgbTest.secrets.token)}`
  },
  command: {
    "date": "today\n",
    "serve": Stream.concat(Stream.succeed("up\n"), Stream.never)
  },
  files: { "/home/in.bin": Uint8Array.of(255, 0, 1) }
}

/** Uses about all that there is, and tells what it has seen. */
const program = Effect.gen(function*() {
  const contexts = yield* Contexts.Contexts
  const agb = yield* Agb.Agb
  const context = yield* contexts.getOrCreate("kept")
  yield* contexts.write(context, "/a.txt", "kept")
  const kept = new TextDecoder().decode(yield* contexts.read(context, "/a.txt"))
  const seen = yield* Session.use(
    { imageId, labels: { purpose: "tape" } },
    (session) =>
      Effect.scoped(Effect.gen(function*() {
        const { code, command, fileSystem } = session
        const texts = yield* Effect.forEach(["again", "1 + 1", "again", "leak"], (text) => code.runCode(text, "python"))
        const events = yield* Stream.runCollect(code.runCodeStream("print", "python"))
        const { stdout } = yield* command.executeCommand("date")
        yield* fileSystem.writeFile("/tmp/out.txt", `written by ${session.sessionId}`)
        yield* fileSystem.writeFile("/tmp/out.bin", Stream.make(Uint8Array.of(254), Uint8Array.of(1)))
        const written = yield* fileSystem.readFile("/tmp/out.txt")
        yield* fileSystem.copy("/tmp/out.txt", "/tmp/copy.txt")
        const bytes = yield* fileSystem.readFileBytes("/home/in.bin")
        const process = yield* command.start("serve")
        yield* process.waitForLog(/up/)
        yield* process.kill("SIGKILL")
        const { exitCode } = yield* process.exit
        const { desktop } = yield* session.info
        const link = yield* session.getLink({ port: 30100 })
        const listed = yield* Stream.runCollect(agb.list({ purpose: "tape" }))
        const missing = yield* Effect.flip(fileSystem.readFile("/none"))
        return [
          texts.map(({ text }) => text?.replace(/the key.*/, "leaked")),
          Chunk.toArray(events).map(({ _tag }) => _tag),
          [stdout, written === `written by ${session.sessionId}`],
          [...bytes],
          [process.isNew, exitCode, desktop._tag, Chunk.size(listed), missing._tag, link.startsWith("https://")]
        ]
      }))
  )
  return [kept, ...seen]
}).pipe(Effect.provide(Contexts.layer))

const expected = [
  "kept",
  ["0", "2", "1", "leaked"],
  ["Stdout", "Stdout", "Result", "Completed"],
  ["today\n", true],
  [255, 0, 1],
  [true, 137, "Some", 1, "FileNotFoundError", true]
]

/** Runs a program on the backend in memory; what was recorded. */
const recorded = <A, E>(body: Effect.Effect<A, E, Agb.Agb>) =>
  Effect.gen(function*() {
    let cassette: AgbTest.Cassette = { version: 1, entries: [] }
    const keep = AgbTest.record((tape) => Effect.sync(() => void (cassette = tape)))
    const value = yield* Effect.provide(body, AgbTest.layer(backend).pipe(Layer.provide(keep)))
    return { cassette, value }
  })

const defectsOf = <A, E>(exit: Exit.Exit<A, E>) =>
  Exit.isFailure(exit) ? Chunk.toArray(Cause.defects(exit.cause)) : assert.fail("it did not die")

const oneRun = (text: string) =>
  Session.use({ imageId }, ({ code }) => Effect.map(code.runCode(text, "python"), ({ text }) => text))

describe("a cassette", () => {
  it.effect("answers as the backend did, without it, and is used up", () =>
    Effect.gen(function*() {
      const { cassette, value } = yield* recorded(program)
      assert.deepStrictEqual(value, expected)
      const text = AgbTest.encodeCassette(cassette)
      const replayed = Effect.zip(program, Effect.flatMap(AgbTest.Replay, ({ unused }) => unused))
      const [again, unused] = yield* Effect.provide(
        replayed,
        AgbTest.replay(yield* AgbTest.decodeCassette(text))
      ).pipe(Effect.catchAllCause((cause): Effect.Effect<never> => assert.fail(Cause.pretty(cause))))
      assert.deepStrictEqual(again, expected)
      assert.deepStrictEqual(unused, [])
    }))

  it.effect("has no secrets, and is the same for the same program", () =>
    Effect.gen(function*() {
      const one = AgbTest.encodeCassette((yield* recorded(program)).cassette)
      const other = AgbTest.encodeCassette((yield* recorded(program)).cassette)
      for (const [name, secret] of Object.entries(AgbTest.secrets)) assert.notInclude(one, secret, name)
      assert.notInclude(one, "agb.test/resource")
      assert.notMatch(one, /s-0000\d\d/)
      assert.include(one, "the key is secret-")
      assert.strictEqual(one, other)
    }))

  it.effect("that has no answer is died of, with what was asked and what comes next", () =>
    Effect.gen(function*() {
      const { cassette } = yield* recorded(oneRun("1 + 1"))
      const layer = AgbTest.replay(cassette)
      const [miss] = defectsOf(yield* Effect.exit(Effect.provide(oneRun("again"), layer)))
      assert.instanceOf(miss, AgbTest.ReplayMissError)
      const { asked, expected } = miss as AgbTest.ReplayMissError
      assert.match(asked, /^run_code .*"code":"again"/)
      assert.match(expected, /^next run_code .*"code":"1 \+ 1"/)
      const twice = Effect.zip(oneRun("1 + 1"), Effect.exit(oneRun("1 + 1")))
      const [hidden] = defectsOf(yield* Effect.exit(Effect.provide(twice, layer)))
      assert.include((hidden as Error).message, "no more of createSession")
      const streamed = Session.use({ imageId }, ({ code }) =>
        Effect.exit(Stream.runDrain(code.runCodeStream("print", "python"))))
      assert.include(String(defectsOf(yield* Effect.exit(Effect.provide(streamed, layer)))[0]), "no more of run")
      const taken = Effect.zipRight(
        streamed,
        Effect.flatMap(AgbTest.Replay, ({ takeMisses }) =>
          takeMisses)
      )
      assert.strictEqual((yield* Effect.provide(taken, layer)).length, 1)
      const unused = yield* Effect.provide(Effect.flatMap(AgbTest.Replay, ({ unused }) => unused), layer)
      assert.strictEqual(unused.length, cassette.entries.length)
    }))

  it.effect("has the failures that a program met", () =>
    Effect.gen(function*() {
      let cassette: AgbTest.Cassette = { version: 1, entries: [] }
      const keep = AgbTest.record((tape) => Effect.sync(() => void (cassette = tape)))
      const faults = AgbTest.faults({ run_code: [AgbTest.lostReply, AgbTest.rateLimited()] })
      const both = Effect.zip(Effect.either(oneRun("1 + 1")), Effect.either(oneRun("1 + 1")))
      const config = { retry: { maxAttempts: 1 } }
      const layer = AgbTest.layer({ ...backend, config }).pipe(Layer.provide(keep), Layer.provide(faults))
      const tagsOf = (ends: ReadonlyArray<{ readonly left?: unknown; readonly right?: unknown }>) =>
        ends.map(({ left, right }) => (left as { readonly _tag: string } | undefined)?._tag ?? right)
      const first = tagsOf(yield* Effect.provide(both, layer))
      assert.deepStrictEqual(first, ["ExecutionUnknownError", "RateLimitedError"])
      assert.deepStrictEqual(tagsOf(yield* Effect.provide(both, AgbTest.replay(cassette, { config }))), first)
    }))

  it.effect("that is none is refused", () =>
    Effect.gen(function*() {
      for (const text of ["", "{}", "{\"version\":2,\"entries\":[]}"]) {
        const error = yield* Effect.flip(AgbTest.decodeCassette(text, "tape.json"))
        assert.deepStrictEqual([error._tag, error.path], ["CassetteError", "tape.json"])
      }
    }))
})
