/** What spans and metrics tell of runs, commands, files, requests, pools and sessions. */
import { Agb, Session, SessionPool } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import type { Option } from "effect"
import { type Context, Effect, Layer, Logger, Metric, MetricState, Stream, Tracer } from "effect"
import { make } from "../support/fakeAgb.js"
import { unavailable } from "../support/faults.js"
import { layerWith, none } from "../support/runtime.js"
import { withVirtualClock } from "../support/virtualClock.js"

const params = { imageId: "agb-code-space-1" }

interface Recorded {
  readonly name: string
  readonly attributes: Map<string, unknown>
}

/** A tracer that keeps the spans of this SDK. */
const makeTracer = () => {
  const recorded: Array<Recorded> = []
  const span = (
    name: string,
    parent: Option.Option<Tracer.AnySpan>,
    context: Context.Context<never>,
    links: ReadonlyArray<Tracer.SpanLink>,
    startTime: bigint,
    kind: Tracer.SpanKind
  ): Tracer.Span => {
    const attributes = new Map<string, unknown>()
    recorded.push({ name, attributes })
    return {
      _tag: "Span",
      name,
      spanId: String(recorded.length),
      traceId: "trace",
      parent,
      context,
      status: { _tag: "Started", startTime },
      attributes,
      links,
      sampled: true,
      kind,
      end: () => {},
      attribute: (key, value) => void attributes.set(key, value),
      event: () => {},
      addLinks: () => {}
    }
  }
  const tracer = Tracer.make({ span, context: (run) => run() })
  const all = (name: string) =>
    recorded.filter((span) => span.name === name).map(({ attributes }) => Object.fromEntries(attributes))
  return { layer: Layer.setTracer(tracer), all, recorded }
}

/** The values of a counter or a gauge by their labels, e.g. `python Success`. */
const valuesOf = (name: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Metric.unsafeSnapshot().filter(({ metricKey }) => metricKey.name === name).map(({ metricKey, metricState }) => [
      metricKey.tags.map(({ value }) => value).join(" "),
      MetricState.isCounterState(metricState)
        ? Number(metricState.count)
        : MetricState.isGaugeState(metricState)
        ? Number(metricState.value)
        : MetricState.isHistogramState(metricState)
        ? metricState.sum
        : Number.NaN
    ])
  )

/** Sums of what other tests have counted are no round numbers. */
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6

/** How much the values grew while a program ran. */
const growthOf = <A, E, R>(names: ReadonlyArray<string>, program: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const before = new Map(names.map((name) => [name, valuesOf(name)]))
    return Effect.map(program, (value) => ({
      value,
      growth: Object.fromEntries(names.map((name) => [
        name,
        Object.fromEntries(
          Object.entries(valuesOf(name)).map((
            [labels, value]
          ) => [labels, rounded(value - (before.get(name)?.[labels] ?? 0))])
            .filter(([, growth]) => growth !== 0)
        )
      ]))
    }))
  })

const withFake = <A, E>(body: (fake: Effect.Effect.Success<ReturnType<typeof make>>) => Effect.Effect<A, E, Agb.Agb>) =>
  Effect.flatMap(make(), (fake) => Effect.provide(body(fake), fake.layer())).pipe(
    Effect.scoped,
    Effect.provide(Logger.remove(Logger.defaultLogger)),
    withVirtualClock
  )

const language = "javascript"

const work = Session.use(params, ({ code, command, fileSystem }) =>
  Effect.gen(function*() {
    yield* code.runCode("console.log('ü'); 1", language)
    const raised = yield* Effect.flip(code.runCode("console.log('before'); process.exit(3)", "js"))
    yield* Stream.runDrain(code.runCodeStream("console.log('ü'); 1", language))
    yield* Effect.exit(Stream.runDrain(code.runCodeStream("console.log('before'); process.exit(3)", language)))
    yield* Stream.runDrain(Stream.take(code.runCodeStream("console.log(1); setTimeout(() => {}, 60000)", language), 1))
    yield* command.executeCommand("printf ab; printf c >&2")
    yield* Effect.flip(command.executeCommand("printf a; exit 3"))
    yield* Stream.runDrain(command.executeCommandStream("printf abcd"))
    yield* Effect.exit(Stream.runDrain(command.executeCommandStream("exit 4")))
    yield* fileSystem.writeFile("/tmp/text", "naïve")
    yield* fileSystem.writeFile("/tmp/bytes", new Uint8Array(100))
    yield* fileSystem.writeFile("/tmp/stream", Stream.make(new Uint8Array(200_000), new Uint8Array(5)))
    yield* Stream.run(Stream.make(new Uint8Array(30), new Uint8Array(7)), fileSystem.sink("/tmp/sink"))
    yield* fileSystem.readFile("/tmp/text")
    yield* fileSystem.readFileBytes("/tmp/bytes")
    yield* Stream.runDrain(fileSystem.readFileStream("/tmp/stream"))
    return "stdout" in raised ? Buffer.byteLength(raised.stdout + raised.stderr) : 0
  }))

