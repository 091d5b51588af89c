/** How runners and their client reach the database and each other. */
import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import * as RunnerAddress from "@effect/cluster/RunnerAddress"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { PgClient } from "@effect/sql-pg"
import type { WorkflowEngine } from "@effect/workflow/WorkflowEngine"
import { Layer, Option } from "effect"

/** `advisory` locks of shards are held by the connection of a runner, those of the `table` expire. */
export type Locks = "advisory" | "table"

const database = (host: string) =>
  PgClient.layer({ host, username: "agb", database: "agb", connectTimeout: "5 seconds" })

/** Shorter than by default, so that shards of a runner that is gone move soon. */
const shardingConfig = (locks: Locks) =>
  ({
    shardLockDisableAdvisory: locks === "table",
    shardsPerGroup: 60,
    shardLockExpiration: "15 seconds",
    shardLockRefreshInterval: "5 seconds",
    runnerHealthCheckInterval: "10 seconds",
    entityMessagePollInterval: "2 seconds"
  }) as const

export const runner = (host: string, locks: Locks, port: number): Layer.Layer<WorkflowEngine, unknown> =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(NodeClusterSocket.layer({
      storage: "sql",
      runnerHealth: "ping",
      shardingConfig: { ...shardingConfig(locks), runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", port)) }
    })),
    Layer.provide(database(host))
  )

export const client = (host: string, locks: Locks): Layer.Layer<WorkflowEngine, unknown> =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(
      NodeClusterSocket.layer({ storage: "sql", clientOnly: true, shardingConfig: shardingConfig(locks) })
    ),
    Layer.provide(database(host))
  )
