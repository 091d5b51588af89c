/** The faults that users put between their programs and a backend, here the local runtime. */
import { Agb, type AgbClient, Session } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { assert, layer } from "@effect/vitest"
import { Chunk, Effect, Layer, Option, Stream } from "effect"
import { serverLayer } from "../support/runtime.js"

const imageId = "agb-code-space-1"

/** A client of its own for each test. */
const on = (plan: AgbTest.Plan): Layer.Layer<Agb.Agb | AgbClient.AgbClient, never, LocalAgb.LocalAgb> =>
  Layer.unwrapEffect(
    Effect.map(
      LocalAgb.LocalAgb,
      ({ apiKey, endpoint }) =>
        NodeAgb.layer({ apiKey, endpoint, retry: { baseDelay: "1 millis" } }).pipe(
          Layer.provide(AgbTest.faults(plan)),
          Layer.orDie
        )
    )
  )

const left = Effect.flatMap(Agb.Agb, (agb) => Effect.map(Stream.runCollect(agb.list()), Chunk.size))

/** How a program ends that uses a session, and how many sessions are left. */
const use = <A, E>(plan: AgbTest.Plan, work: (session: Session.Session) => Effect.Effect<A, E>) =>
  Effect.zip(Effect.either(Session.use({ imageId }, work)), left).pipe(Effect.provide(on(plan)))

const outcomeOf = <A>(result: { readonly _tag: string; readonly left?: unknown; readonly right?: A }): unknown =>
  result._tag === "Right" ? result.right : (result.left as { readonly _tag: string } | undefined)?._tag

const one: (session: Session.Session) => Effect.Effect<string | undefined, unknown> = ({ code }) =>
  Effect.map(code.runCode("6 * 7", "javascript"), ({ text }) => text)

const echo: (session: Session.Session) => Effect.Effect<string, unknown> = ({ command }) =>
  Effect.map(command.executeCommand("echo on"), ({ stdout }) => stdout)

const unknown = (session: Session.Session) =>
  Effect.map(Effect.flip(one(session)), (error) => {
    const { _tag, mayHaveHappened } = error as { readonly _tag: string; readonly mayHaveHappened: boolean }
    return [_tag, mayHaveHappened]
  })

