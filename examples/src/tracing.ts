// The trace and the counters of a program, printed when it ends. With another exporter of OpenTelemetry they go wherever those of
// a service go: docs/tracing.md.
import { Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { NodeSdk } from "@effect/opentelemetry"
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Console, Effect, Metric, MetricState } from "effect"
import { local } from "./local.js"

const exporter = new InMemorySpanExporter()

const tracing = NodeSdk.layer(() => ({
  resource: { serviceName: "example" },
  spanProcessor: new SimpleSpanProcessor(exporter)
}))

const program = Session.use({ imageId: "agb-code-space-1" }, ({ code, command, fileSystem }) =>
  Effect.gen(function*() {
    yield* fileSystem.writeFile("/tmp/numbers", "1\n2\n3\n")
    yield* code.runCode("console.log('hello'); 6 * 7", "javascript")
    yield* Effect.ignore(command.executeCommand("echo no such luck; exit 3"))
  })).pipe(Effect.withSpan("program"))

const startOf = ({ startTime: [seconds, nanos] }: ReadableSpan) => seconds * 1000 + nanos / 1e6

const tree = (spans: ReadonlyArray<ReadableSpan>, parent?: string, indent = ""): ReadonlyArray<string> =>
  spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent)
    .sort((one, other) => startOf(one) - startOf(other))
    .flatMap((span) => {
      const told = Object.entries(span.attributes).filter(([name]) =>
        /^agb\.(language|exit_code|output_bytes|bytes)$/.test(name)
      )
      return [
        [indent + span.name, ...told.map(([name, value]) => `${name}=${value}`)].join(" "),
        ...tree(spans, span.spanContext().spanId, `${indent}  `)
      ]
    })

const counters = Effect.map(
  Metric.snapshot,
  (all) =>
    all.flatMap(({ metricKey: { name, tags }, metricState }) =>
      name.startsWith("agb_") && MetricState.isCounterState(metricState)
        ? [`${name}{${tags.map(({ key, value }) => `${key}=${value}`).join()}} ${metricState.count}`]
        : []
    )
)

const print = Effect.flatMap(
  counters,
  (counters) => Console.log([...tree(exporter.getFinishedSpans()), "", ...counters].join("\n"))
)

NodeAgb.runMain(Effect.zipRight(program.pipe(Effect.provide(local)), print).pipe(Effect.provide(tracing)))