describe("what is done in a session", () => {
  it.effect("is told by spans and counted by metrics", () =>
    Effect.gen(function*() {
      const tracer = makeTracer()
      const { growth, value: raisedBytes } = yield* growthOf(
        ["agb_runs", "agb_commands", "agb_bytes_read", "agb_bytes_written"],
        Effect.provide(work, tracer.layer)
      )
      assert.isAbove(raisedBytes, 0)
      assert.deepStrictEqual(growth, {
        agb_runs: {
          "javascript Success": 2,
          "javascript CodeExecutionError": 2,
          "javascript Interrupted": 1
        },
        agb_commands: { Success: 2, CommandExitError: 2 },
        agb_bytes_read: { "": 6 + 100 + 200_005 },
        agb_bytes_written: { "": 6 + 100 + 200_005 + 37 }
      })
      const js = { "agb.language": language }
      assert.deepStrictEqual(tracer.all("Code.runCode"), [
        { ...js, "agb.output_bytes": 3 },
        { ...js, "agb.output_bytes": raisedBytes }
      ])
      assert.deepStrictEqual(
        tracer.all("Code.runCodeStream").map(({ ["agb.request_id"]: _, ...attributes }) => attributes),
        [{ ...js, "agb.output_bytes": 3 }, { ...js, "agb.output_bytes": raisedBytes }, js]
      )
      assert.deepStrictEqual(tracer.all("Command.executeCommand"), [
        { "agb.exit_code": 0, "agb.output_bytes": 3 },
        { "agb.exit_code": 3, "agb.output_bytes": 1 }
      ])
      assert.deepStrictEqual(tracer.all("Command.executeCommandStream"), [
        { "agb.exit_code": 0, "agb.output_bytes": 4 },
        { "agb.exit_code": 4, "agb.output_bytes": 0 }
      ])
      assert.deepStrictEqual(
        tracer.all("FileSystem.writeFile").map((attributes) => attributes["agb.bytes"]),
        [6, 100, 200_005]
      )
      for (const [name, bytes] of [["FileSystem.readFileStream", 200_005], ["FileSystem.readFile", 6]] as const) {
        assert.deepStrictEqual(tracer.all(name).map((attributes) => attributes["agb.bytes"]), [bytes])
      }
    }).pipe(Effect.scoped, Effect.provide(layerWith(none))))

  it.live("tells the span of a caller nothing while no tracer is installed", () =>
    withFake(() =>
      Effect.gen(function*() {
        const span = yield* Effect.currentSpan
        yield* Session.use(params, ({ command, fileSystem }) =>
          Effect.zipRight(
            fileSystem.writeFile("/tmp/a", "a"),
            Effect.exit(command.executeCommand("printf out; printf err >&2; exit 3"))
          ))
        assert.deepStrictEqual([...span.attributes], [])
      }).pipe(Effect.withSpan("of the caller"))
    ))
})

describe("a request that is repeated", () => {
  it.live("counts, and its span tells its attempts", () =>
    withFake((fake) =>
      Effect.gen(function*() {
        const tracer = makeTracer()
        const agb = yield* Agb.Agb
        const session = yield* agb.create(params)
        fake.faults.next("getSessionInfo", unavailable("before"), unavailable("before"))
        const { growth } = yield* growthOf(["agb_retries"], Effect.provide(session.status, tracer.layer))
        assert.deepStrictEqual(growth, { agb_retries: { "": 2 } })
        yield* Effect.provide(session.status, tracer.layer)
        assert.deepStrictEqual(
          tracer.all("AgbClient.getSessionInfo").map((attributes) => attributes["agb.attempts"]),
          [3, 1]
        )
      })
    ))
})

describe("a session", () => {
  it.live("adds its lifetime to the time of all when it is deleted", () =>
    withFake(() =>
      Effect.gen(function*() {
        const { growth } = yield* growthOf(
          ["agb_session_seconds"],
          Session.use(params, () => Effect.sleep("90 seconds"))
        )
        assert.deepStrictEqual(growth, { agb_session_seconds: { "": 90 } })
      })
    ))
})

describe("a pool", () => {
  const gauges = () => ({ ...valuesOf("agb_pool_sessions"), waiting: valuesOf("agb_pool_waiting")[""] })

  it.live("shows what it holds, and how long its borrowers waited", () =>
    withFake(() =>
      Effect.gen(function*() {
        const tracer = makeTracer()
        const seen: Array<unknown> = []
        const see = Effect.sync(() => seen.push(gauges()))
        const { growth } = yield* growthOf(
          ["agb_pool_wait_seconds"],
          Effect.scoped(Effect.gen(function*() {
            const pool = yield* SessionPool.make({ session: params, max: 1 })
            const slow = pool.use(() => Effect.all([see, Effect.sleep("10 seconds"), see]))
            yield* Effect.all([slow, Effect.delay(pool.use(() => Effect.void), "1 second")], {
              concurrency: "unbounded"
            })
            yield* see
          })).pipe(Effect.provide(tracer.layer))
        )
        yield* see
        assert.deepStrictEqual(seen, [
          { idle: 0, borrowed: 1, changing: 0, waiting: 0 },
          { idle: 0, borrowed: 1, changing: 0, waiting: 1 },
          { idle: 1, borrowed: 0, changing: 0, waiting: 0 },
          { idle: 0, borrowed: 0, changing: 0, waiting: 0 }
        ])
        assert.deepStrictEqual(growth, { agb_pool_wait_seconds: { "": 9 } })
        assert.deepStrictEqual(tracer.all("SessionPool.borrow"), [{ "agb.queue_ms": 0 }, { "agb.queue_ms": 9000 }])
      })
    ))
})
