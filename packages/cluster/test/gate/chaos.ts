/** What happens to runners, all of it decided by a seed. */
import type { Random } from "effect"
import { Duration, Effect } from "effect"
import type { Postgres } from "../../../../scripts/postgres.mjs"
import type { Runner } from "./runners.js"

const stop = Duration.seconds(40)

const kinds = ["kill", "terminate", "stop"] as const

interface Event {
  readonly after: Duration.Duration
  readonly kind: typeof kinds[number]
  /** Which of the runners that run. */
  readonly nth: number
}

const events = (random: Random.Random, count: number): Effect.Effect<ReadonlyArray<Event>> =>
  Effect.forEach(Array.from({ length: count }), () =>
    Effect.gen(function*() {
      const after = Duration.millis(yield* random.nextIntBetween(2000, 5000))
      const kind = kinds[yield* random.nextIntBetween(0, kinds.length)] ?? "kill"
      return { after, kind, nth: yield* random.nextIntBetween(0, 1000) }
    }))

interface Options {
  readonly random: Random.Random
  readonly count: number
  readonly postgres: Postgres
  readonly runners: ReadonlyArray<Runner>
  readonly say: (text: string) => Effect.Effect<void>
}

/** One runner at least is not stopped. */
export const unleash = ({ count, postgres, random, runners, say }: Options): Effect.Effect<void> =>
  Effect.gen(function*() {
    const all = yield* events(random, count)
    for (const [at, { after, kind, nth }] of all.entries()) {
      yield* Effect.sleep(after)
      if (at === Math.floor(count / 2)) {
        yield* say("Postgres restarts")
        yield* Effect.promise(() => postgres.restart())
      }
      const running = runners.filter(({ isStopped }) => !isStopped)
      const runner = running[nth % running.length]
      if (runner === undefined) continue
      const done = kind === "stop" && running.length === 1 ? "kill" : kind
      yield* say(`${runner.name}: ${done}`)
      if (done === "stop") runner.stopFor(Duration.toMillis(stop))
      else runner.signal(done === "terminate" ? "SIGTERM" : "SIGKILL")
    }
    yield* say("the runners are left alone")
  })
