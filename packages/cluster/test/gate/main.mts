/** Fifty workflows on three runners that are killed, terminated and stopped all the time, and a database that restarts once. */
import { Chunk, Duration, Effect, Exit, Fiber, Random, Stream } from "effect"
import { Agb } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
// @ts-ignore
import { testProgram } from "../../../../scripts/testProgram.mjs"
import { Job, steps } from "./job.js"
import { Postgres, programs } from "./postgres.js"
import { logIn, Runner } from "./runners.js"
import * as settings from "./settings.js"

const seed = process.env["AGB_GATE_SEED"] ?? String(Date.now() % 1_000_000)
const jobs = Number(process.env["GATE_JOBS"] ?? 50)
const events = Number(process.env["GATE_EVENTS"] ?? 20)
const kinds = (process.env["GATE_KINDS"] ?? "kill,term,stop").split(",")
const apiKey = "akm-gate"

const began = Date.now()
const say = (text: string) => console.log(`${((Date.now() - began) / 1000).toFixed(1)} s  ${text}`)

const program = (path: string) => testProgram(fileURLToPath(new URL(path, import.meta.url)))

const startLocal = async (folder: string) => {
  const args = ["--isolation", "none", "--pool-size", "2", "--log", "json"]
  const log = Fs.openSync(Path.join(folder, "agb-local.log"), "a")
  const child = spawn(process.execPath, [await program("../../../platform-node/src/bin.ts"), ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: Os.tmpdir(), AGB_API_KEY: apiKey },
    stdio: ["ignore", "pipe", log]
  })
  let said = ""
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on("data", (chunk) => {
      said += chunk
      if (/^AGB_ENDPOINT=(.*)$/m.test(said)) resolve()
    })
    child.once("exit", () => reject(new Error(said)))
  })
  return { child, endpoint: /^AGB_ENDPOINT=(.*)$/m.exec(said)?.[1] ?? "" }
}

/** What would be a failure of the database is one that passes. */
const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.timeout("20 seconds"), Effect.sandbox, Effect.retry({ schedule: undefined as never, times: 0 }))

const forever = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, never, R> =>
  effect.pipe(Effect.timeout("20 seconds"), Effect.sandbox, Effect.catchAll(() => Effect.delay(Effect.suspend(() => forever(effect)), "1 second")))

