/** How runners and their client reach the database and each other. */
import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import * as RunnerAddress from "@effect/cluster/RunnerAddress"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { PgClient } from "@effect/sql-pg"
import { Layer, Option } from "effect"

const database = (socketFolder: string) =>
  PgClient.layer({ host: socketFolder, username: "gate", database: "gate", connectTimeout: "5 seconds" })

const isAdvisory = process.env["GATE_LOCKS"] !== "table"

/** Shorter than by default, so that shards of a runner that is gone move soon. */
const shardingConfig = {
  shardLockDisableAdvisory: !isAdvisory,
  shardsPerGroup: 60,
  shardLockExpiration: "15 seconds",
  shardLockRefreshInterval: "5 seconds",
  runnerHealthCheckInterval: "10 seconds",
  entityMessagePollInterval: "2 seconds"
} as const

export const runner = (socketFolder: string, port: number) =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(NodeClusterSocket.layer({
      storage: "sql",
      runnerHealth: "ping",
      shardingConfig: { ...shardingConfig, runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", port)) }
    })),
    Layer.provide(database(socketFolder))
  )

export const client = (socketFolder: string) =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(NodeClusterSocket.layer({ storage: "sql", clientOnly: true, shardingConfig })),
    Layer.provideMerge(database(socketFolder))
  )
