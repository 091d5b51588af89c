/** The resource usage of a session. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { ClientError, InvalidRequestError, ToolError } from "../../AgbError.js"
import { tools } from "../../AgbTools.js"
import type { ToolCall } from "../../ToolCall.js"
import * as options from "../client/checks/options.js"
import * as timeouts from "../client/checks/timeouts.js"

/** Resource usage of a session. What the server does not report is none. */
export interface SessionMetrics {
  readonly cpuCount: Option.Option<number>
  /** Of all CPUs, from 0 to 100. */
  readonly cpuUsedPercent: Option.Option<number>
  readonly memoryTotalBytes: Option.Option<number>
  readonly memoryUsedBytes: Option.Option<number>
  readonly diskTotalBytes: Option.Option<number>
  readonly diskUsedBytes: Option.Option<number>
  /** Since the start of the session. */
  readonly receivedKilobytes: Option.Option<number>
  /** Since the start of the session. */
  readonly sentKilobytes: Option.Option<number>
  readonly receivedKilobytesPerSecond: Option.Option<number>
  readonly sentKilobytesPerSecond: Option.Option<number>
  /** When it was measured, by the clock of the session. */
  readonly measuredAt: Option.Option<Date>
}

/** Options of `reportMetrics`. */
export interface ReportMetricsOptions {
  /** The time between two readings. Default: 15 seconds. */
  readonly interval?: Duration.DurationInput | undefined
}

const dateOf = (text: string | undefined): Option.Option<Date> => {
  const date = new Date(text ?? NaN)
  return Number.isNaN(date.getTime()) ? Option.none() : Option.some(date)
}

export const read = (toolCall: ToolCall): Effect.Effect<SessionMetrics, ClientError | ToolError> =>
  Effect.suspend(() =>
    Effect.map(toolCall.call(tools.get_metrics, {}, { operation: "Session.metrics" }), (metrics) => ({
      cpuCount: Option.fromNullable(metrics.cpuCount),
      cpuUsedPercent: Option.fromNullable(metrics.cpuUsedPct),
      memoryTotalBytes: Option.fromNullable(metrics.memTotal),
      memoryUsedBytes: Option.fromNullable(metrics.memUsed),
      diskTotalBytes: Option.fromNullable(metrics.diskTotal),
      diskUsedBytes: Option.fromNullable(metrics.diskUsed),
      receivedKilobytes: Option.fromNullable(metrics.rxUsedKbyte),
      sentKilobytes: Option.fromNullable(metrics.txUsedKbyte),
      receivedKilobytesPerSecond: Option.fromNullable(metrics.rxRateKbytePerS),
      sentKilobytesPerSecond: Option.fromNullable(metrics.txRateKbytePerS),
      measuredAt: dateOf(metrics.timestamp)
    }))
  )

const gauge = (name: string, description: string) => Metric.gauge(`agb_session_${name}`, { description })

type Gauges = { readonly [K in Exclude<keyof SessionMetrics, "measuredAt">]: Metric.Metric.Gauge<number> }

const makeGauges = (): Gauges => ({
  cpuCount: gauge("cpu_count", "CPUs of a session"),
  cpuUsedPercent: gauge("cpu_used_percent", "CPU usage of a session, of all its CPUs, from 0 to 100"),
  memoryTotalBytes: gauge("memory_total_bytes", "Memory that a session may use"),
  memoryUsedBytes: gauge("memory_used_bytes", "Memory that a session uses"),
  diskTotalBytes: gauge("disk_total_bytes", "Disk space that a session may use"),
  diskUsedBytes: gauge("disk_used_bytes", "Disk space that a session uses"),
  receivedKilobytes: gauge("received_kilobytes", "Received by a session since its start"),
  sentKilobytes: gauge("sent_kilobytes", "Sent by a session since its start"),
  receivedKilobytesPerSecond: gauge("received_kilobytes_per_second", "Received by a session"),
  sentKilobytesPerSecond: gauge("sent_kilobytes_per_second", "Sent by a session")
})

/** What the server does not report leaves its gauge as it is. */
const set = (gauges: Gauges, metrics: SessionMetrics): Effect.Effect<void> =>
  Effect.forEach(
    Object.keys(gauges) as ReadonlyArray<keyof Gauges>,
    (key) =>
      Option.match(metrics[key], { onNone: () => Effect.void, onSome: (value) => Metric.set(gauges[key], value) }),
    { discard: true }
  )

/** Sets the gauges until the scope ends or the session is lost. A reading that fails is left out. */
export const report = (
  metrics: Effect.Effect<SessionMetrics, ClientError | ToolError>,
  given: ReportMetricsOptions | undefined
): Effect.Effect<void, InvalidRequestError, Scope.Scope> =>
  Effect.gen(function*() {
    const operation = "Session.reportMetrics"
    const { interval = "15 seconds" } = yield* options.check(operation, given, ["interval"])
    const pause = yield* timeouts.parse(operation, interval, "interval")
    const gauges = makeGauges()
    const reading = Effect.flatMap(metrics, (read) => set(gauges, read)).pipe(
      Effect.catchAll((error) =>
        error._tag === "SessionLostError"
          ? Effect.fail(error)
          : Effect.logDebug(`The metrics of a session could not be read: ${error.message}`)
      )
    )
    yield* Effect.forkScoped(Effect.ignore(Effect.repeat(reading, Schedule.spaced(pause))))
  })