layer(serverLayer(), { excludeTestServices: true })("faults", (it) => {
  const cases: ReadonlyArray<
    readonly [
      title: string,
      AgbTest.Plan,
      (session: Session.Session) => Effect.Effect<unknown, unknown>,
      outcome: unknown
    ]
  > = [
    ["without any, a program does its work", {}, one, "42"],
    [
      "a rejected create is tried again",
      { createSession: [AgbTest.rateLimited(), AgbTest.unavailable("before")] },
      one,
      "42"
    ],
    ["a late reply is waited for", { run_code: AgbTest.delay("20 millis", "after") }, one, "42"],
    ["a quota is told", { createSession: AgbTest.quotaExceeded }, one, "RequestRejectedError"],
    ["a lost session is told", { run_code: AgbTest.sessionLost }, one, "SessionLostError"],
    ["of code whose reply is lost nobody knows whether it ran", { run_code: AgbTest.lostReply }, unknown, [
      "ExecutionUnknownError",
      true
    ]],
    ["code that was done and answered with 503 may have run", { run_code: AgbTest.unavailable("after") }, unknown, [
      "ExecutionUnknownError",
      true
    ]],
    ["a reply that is cut is no reply", { run_code: AgbTest.cutAfter(10) }, unknown, ["ExecutionUnknownError", true]],
    ["a reply that is not longer comes whole", { run_code: AgbTest.cutAfter(1_000_000) }, one, "42"],
    [
      "the second call alone",
      { shell: [undefined, AgbTest.sessionLost] },
      (session) => Effect.zipRight(echo(session), echo(session)),
      "SessionLostError"
    ],
    [
      "the third, by its number",
      { callTool: (nth) => nth === 2 ? AgbTest.sessionLost : undefined },
      (session) =>
        Effect.zip(echo(session), Effect.zip(echo(session), Effect.flip(echo(session)))).pipe(
          Effect.map(([first, [second, error]]) => [first, second, (error as { readonly _tag: string })._tag])
        ),
      ["on\n", "on\n", "SessionLostError"]
    ],
    [
      "a server that never answers can be left",
      { run_code: AgbTest.silence("after") },
      (session) => Effect.map(Effect.timeoutOption(one(session), "100 millis"), Option.isNone),
      true
    ]
  ]
  for (const [title, plan, work, outcome] of cases) {
    it.effect(`${title}, and no session is left`, () =>
      Effect.map(use(plan, work), ([result, sessions]) => {
        assert.deepStrictEqual([outcomeOf(result), sessions], [outcome, 0])
      }))
  }

  it.effect("of a create whose reply is lost leave no session", () =>
    Effect.map(use({ createSession: AgbTest.lostReply }, one), ([result, sessions]) => {
      assert.deepStrictEqual([outcomeOf(result), sessions], ["TransportError", 0])
    }))

  it.effect("cut a stream of a run after what was received", () =>
    use({ webSocket: AgbTest.cutAfter(2000) }, ({ code }) =>
      Effect.gen(function*() {
        const seen: Array<string> = []
        const prints = "for (let n = 0; n < 1000; n++) { console.log(n); await new Promise((go) => setTimeout(go, 1)) }"
        const stream = Stream.tap(code.runCodeStream(prints, "javascript"), (event) =>
          Effect.sync(() => {
            if (event._tag === "Stdout") seen.push(event.text)
          }))
        const error = yield* Effect.flip(Stream.runDrain(stream))
        return [error._tag, seen.join("").startsWith("0\n1\n")]
      })).pipe(
        Effect.map(([result, sessions]) => {
          assert.deepStrictEqual([outcomeOf(result), sessions], [["ExecutionUnknownError", true], 0])
        })
      ))

  it.effect("cut at once where a number of bytes is none", () =>
    Effect.sync(() => {
      for (const bytes of [-1, NaN]) assert.deepStrictEqual(AgbTest.cutAfter(bytes), AgbTest.cutAfter(0))
    }))

  it.effect("break a file on its way, and what was there stays", () =>
    use(
      { transfer: [undefined, AgbTest.cutAfter(100_000), AgbTest.cutAfter(100_000), undefined] },
      ({ fileSystem }) =>
        Effect.gen(function*() {
          const [before, after] = [new Uint8Array(300_000).fill(1), new Uint8Array(300_000).fill(2)]
          yield* fileSystem.writeFile("/tmp/file", before)
          const read = yield* Effect.flip(fileSystem.readFileBytes("/tmp/file"))
          const written = yield* Effect.flip(fileSystem.writeFile("/tmp/file", after))
          const bytes = yield* fileSystem.readFileBytes("/tmp/file")
          return [read._tag, written._tag, Buffer.from(bytes).equals(before)]
        })
    ).pipe(
      Effect.map(([result, sessions]) => {
        assert.deepStrictEqual([outcomeOf(result), sessions], [["TransportError", "TransportError", true], 0])
      })
    ))

  it.effect("do not end a read whose file could not be opened at first, but for one that is not there", () =>
    use(
      { transfer: [undefined, AgbTest.unavailable("before"), AgbTest.lostReply, undefined, undefined] },
      ({ fileSystem }) =>
        Effect.gen(function*() {
          yield* fileSystem.writeFile("/tmp/file", "kept")
          const read = yield* fileSystem.readFile("/tmp/file")
          const missing = yield* Effect.flip(fileSystem.readFile("/tmp/none"))
          return [read, missing._tag]
        })
    ).pipe(
      Effect.map(([result, sessions]) => {
        assert.deepStrictEqual([outcomeOf(result), sessions], [["kept", "FileNotFoundError"], 0])
      })
    ))
})
