// What the runners that `workflows` measures run, and how they reach the database and each other.
import { AgbWorkflow } from "@effect-agb/cluster"
import { LocalAgb } from "@effect-agb/platform-node"
import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import * as RunnerAddress from "@effect/cluster/RunnerAddress"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Activity from "@effect/workflow/Activity"
import * as Workflow from "@effect/workflow/Workflow"
import type { WorkflowEngine } from "@effect/workflow/WorkflowEngine"
import { Effect, Layer, Option, Schema } from "effect"

export const steps = 6

/** Of one command, in milliseconds. */
export const Commands = Workflow.make({
  name: "Commands",
  payload: { id: Schema.String },
  success: Schema.Number,
  idempotencyKey: ({ id }) => id
})

/** Six steps that do nothing. */
export const Stepped = Workflow.make({
  name: "Stepped",
  payload: { id: Schema.String },
  idempotencyKey: ({ id }) => id
}).annotate(Workflow.CaptureDefects, false)

/** A step that never ends, and tells when it begins. */
export const Waiting = Workflow.make({
  name: "Waiting",
  payload: { id: Schema.String },
  idempotencyKey: ({ id }) => id
}).annotate(Workflow.CaptureDefects, false)

const nothing = (nth: number) => Activity.make({ name: `step ${nth}`, execute: Effect.void })

const begins = Effect.sync(() => console.log(`begun ${Date.now()}`))

export const workflows = Layer.mergeAll(
  Stepped.toLayer(() => Effect.forEach(Array.from({ length: steps }, (_, nth) => nth), nothing, { discard: true })),
  Waiting.toLayer(() => Activity.make({ name: "wait", execute: Effect.zipRight(begins, Effect.never) }))
)

const count = 20

export const local = LocalAgb.layer({ poolSize: 0 })

export const params = { imageId: "agb-code-space-1" }

/** Commands, each a step, in one session of a local runtime in this process. */
export const commands = Commands.toLayer(() =>
  Effect.gen(function*() {
    const session = yield* AgbWorkflow.session(params)
    yield* session.command("first", "true")
    const start = performance.now()
    for (let nth = 0; nth < count; nth++) yield* session.command(`command ${nth}`, "true")
    return (performance.now() - start) / count
  }).pipe(Effect.orDie)
)

const database = PgClient.layer({ host: process.env["AGB_BENCH_POSTGRES"] ?? "", username: "agb", database: "agb" })

export interface Locks {
  readonly isTable: boolean
}

export const runner = (port: number, { isTable }: Locks): Layer.Layer<WorkflowEngine, unknown> =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(NodeClusterSocket.layer({
      storage: "sql",
      runnerHealth: "ping",
      shardingConfig: {
        shardLockDisableAdvisory: isTable,
        runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", port))
      }
    })),
    Layer.provide(database)
  )

export const client: Layer.Layer<WorkflowEngine, unknown> = ClusterWorkflowEngine.layer.pipe(
  Layer.provideMerge(NodeClusterSocket.layer({ storage: "sql", clientOnly: true })),
  Layer.provide(database)
)
