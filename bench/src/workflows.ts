// Workflows on an engine that keeps its record in Postgres: how many a second, what a step costs, what it costs when a runner
// ends. `scripts/benchWorkflows.mjs` starts the Postgres.
import { Command, Session } from "@effect-agb/core"
import * as WorkflowEngine from "@effect/workflow/WorkflowEngine"
import { Effect, Layer, Logger, ManagedRuntime } from "effect"
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { loadavg } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { freePort } from "../../scripts/freePort.mjs"
import { client, Commands, commands, local, params, runner, Stepped, steps, Waiting } from "./workflowsCluster.js"

const host = process.env["AGB_BENCH_POSTGRES"] ?? ""
const psql = process.env["AGB_BENCH_PSQL"] ?? "psql"

const query = (sql: string): string =>
  execFileSync(psql, ["-h", host, "-U", "agb", "-d", "agb", "-Atc", sql], { encoding: "utf8" }).trim()

const transactions = () => Number(query("SELECT xact_commit FROM pg_stat_database WHERE datname = 'agb'"))

/** A connection that has become idle tells its counts ten seconds late. */
const settle = () => sleep(11_000)

interface Runner {
  readonly child: ChildProcess
  /** When its waiting step began the last time, in milliseconds since the epoch; 0 before that. */
  readonly begun: () => number
}

const startRunner = async (locks: string): Promise<Runner> => {
  const file = fileURLToPath(new URL("workflowsRunner.ts", import.meta.url))
  const args = [...process.execArgv, file, String(await freePort()), locks]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
  let said = ""
  const says = (pattern: RegExp) =>
    new Promise<string>((resolve) => {
      const look = () => {
        const found = pattern.exec(said)
        if (found !== null) resolve(found[1] ?? "")
      }
      child.stdout?.on("data", look)
      look()
    })
  child.stdout?.on("data", (chunk) => said += chunk)
  await says(/^ready/m)
  return { child, begun: () => Number([...said.matchAll(/^begun (\d+)\n/gm)].at(-1)?.[1] ?? 0) }
}

const end = async ({ child }: Runner): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill("SIGTERM")
  await once(child, "exit")
}

const ticksPerSecond = 100

const processorSeconds = (pids: ReadonlyArray<number>): number => {
  const fields = execFileSync("cat", pids.map((pid) => `/proc/${pid}/stat`), { encoding: "utf8" }).trim().split("\n")
  return fields.map((line) => line.slice(line.lastIndexOf(")") + 2).split(" "))
    .reduce((sum, all) => sum + Number(all[11]) + Number(all[12]), 0) / ticksPerSecond
}

const quiet = Logger.remove(Logger.defaultLogger)

const asClient = () => ManagedRuntime.make(Layer.provide(client, quiet))

type Client = ReturnType<typeof asClient>

const run = (runtime: Client, prefix: string, jobs: number) =>
  runtime.runPromise(
    Effect.forEach(Array.from({ length: jobs }), (_, nth) => Stepped.execute({ id: `${prefix} ${nth}` }), {
      concurrency: "unbounded",
      discard: true
    })
  )

const throughput = async (): Promise<void> => {
  console.log(`\nworkflows of ${steps} steps that do nothing, all begun at once`)
  console.log("  runners  workflows   seconds  workflows/s  transactions each  processor of runners each")
  for (const count of [1, 3]) {
    const runners = await Promise.all(Array.from({ length: count }, () => startRunner("advisory")))
    const pids = runners.map(({ child }) => child.pid ?? 0)
    const runtime = asClient()
    // Each shard is acquired by then, and each runner has compiled what it runs.
    await sleep(8000)
    await run(runtime, `first of ${count}`, 60)
    for (const jobs of [10, 100, 1000]) {
      await settle()
      const [before, worked] = [transactions(), processorSeconds(pids)]
      const start = performance.now()
      await run(runtime, `${count} and ${jobs}`, jobs)
      const seconds = (performance.now() - start) / 1000
      const processor = (processorSeconds(pids) - worked) * 1000 / jobs
      await settle()
      const each = (transactions() - before) / jobs
      console.log(
        `  ${String(count).padEnd(7)}  ${String(jobs).padEnd(9)} ${seconds.toFixed(2).padStart(9)} ` +
          `${(jobs / seconds).toFixed(1).padStart(12)} ${each.toFixed(0).padStart(18)} ${
            processor.toFixed(0).padStart(23)
          } ms`
      )
    }
    await settle()
    const idle = transactions()
    await sleep(20_000)
    console.log(`  ${count} idle: ${((transactions() - idle) / 20).toFixed(1)} transactions a second`)
    await runtime.dispose()
    await Promise.all(runners.map(end))
  }
  const size = query("SELECT pg_total_relation_size('cluster_messages') + pg_total_relation_size('cluster_replies')")
  const rows = query("SELECT count(*) FROM cluster_messages WHERE tag = 'run'")
  const messages = query("SELECT count(*) FROM cluster_messages")
  console.log(
    `  a workflow leaves ${(Number(messages) / Number(rows)).toFixed(0)} messages, ${
      (Number(size) / Number(rows) / 1024).toFixed(1)
    } KiB with their replies and indexes`
  )
}

