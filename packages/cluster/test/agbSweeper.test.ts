/** The sweeper: what belongs to a workflow or an entity that has ended goes, and nothing that may be alive. */
import { AgbEntity, AgbSweeper, AgbWorkflow } from "@effect-agb/cluster"
import type { SessionRef } from "@effect-agb/core"
import { Agb } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { ClusterWorkflowEngine, Entity, ShardingConfig, TestRunner } from "@effect/cluster"
import { assert, describe, it } from "@effect/vitest"
import { WorkflowEngine } from "@effect/workflow"
import { Deferred, Effect, Exit, Layer, Scope, TestClock } from "effect"
import { Build, inTime, Notebook, params } from "./support/fixtures.js"

const reasons = ({ deleted, failed, kept }: AgbSweeper.Report): string =>
  [...deleted.map(() => "deleted"), ...kept.map(({ reason }) => reason), ...failed.map(() => "failed")].sort().join(" ")

/** Both ways in which a workflow runs. */
const engines = [
  ["in memory", WorkflowEngine.layerMemory],
  ["in a cluster", ClusterWorkflowEngine.layer.pipe(Layer.provideMerge(TestRunner.layer))]
] as const

describe("a session of a workflow", () => {
  for (const [where, engine] of engines) {
    it.scoped(`is kept while its workflow runs ${where}, and deleted some time after`, () =>
      Effect.gen(function*() {
        const agb = yield* Agb.Agb
        const proceed = yield* Deferred.make<void>()
        const refs: Array<SessionRef.SessionRef> = []
        const layer = Build.toLayer((_, executionId) =>
          Effect.gen(function*() {
            yield* AgbWorkflow.session(params)
            yield* Deferred.await(proceed)
            // Another of its sessions, which its end does not delete.
            refs.push(yield* agb.ensure(`workflow/${executionId}/other/1`, params))
            return ""
          })
        )
        yield* Effect.gen(function*() {
          const { sweep } = yield* AgbSweeper.make({ workflows: [Build] })
          const swept = Effect.map(inTime(sweep), reasons)
          const id = yield* Build.execute({ id: "one" }, { discard: true })
          yield* inTime(Effect.repeat(Effect.map(swept, (all) => all), { until: (all) => all === "Unknown" }))
          yield* TestClock.adjust("4 minutes")
          assert.strictEqual(yield* swept, "Unknown")
          yield* Deferred.succeed(proceed, undefined)
          yield* inTime(Effect.repeat(Build.poll(id), { until: (result) => result?._tag === "Complete" }))
          assert.strictEqual(yield* swept, "Alive")
          yield* TestClock.adjust("4 minutes")
          assert.strictEqual(yield* swept, "Alive")
          yield* agb.client.refreshSessionIdleTime({ sessionId: refs[0]!.sessionId })
          yield* TestClock.adjust("4 minutes")
          assert.strictEqual(yield* swept, "Alive")
          yield* TestClock.adjust("3 minutes")
          assert.strictEqual(yield* swept, "deleted")
          assert.strictEqual(yield* swept, "")
        }).pipe(Effect.provide(layer.pipe(Layer.provideMerge(engine))))
      }).pipe(Effect.provide(AgbTest.layer())))
  }

  it.scoped("of another workflow, or of none, is kept", () =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      yield* inTime(agb.ensure("workflow/1/session/1", params))
      yield* inTime(agb.ensure("entity/Other/1", params))
      yield* inTime(agb.ensure("mine", params))
      yield* inTime(agb.create(params))
      const { sweep } = yield* AgbSweeper.make({ workflows: [Build], entities: [Notebook] })
      yield* inTime(sweep)
      yield* TestClock.adjust("4 minutes")
      assert.strictEqual(reasons(yield* inTime(sweep)), "Unknown Unknown")
    }).pipe(Effect.provide(Layer.merge(AgbTest.layer(), WorkflowEngine.layerMemory))))
})

describe("a session of an entity", () => {
  const notebooks = AgbEntity.layer(Notebook, { session: { ...params, idleTimeout: "1 hour" } })

  it.scoped("is kept while its entity runs, and deleted some time after", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const client = yield* Entity.makeTestClient(Notebook, notebooks).pipe(
        Effect.provide(ShardingConfig.layer()),
        Scope.extend(scope)
      )
      const ada = yield* inTime(client("ada"))
      yield* inTime(ada.writeFile({ key: "1", path: "/tmp/a", content: "a" }))
      const { sweep } = yield* AgbSweeper.make({ entities: [Notebook], grace: "5 minutes" })
      const swept = Effect.map(inTime(sweep), reasons)
      for (let times = 0; times < 4; times++) {
        assert.strictEqual(yield* swept, "Alive")
        yield* TestClock.adjust("6 minutes")
        yield* inTime(Effect.sleep("1 second"))
      }
      yield* inTime(Scope.close(scope, Exit.void))
      assert.strictEqual(yield* swept, "Alive")
      yield* TestClock.adjust("3 minutes")
      assert.strictEqual(yield* swept, "Alive")
      yield* TestClock.adjust("3 minutes")
      assert.strictEqual(yield* swept, "deleted")
    }).pipe(Effect.provide(Layer.merge(AgbTest.layer(), WorkflowEngine.layerMemory))))
})
