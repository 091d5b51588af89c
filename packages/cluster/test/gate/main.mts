/**
 * `pnpm test:cluster`: the gate of clusters, which takes minutes and a Postgres, and so is no part of `pnpm test`.
 *
 *     AGB_GATE_SEED=7 AGB_GATE_LOCKS=table pnpm test:cluster
 */
import { NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { isInstalled } from "../../../../scripts/postgres.mjs"
import * as gate from "./gate.js"

const { env } = process

const seed = Number(env["AGB_GATE_SEED"] ?? Date.now() % 1_000_000)
const locks = (env["AGB_GATE_LOCKS"] ?? (seed % 2 === 0 ? "table" : "advisory")) === "table" ? "table" : "advisory"

const program = Effect.gen(function*() {
  if (!isInstalled) return yield* Console.log("skipped: no Postgres is installed")
  yield* Console.log(`AGB_GATE_SEED=${seed} AGB_GATE_LOCKS=${locks}`)
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-gate-"))
  const jobs = Number(env["AGB_GATE_JOBS"] ?? 50)
  const events = Number(env["AGB_GATE_EVENTS"] ?? 20)
  const faults = yield* gate.run({ seed, locks, jobs, events, folder })
  yield* Effect.forEach(faults, (fault) => Console.error(fault))
  if (faults.length > 0) {
    return yield* Effect.fail(`${faults.length} faults; logs are in ${folder}`)
  }
  Fs.rmSync(folder, { recursive: true, force: true })
  yield* Console.log(`${jobs} jobs, each with every effect once, in one session; no session is left`)
})

NodeAgb.runMain(program)
