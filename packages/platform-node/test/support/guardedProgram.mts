/**
 * A whole process for `guardian.test.ts`, with a guardian: it makes as many sessions as its first argument says, says so, and
 * waits; with `end` as the third argument until its standard input ends, with `create` it starts one more create before. With
 * `again` it ends all of that when something is written to it, and does it once more, with another guardian, when there is more.
 * The second argument is the directory of journals, or empty.
 */
import * as Session from "@effect-agb/core/Session"
import * as NodeAgb from "@effect-agb/platform-node/NodeAgb"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { once } from "node:events"

const [, , count = "", journalDirectory = "", what = ""] = process.argv

const input = Effect.promise(() => once(process.stdin, "data"))

const untilInputEnds = Effect.promise(() => once(process.stdin.resume(), "end"))

const create = Session.make({ imageId: "agb-code-space-1", idleTimeout: "1 day" })

const program = Effect.gen(function*() {
  yield* Effect.all(Array.from({ length: Number(count) }, () => create), { concurrency: "unbounded" })
  yield* Effect.sync(() => process.stdout.write("ready\n"))
  if (what === "create") yield* Effect.fork(create)
  yield* what === "end" ? untilInputEnds : what === "again" ? input : Effect.never
}).pipe(Effect.scoped)

const guardian = NodeAgb.layerGuardian(journalDirectory === "" ? {} : { journalDirectory })

/** With a budget of deletions in milliseconds, if there is one. */
const { AGB_API_KEY: apiKey = "", AGB_ENDPOINT: endpoint = "", DELETE_BUDGET: deleteBudget } = process.env
const agb = deleteBudget === undefined
  ? NodeAgb.layerConfig()
  : NodeAgb.layer({ apiKey, endpoint, deleteBudget: Number(deleteBudget) })

const guarded = Effect.suspend(() => program.pipe(Effect.provide(Layer.fresh(agb.pipe(Layer.provide(guardian))))))

const again = guarded.pipe(
  Effect.zipRight(Effect.sync(() => process.stdout.write("ended\n"))),
  Effect.zipRight(input),
  Effect.zipRight(guarded)
)

NodeAgb.runMain(what === "again" ? again : guarded)
