/** Deletes the sessions of programs that were killed. `--dry-run` only says which; `--older-than "2 hours"` trusts in their age. */
import { Agb } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect } from "effect"
import { parseArgs } from "node:util"

const { values } = parseArgs({ options: { "dry-run": { type: "boolean" }, "older-than": { type: "string" } } })

const program = Effect.gen(function*() {
  const agb = yield* Agb.Agb
  const report = yield* agb.sweep({
    dryRun: values["dry-run"] ?? false,
    olderThan: values["older-than"] as Agb.SweepOptions["olderThan"]
  })
  for (const { createdAt, reason, sessionId } of report.deleted) {
    yield* Console.log(`${sessionId}, created ${createdAt.toISOString()}: ${reason}`)
  }
  for (const { error, sessionId } of report.failed) yield* Console.error(`${sessionId}: ${error.message}`)
  yield* Console.log(`${report.deleted.length} orphans, ${report.kept.length} kept, ${report.failed.length} failed`)
})

// A runtime of its own has no orphans; NodeAgb.layerConfig() is the cloud.
const layer = process.env.AGB_API_KEY === undefined ? LocalAgb.layer() : NodeAgb.layerConfig()

NodeAgb.runMain(program.pipe(Effect.provide(layer)))
