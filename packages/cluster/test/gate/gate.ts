/** Many jobs on three runners that are killed, terminated and stopped every few seconds, and a Postgres that restarts once. */
import { Agb } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Clock, Console, Duration, Effect, Fiber, Random, Stream } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { Postgres } from "../../../../scripts/postgres.mjs"
import { testProgram } from "../../../../scripts/testProgram.mjs"
import * as agbLocal from "../support/agbLocal.js"
import * as chaos from "./chaos.js"
import { Job } from "./job.js"
import * as runners from "./runners.js"
import * as settings from "./settings.js"
import { faultsOf } from "./verdict.js"

interface Options {
  readonly seed: number
  readonly locks: settings.Locks
  readonly jobs: number
  readonly events: number
  /** Where it leaves its logs. */
  readonly folder: string
}

/** As long as a busy machine may take. */
const patience = Duration.minutes(20)

const runnerProgram = Effect.promise(() => testProgram(fileURLToPath(new URL("runner.mts", import.meta.url))))

const startPostgres = Effect.acquireRelease(
  Effect.sync(() => new Postgres()),
  (postgres) => Effect.promise(() => postgres.stop().then(() => postgres.remove()))
).pipe(Effect.tap((postgres) => Effect.promise(() => postgres.start())))

/** What fails while the database is away is asked once more. */
const untilAnswered = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, never, R> =>
  effect.pipe(
    Effect.timeout("30 seconds"),
    Effect.sandbox,
    Effect.catchAll(() => Effect.delay(Effect.suspend(() => untilAnswered(effect)), "1 second"))
  )

const outcomeOf = (input: typeof Job.payloadSchema.Type) =>
  Effect.gen(function*() {
    const executionId = yield* untilAnswered(Job.execute(input, { discard: true }))
    for (;;) {
      const result = yield* untilAnswered(Job.poll(executionId))
      if (result?._tag === "Complete") return result.exit
      yield* Effect.sleep("1 second")
    }
  })

type Said = (text: string) => Effect.Effect<void>

/** So many at a time as a small machine bears. */
const atOnce = 12

/** Those that have not ended in time have no outcome. */
const outcomes = ({ folder, jobs }: Options, random: Random.Random, say: Said) =>
  Effect.gen(function*() {
    const ledger = Path.join(folder, "ledger")
    Fs.writeFileSync(ledger, "")
    let ended = 0
    const report = Effect.forever(
      Effect.delay(Effect.suspend(() => say(`${ended} of ${jobs} jobs have ended`)), "15 seconds")
    )
    yield* Effect.forkScoped(report)
    const end = yield* Effect.fork(Effect.as(Effect.sleep(patience), undefined))
    const tooLate = Fiber.join(end)
    const one = (nth: number) =>
      Effect.gen(function*() {
        const id = `job-${nth}`
        const seconds = yield* random.nextIntBetween(0, 4)
        const exit = yield* Effect.raceFirst(outcomeOf({ id, ledger, seconds }), tooLate)
        ended++
        return { id, exit }
      })
    const all = yield* Effect.forEach(Array.from({ length: jobs }, (_, nth) => nth), one, { concurrency: atOnce })
    return { all, ledger: Fs.readFileSync(ledger, "utf8") }
  })

const unprocessed = "SELECT shard_id, entity_id, tag, payload, last_read FROM cluster_messages WHERE NOT processed"

/** Runs the jobs, and tells what is wrong with them. */
export const run = (options: Options): Effect.Effect<ReadonlyArray<string>, unknown> =>
  Effect.gen(function*() {
    const { events, folder, locks, seed } = options
    const begun = yield* Clock.currentTimeMillis
    const say = (text: string) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => Console.log(`${Math.round((now - begun) / 1000)} s: ${text}`))
    const { endpoint } = yield* agbLocal.start({ folder, args: ["--pool-size", "2"] })
    const database = yield* startPostgres
    const file = yield* runnerProgram
    const all = yield* Effect.forEach([1, 2, 3], (nth) =>
      runners.make({
        name: `runner ${nth}`,
        program: file,
        args: (port) => [database.folder, locks, String(port)],
        env: { AGB_ENDPOINT: endpoint, AGB_API_KEY: agbLocal.apiKey },
        log: Path.join(folder, `runner-${nth}.log`)
      }))
    yield* say("Postgres, agb-local and three runners are started")
    const [ofChaos, ofJobs] = [Random.make(seed), Random.make(-seed)]
    yield* Effect.forkScoped(chaos.unleash({ random: ofChaos, count: events, postgres: database, runners: all, say }))
    const { all: ended, ledger } = yield* outcomes(options, ofJobs, say).pipe(
      Effect.provide(settings.client(database.folder, locks))
    )
    yield* say(`the runners were started ${all.map(({ starts }) => starts).join(", ")} times`)
    yield* Effect.forEach(all, (runner) => Effect.promise(() => runner.end()), { concurrency: 3 })
    const left = yield* Effect.flatMap(Agb.Agb, (agb) => Stream.runCollect(agb.list())).pipe(
      Effect.provide(NodeAgb.layer({ apiKey: agbLocal.apiKey, endpoint }))
    )
    const faults = faultsOf(ended, ledger, [...left].map(({ sessionId }) => sessionId))
    if (ended.some(({ exit }) => exit === undefined)) {
      yield* Console.log(`unprocessed messages:\n${yield* Effect.promise(() => database.query(unprocessed))}`)
    }
    return faults
  }).pipe(Effect.scoped)
