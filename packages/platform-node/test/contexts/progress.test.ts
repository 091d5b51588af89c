/** How long a copy may take: as long as it makes progress, at a rate that any machine reaches. */
import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Exit, Fiber, TestClock } from "effect"
import { withProgress } from "../../src/internal/contexts/sync/progress.js"
import type { SandboxFiles } from "../../src/internal/contexts/sync/sandboxFiles.js"

/** A session that takes `time` for each part of `bytes` bytes. */
const slowFiles = (time: Duration.DurationInput, bytes: number, part = new Uint8Array(bytes)): SandboxFiles => ({
  list: () => Effect.succeed({ files: [], others: [] }),
  readMany: () => Effect.succeed([]),
  readPart: () => Effect.delay(Effect.succeed({ size: 0, stamp: "", bytes: part }), time),
  writeParts: () => Effect.succeed([]),
  createDirectory: () => Effect.void,
  removePartial: () => Effect.void
})

/** Copies so many parts; answers how it ended after so much time, if it has. */
const endOf = (files: SandboxFiles, parts: number, time: Duration.DurationInput) =>
  Effect.gen(function*() {
    const copy = (files: SandboxFiles) => Effect.repeatN(files.readPart("/f", 0, 1), parts - 1)
    const fiber = yield* Effect.fork(withProgress(files, copy, "too slow" as const))
    yield* TestClock.adjust(time)
    const end = yield* Fiber.poll(fiber)
    yield* Fiber.interrupt(fiber)
    return end._tag === "None"
      ? "copying"
      : Exit.match(end.value, { onFailure: () => "failed", onSuccess: () => "copied" })
  })

describe("a copy", () => {
  it.effect("of a full workspace goes on for as long as it needs on a slow machine", () =>
    Effect.gen(function*() {
      const slow = slowFiles("20 seconds", 40 * 2 ** 20)
      assert.strictEqual(yield* endOf(slow, 100, "1999 seconds"), "copying")
      assert.strictEqual(yield* endOf(slow, 100, "2000 seconds"), "copied")
    }))

  it.effect("that stands still is given up after a minute", () =>
    Effect.gen(function*() {
      const stuck = slowFiles("2 hours", 1)
      assert.strictEqual(yield* endOf(stuck, 1, "59 seconds"), "copying")
      assert.strictEqual(yield* endOf(stuck, 1, "61 seconds"), "failed")
    }))

  it.effect("that trickles is given up after ten minutes", () =>
    Effect.gen(function*() {
      const trickle = slowFiles("30 seconds", 1)
      assert.strictEqual(yield* endOf(trickle, 1_000_000, "599 seconds"), "copying")
      assert.strictEqual(yield* endOf(trickle, 1_000_000, "602 seconds"), "failed")
    }))
})
