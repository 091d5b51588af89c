import { Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric } from "effect"
import { best, layerWith, runtimes } from "../support/runtime.js"

const MiB = 2 ** 20

interface Metrics {
  readonly cpu_count: number
  readonly cpu_used_pct: number
  readonly mem_total: number
  readonly mem_used: number
  readonly disk_total: number
  readonly disk_used: number
  readonly rx_rate_kbyte_per_s: number
  readonly tx_rate_kbyte_per_s: number
  readonly rx_used_kbyte: number
  readonly tx_used_kbyte: number
  readonly timestamp: string
}

describe.skipIf(process.platform !== "linux").each(runtimes)("metrics, $name", ({ isolation }) => {
  it.live("tell what the session uses, of what it may use", () =>
    Effect.gen(function*() {
      const { callTool, command } = yield* Session.make({ imageId: "code_latest" })
      const metrics = Effect.map(callTool("get_metrics", {}), (text): Metrics => JSON.parse(text))
      const sh = (line: string) => command.executeCommand(line, { timeout: "30 seconds" })
      const idle = yield* metrics
      const numbers = Object.entries(idle).filter(([name]) => name !== "timestamp")
      assert.strictEqual(numbers.length, 10)
      for (const [name, value] of numbers) assert.isTrue(Number.isFinite(value) && value >= 0, `${name}: ${value}`)
      assert.isAtMost(Math.abs(Date.now() - Date.parse(idle.timestamp)), 60_000)
      assert.strictEqual(idle.mem_total, 512 * MiB)
      assert.isAbove(idle.mem_used, 0)
      if (isolation.level === "namespaces") {
        assert.strictEqual(idle.disk_total, 2 * 64 * MiB)
        assert.strictEqual(idle.rx_used_kbyte + idle.tx_used_kbyte, 0)
      }

      yield* sh("head -c 20971520 /dev/urandom >filler")
      yield* sh(
        "node -e \"const held = Buffer.alloc(50 * 2 ** 20, 1); setTimeout(() => held, 60_000)\" >/dev/null 2>&1 & sleep 1"
      )
      yield* metrics
      yield* sh("timeout 1 sh -c 'while :; do :; done'; true")
      const busy = yield* metrics
      assert.approximately(busy.disk_used - idle.disk_used, 20 * MiB, MiB)
      assert.isAbove(busy.mem_used - idle.mem_used, 49 * MiB)
      assert.isBelow(busy.mem_used, 512 * MiB)
      assert.isAbove(busy.cpu_used_pct, 2)
      assert.isAtMost(busy.cpu_used_pct, 100)
    }).pipe(
      Effect.scoped,
      Effect.provide(layerWith(isolation, {
        poolSize: 0,
        limits: { workspaceBytes: 64 * MiB, memoryBytes: 512 * MiB }
      }))
    ))
})

describe.skipIf(process.platform !== "linux")("the gauges of a session", () => {
  const total = Metric.tagged(
    Metric.gauge("agb_session_memory_total_bytes", { description: "Memory that a session may use" }),
    "session",
    "a"
  )

  it.live("are set until the scope ends, with the tags of their fiber", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId: "code_latest" })
      const refused = yield* Effect.flip(Effect.scoped(session.reportMetrics({ interval: -1 })))
      assert.deepInclude(refused, { _tag: "InvalidRequestError", field: "interval" })
      const isSet = Effect.map(Metric.value(total), ({ value }) => value === 512 * MiB)
      const wait = Effect.repeat(Effect.delay(isSet, "20 millis"), { until: (found) => found })
      const report = session.reportMetrics({ interval: "20 millis" }).pipe(Effect.tagMetrics("session", "a"))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* report
        yield* wait
        yield* Metric.set(total, 0)
        yield* wait
      }))
      yield* Metric.set(total, 0)
      yield* session.metrics
      assert.isFalse(yield* isSet)
    }).pipe(
      Effect.scoped,
      Effect.provide(layerWith(best, { limits: { memoryBytes: 512 * MiB } }))
    ))
})
