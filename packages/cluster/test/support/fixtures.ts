/** What the tests of this package have in common: a workflow, an entity, and time that passes. */
import { AgbEntity } from "@effect-agb/cluster"
import { AgbError } from "@effect-agb/core"
import { Workflow } from "@effect/workflow"
import type { Duration } from "effect"
import { Effect, Schema, TestClock, TestServices } from "effect"

export const params = { imageId: "agb-code-space-1" }

export const Build = Workflow.make({
  name: "Build",
  payload: { id: Schema.String },
  success: Schema.String,
  error: AgbError.AgbError,
  idempotencyKey: ({ id }) => id
})

export const Notebook = AgbEntity.make("Notebook")

/** Lets the time of the test pass for whoever waits, step by step. */
export const passing = (step: Duration.DurationInput): Effect.Effect<never> =>
  Effect.forever(Effect.zipRight(TestClock.adjust(step), TestServices.provideLive(Effect.sleep("1 millis"))))

/** Runs an effect while time passes. */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.raceFirst(effect, passing("100 millis"))