const gate =
    Effect.gen(function*() {
      const random = Random.make(seed)
      console.log(`AGB_GATE_SEED=${seed}`)
      const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-gate-"))
      console.log(folder)
      const ledger = Path.join(folder, "ledger")
      const postgres = new Postgres()
      const local = yield* Effect.promise(() => startLocal(folder))
      yield* Effect.promise(() => postgres.start())
      say("the database is ready")
      const runnerProgram = yield* Effect.promise(() => program("runner.mts"))
      const env = { AGB_ENDPOINT: local.endpoint, AGB_API_KEY: apiKey, GATE_LOCKS: process.env["GATE_LOCKS"] ?? "", GATE_LOG: process.env["GATE_LOG"] ?? "" }
      const runners = [1, 2, 3].map((nth) =>
        new Runner({ program: runnerProgram, folder: postgres.folder, env, log: logIn(folder, nth) }))
      yield* Effect.promise(() => Promise.all(runners.map((runner) => runner.start())))

      const chaos = Effect.gen(function*() {
        for (let nth = 0; nth < events; nth++) {
          yield* Effect.sleep(Duration.millis(yield* random.nextIntBetween(2000, 5000)))
          if (nth === Math.floor(events / 2)) {
            say("the database restarts")
            yield* Effect.promise(() => postgres.restart())
          }
          const up = runners.filter(({ isStopped }) => !isStopped)
          const runner = up[yield* random.nextIntBetween(0, up.length)]
          const kind = kinds[yield* random.nextIntBetween(0, kinds.length)]
          if (runner === undefined || (kind === "stop" && up.length === 1)) continue
          const name = `runner ${runners.indexOf(runner) + 1} (${runner.pid})`
          if (kind === "kill") {
            say(`${name} is killed`)
            runner.kill("SIGKILL")
          } else if (kind === "term") {
            say(`${name} is terminated`)
            runner.kill("SIGTERM")
          } else {
            say(`${name} is stopped for 40 s`)
            runner.pause(40_000)
          }
        }
        say("nothing more is killed")
      })

      const results = yield* Effect.gen(function*() {
        const inputs = yield* Effect.forEach(Array.from({ length: jobs }), (_, nth) =>
          Effect.map(random.nextIntBetween(0, 4), (seconds) => ({ id: `job-${nth}`, ledger, seconds })))
        const fiber = yield* Effect.fork(chaos)
        const ended = new Map<string, Exit.Exit<any, any>>()
        const one = (input: typeof inputs[number], nth: number) =>
          Effect.gen(function*() {
            yield* Effect.sleep(Duration.millis(nth * 1000))
            const id = yield* forever(Job.execute(input, { discard: true }))
            for (;;) {
              const result = yield* forever(Job.poll(id))
              if (result?._tag === "Complete") {
                ended.set(input.id, result.exit)
                return result.exit
              }
              yield* Effect.sleep("1 second")
            }
          })
        yield* Effect.gen(function*() {
          for (;;) {
            yield* Effect.sleep("10 seconds")
            say(`${ended.size} of ${jobs} ended`)
          }
        }).pipe(Effect.fork)
        const results = yield* Effect.forEach(inputs, one, { concurrency: "unbounded" }).pipe(Effect.timeoutOption(`${Number(process.env["GATE_MINUTES"] ?? 10)} minutes`))
        if (results._tag === "None") {
          const missing = inputs.filter(({ id }) => !ended.has(id)).map(({ id }) => id)
          say(`missing: ${missing.join(" ")}`)
          console.log(yield* Effect.promise(() => postgres.query("SELECT id, shard_id, entity_type, entity_id, kind, tag, payload, processed, last_read, request_id, last_reply_id FROM cluster_messages WHERE NOT processed", "gate")))
          yield* Effect.promise(() => new Promise(() => {}))
        }
        yield* Fiber.interrupt(fiber)
        return results
      }).pipe(Effect.provide(settings.client(postgres.folder)))
      say("all ended")
      yield* Effect.promise(() => Promise.all(runners.map((runner) => runner.end())))
      const agb = NodeAgb.layer({ apiKey, endpoint: local.endpoint })
      const left = yield* Stream.runCollect(Stream.unwrap(Effect.map(Agb.Agb, (agb) => agb.list({})))).pipe(Effect.provide(agb))
      const lines = Fs.readFileSync(ledger, "utf8").trim().split("\n")
      const counts = new Map<string, number>()
      const homes = new Map<string, Set<string>>()
      for (const line of lines) {
        const [id = "", step = "", home = ""] = line.split(" ")
        counts.set(`${id} ${step}`, (counts.get(`${id} ${step}`) ?? 0) + 1)
        homes.set(id, (homes.get(id) ?? new Set()).add(home))
      }
      console.log("more than once", [...counts].filter(([, count]) => count !== 1), "of", counts.size)
      console.log("homes", [...homes].filter(([, set]) => set.size !== 1))
      console.log("left", Chunk.size(left))
      if (results._tag === "Some") {
        results.value.forEach((exit, nth) => {
          if (Exit.isFailure(exit)) console.log(nth, exit.cause)
          else if (exit.value.text !== `job-${nth} job-${nth}` || exit.value.stdout !== `job-${nth}\n` || exit.value.exitCodes.join() !== "0,7" || exit.value.runs !== "'1 1'") console.log(nth, exit.value)
        })
      }
      console.log("starts", runners.map(({ starts }) => starts))
      local.child.kill("SIGTERM")
      yield* Effect.promise(() => postgres.stop())
      void steps; void patiently
    })
if (programs === undefined) console.log("skipped: no Postgres")
else NodeAgb.runMain(Effect.zipRight(gate as Effect.Effect<void>, Effect.sync(() => process.exit(0))))
