/** A recording of the local runtime, and the same program on it. */
import { type AgbClient, Contexts, Session } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { FileSystem } from "@effect/platform"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, layer } from "@effect/vitest"
import { Cause, Chunk, Effect, Layer, Redacted, Stream } from "effect"
import { serverLayer } from "../support/runtime.js"

/** The secrets of a session. */
const secretsOf = (client: AgbClient.AgbClient.Service, sessionId: string) =>
  Effect.map(
    client.getSession({ sessionId }),
    ({ linkUrl = "", resourceUrl = "", token, wsUrl = "" }) =>
      [token === undefined ? "" : Redacted.value(token), resourceUrl, linkUrl, wsUrl].filter((text) => text !== "")
  )

const program = Effect.gen(function*() {
  const contexts = yield* Contexts.Contexts
  const context = yield* contexts.getOrCreate("recorded")
  yield* contexts.write(context, "/a.txt", "kept")
  const kept = new TextDecoder().decode(yield* contexts.read(context, "/a.txt"))
  const [secrets, ...seen] = yield* Session.use(
    { imageId: "agb-browser-use-1" },
    (session) =>
      Effect.scoped(Effect.gen(function*() {
        const { client, code, command, fileSystem, sessionId } = session
        yield* fileSystem.writeFile("/tmp/in.txt", `for ${sessionId}`)
        const { text } = yield* code.runCode(
          "require('fs').readFileSync('/tmp/in.txt', 'utf8').length > 5",
          "javascript"
        )
        const events = yield* Stream.runCollect(code.runCodeStream("console.log('one'); 6 * 7", "javascript"))
        const raised = yield* Effect.flip(code.runCode("null.length", "javascript"))
        const process = yield* command.start("printf out; sleep 0.1; exit 3")
        const { exitCode } = yield* process.exit
        const printed = yield* Stream.mkString(Stream.decodeText(process.stdout))
        yield* fileSystem.copy("/tmp/in.txt", "/tmp/copy.txt")
        const copy = yield* fileSystem.readFile("/tmp/copy.txt")
        yield* fileSystem.writeFile("/tmp/bytes", Stream.make(Uint8Array.of(255), Uint8Array.of(0)))
        const bytes = yield* fileSystem.readFileBytes("/tmp/bytes")
        return [
          yield* secretsOf(client, sessionId),
          [text, copy === `for ${sessionId}`, raised._tag, exitCode, printed, [...bytes]],
          Chunk.toArray(events).map(({ _tag }) => _tag)
        ] as const
      }))
  )
  return { secrets, seen: [kept, ...seen] }
}).pipe(Effect.provide(Contexts.layer))

layer(Layer.provideMerge(serverLayer(), NodeFileSystem.layer), { excludeTestServices: true })("a recording", (it) => {
  it.scoped("of the local runtime answers as it did, and has no secrets", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
      const path = `${yield* fs.makeTempDirectoryScoped()}/tape.json`
      const local = NodeAgb.layer({ apiKey, endpoint }).pipe(Layer.provide(AgbTest.recordFile(path)))
      const { secrets, seen } = yield* Effect.provide(program, local)
      assert.deepStrictEqual(seen, [
        "kept",
        ["true", true, "CodeExecutionError", 3, "out", [255, 0]],
        ["Stdout", "Result", "Completed"]
      ])
      const text = yield* fs.readFileString(path)
      assert.isAbove(secrets.length, 2)
      for (const secret of [Redacted.value(apiKey), new URL(endpoint).host, ...secrets]) assert.notInclude(text, secret)
      assert.notMatch(text, /[?&](signature|token|authcode)=/i)
      const replayed = Effect.zip(program, Effect.flatMap(AgbTest.Replay, ({ unused }) => unused)).pipe(
        Effect.provide(AgbTest.replayFile(path)),
        Effect.catchAllCause((cause): Effect.Effect<never> => assert.fail(Cause.pretty(cause)))
      )
      const [again, unused] = yield* replayed
      assert.deepStrictEqual(again.seen, seen)
      assert.deepStrictEqual(unused, [])
    }))
})