/** When the step of a runner begins, given that it has not at a time; NaN if it takes more than four minutes. */
const beginsAfter = async ({ begun }: Runner, time: number): Promise<number> => {
  for (let times = 0; times < 2400; times++) {
    if (begun() > time) return begun()
    await sleep(100)
  }
  return NaN
}

const moves = async (): Promise<void> => {
  console.log(
    "\na shard moves: from the end of a runner until a step that it ran begins on another, library's own settings"
  )
  for (const [locks, signal] of [["advisory", "SIGTERM"], ["advisory", "SIGKILL"], ["table", "SIGKILL"]] as const) {
    const first = await startRunner(locks)
    const runtime = asClient()
    await runtime.runPromise(Waiting.execute({ id: `${locks} ${signal}` }, { discard: true }))
    await beginsAfter(first, 0)
    const second = await startRunner(locks)
    // The shard may move to the second, which takes a while; the one that has it then ends.
    await sleep(60_000)
    const [owner, other] = first.begun() > second.begun() ? [first, second] : [second, first]
    const ended = Date.now()
    owner.child.kill(signal)
    const seconds = (await beginsAfter(other, ended) - ended) / 1000
    console.log(`  ${locks.padEnd(9)} ${signal}  ${seconds.toFixed(1).padStart(7)} s`)
    await runtime.dispose()
    await Promise.all([first, second].map(end))
    query("DELETE FROM cluster_runners")
  }
}

const bare = Session.use(params, (session) =>
  Effect.gen(function*() {
    const command = yield* Command.Command
    yield* command.executeCommand("true")
    const timed = (call: (nth: number) => Effect.Effect<unknown, unknown>) =>
      Effect.gen(function*() {
        const start = performance.now()
        for (let nth = 0; nth < 20; nth++) yield* call(nth)
        return (performance.now() - start) / 20
      })
    const plain = yield* timed(() => command.executeCommand("true"))
    const detached = yield* timed((nth) =>
      Effect.flatMap(command.startDetached("true", { key: `bare-${nth}` }), ({ exit }) => exit)
    )
    return { plain, detached }
  }).pipe(Effect.provide(Session.toContext(session)))).pipe(Effect.provide(local))

const overhead = async (): Promise<void> => {
  const { detached, plain } = await Effect.runPromise(Effect.provide(bare, quiet))
  const within = (engine: Layer.Layer<WorkflowEngine.WorkflowEngine, unknown>, id: string) =>
    Effect.runPromise(
      Commands.execute({ id }).pipe(
        Effect.provide(commands.pipe(Layer.provideMerge(engine), Layer.provide(local), Layer.provide(quiet)))
      )
    )
  const memory = await within(WorkflowEngine.layerMemory, "memory")
  const postgres = await within(runner(await freePort(), { isTable: false }), "postgres")
  console.log("\nthe command `true` in one session of a local runtime, one after the other")
  const lines = {
    "executeCommand": plain,
    "startDetached and its exit": detached,
    "session.command, engine in memory": memory,
    "session.command, engine on Postgres": postgres
  }
  for (const [name, millis] of Object.entries(lines)) {
    console.log(`  ${name.padEnd(40)} ${millis.toFixed(1).padStart(8)} ms ${(millis / plain).toFixed(2).padStart(8)} x`)
  }
}

console.log(`Node ${process.versions.node}; load ${loadavg()[0]?.toFixed(1)} at the beginning`)
const parts = { overhead, throughput, moves }
for (const [name, part] of Object.entries(parts)) {
  if (process.argv.length === 2 || process.argv.includes(name)) await part()
}
console.log(`load ${loadavg()[0]?.toFixed(1)} at the end`)
process.exit(0)
