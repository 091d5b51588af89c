/** Detached starts whose caller goes away: what was begun is not broken off halfway. */
import { Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schedule } from "effect"
import { layerWith, none } from "../support/runtime.js"

const attempts = 12

describe("a detached start that is interrupted", () => {
  it.live("goes on, at whatever moment", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId: "agb-code-space-1" })
      const outcomeOf = (nth: number) =>
        Effect.gen(function*() {
          const key = `start-${nth}`
          const fiber = yield* Effect.fork(command.startDetached("sleep 0.3; echo done", { key }))
          yield* Effect.sleep(nth * 5)
          yield* Fiber.interrupt(fiber)
          const process = yield* Effect.retry(
            command.attach(key),
            Schedule.intersect(Schedule.spaced(200), Schedule.recurs(75))
          )
          const { exitCode } = yield* process.exit
          return exitCode
        }).pipe(Effect.exit)
      const outcomes = yield* Effect.forEach(Array.from({ length: attempts }, (_, nth) => nth), outcomeOf, {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(outcomes, Array.from({ length: attempts }, () => Exit.succeed(0)))
    }).pipe(Effect.scoped, Effect.provide(layerWith(none))))
})
