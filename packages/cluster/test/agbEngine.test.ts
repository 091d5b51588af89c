/** Engines over SQLite: one runner works and goes on where the one before has ended, several are refused. */
import { AgbEngine, AgbEntity, AgbWorkflow } from "@effect-agb/cluster"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { ClusterWorkflowEngine, SingleRunner } from "@effect/cluster"
import { LibsqlClient } from "@effect/sql-libsql"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Build, Notebook, params } from "./support/fixtures.js"

const database = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "agb-engine-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
).pipe(
  Effect.map((directory) => LibsqlClient.layer({ url: `file:${join(directory, "engine.db")}`, intMode: "bigint" }))
)

describe("a single runner over SQLite", () => {
  it.scopedLive("goes on with workflows and entities where the one before has ended", () =>
    Effect.gen(function*() {
      const sql = yield* database
      const reached = yield* Deferred.make<void>()
      let isFirst = true
      const build = Build.toLayer(() =>
        Effect.gen(function*() {
          const session = yield* AgbWorkflow.session(params)
          const { stdout } = yield* session.command("once", "work")
          if (isFirst) return yield* Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never)
          return stdout
        })
      )
      const engine = Layer.mergeAll(build, AgbEntity.layer(Notebook, { session: params })).pipe(
        Layer.provideMerge(ClusterWorkflowEngine.layer),
        Layer.provideMerge(SingleRunner.layer({ runnerStorage: "memory" })),
        Layer.provide(sql)
      )
      const first = yield* Effect.fork(Effect.provide(
        Effect.gen(function*() {
          yield* (yield* Notebook.client)("ada").writeFile({ key: "1", path: "/tmp/a", content: "kept" })
          return yield* Build.execute({ id: "one" })
        }),
        engine
      ))
      yield* Deferred.await(reached)
      yield* Fiber.interrupt(first)
      isFirst = false
      const [stdout, kept] = yield* Effect.provide(
        Effect.gen(function*() {
          const ada = (yield* Notebook.client)("ada")
          return [yield* Build.execute({ id: "one" }), yield* ada.readFile({ path: "/tmp/a" })] as const
        }),
        engine
      )
      assert.deepStrictEqual([stdout, kept], ["work #1\n", "kept"])
      const sessions = yield* Effect.flatMap(AgbTest.AgbTest, ({ sessions }) => sessions)
      assert.deepStrictEqual(sessions.map(({ status }) => status).sort(), ["Deleted", "Running"])
    }).pipe(Effect.provide(AgbTest.layer({ command: ({ command, nth }) => `${command} #${nth + 1}\n` }))))
})

describe("several runners", () => {
  it.scopedLive("are refused over SQLite", () =>
    Effect.gen(function*() {
      const sql = yield* database
      const error = yield* Effect.flip(Layer.build(Layer.provide(AgbEngine.layerShared, sql)))
      assert.strictEqual(
        error._tag === "ConfigurationError" && error.message,
        "Configuration: database must be one that several runners can use: Postgres, not SQLite"
      )
    }))
})
