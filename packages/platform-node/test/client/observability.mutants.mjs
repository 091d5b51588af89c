/** What `observability.test.ts` watches over, each broken on purpose. */

const metrics = "packages/core/src/internal/client/metrics.ts"
const pool = "packages/core/src/internal/lifecycle/pool.ts"

const inSession = "is told by spans and counted by metrics"
const ofPool = "shows what it holds, and how long its borrowers waited"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "the outcome of a run is its error's",
    changes: { [metrics]: [["if (failure._tag === \"Some\") return failure.value._tag", ""]] },
    caughtBy: inSession
  },
  {
    defence: "a stream that is left early is interrupted",
    changes: { [metrics]: [["outcome = interrupted", "outcome = succeeded"]] },
    caughtBy: inSession
  },
  {
    defence: "bytes are counted, not characters",
    changes: { "packages/core/src/internal/wire/text/bytes.ts": [["encoder.encode(text).byteLength", "text.length"]] },
    caughtBy: inSession
  },
  {
    defence: "a stream tells its own span",
    changes: {
      [metrics]: [[
        "annotate(() => ({ ...attributes, ...observation.attributes }))",
        "spans.annotate(() => attributes)"
      ]]
    },
    caughtBy: inSession
  },
  {
    defence: "what a sink wrote is counted",
    changes: {
      "packages/core/src/internal/session/files/writing.ts": [["metrics.writtenBytes(size)", "metrics.writtenBytes(0)"]]
    },
    caughtBy: inSession
  },
  {
    defence: "a span of a caller is not annotated while no tracer is installed",
    changes: {
      "packages/core/src/internal/client/spans.ts": [[
        "annotator: Effect.Effect<Annotate> = ifTraced(",
        "annotator: Effect.Effect<Annotate> = ((traced: Effect.Effect<Annotate>, _: unknown) => traced)("
      ]]
    },
    caughtBy: "tells the span of a caller nothing"
  },
  {
    defence: "every attempt counts",
    changes: { "packages/core/src/internal/client/retry/retry.ts": [["yield* metrics.attempt(nth + 1)", ""]] },
    caughtBy: "counts, and its span tells its attempts"
  },
  {
    defence: "the lifetime of a session begins with it",
    changes: {
      "packages/core/src/internal/lifecycle/supervisor.ts": [[
        "metrics.sessionEnded(now - createdAt)",
        "metrics.sessionEnded(now)"
      ]]
    },
    caughtBy: "adds its lifetime to the time of all"
  },
  {
    defence: "a pool tells who waits",
    changes: { [metrics]: [["Metric.update(metrics.poolWaiting, waiting)", "Metric.update(metrics.poolWaiting, 0)"]] },
    caughtBy: ofPool
  },
  {
    defence: "a pool that has ended holds nothing",
    changes: {
      [pool]: [["const told = this.#hooks.onChange({ size: 0,", "const told = this.#hooks.onChange({ size: 1,"]]
    },
    caughtBy: ofPool
  },
  {
    defence: "a loan is told",
    changes: {
      [pool]: [[
        "    Deferred.unsafeDone(first.granted, Effect.void)\n    return this.#tell",
        "    Deferred.unsafeDone(first.granted, Effect.void)\n    return Effect.void"
      ]]
    },
    caughtBy: ofPool
  },
  {
    defence: "the wait of a borrower is recorded",
    changes: { [metrics]: [["Metric.update(metrics.poolWait, millis / 1000)", "Effect.void"]] },
    caughtBy: ofPool
  }
]
