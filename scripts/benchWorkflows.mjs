// Measures workflows on runners over a Postgres that it starts. It runs from the sources: what counts is the engine and its
// database. Name parts to measure some: `overhead`, `throughput`, `moves`.
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { isInstalled, Postgres, programs } from "./postgres.mjs"

const measure = (env) => {
  const args = ["--import", "tsx", "bench/src/workflows.ts", ...process.argv.slice(2)]
  return spawnSync(process.execPath, args, { stdio: "inherit", env: { ...process.env, ...env } }).status ?? 1
}

if (!isInstalled) {
  console.log("skipped: no Postgres is installed")
} else {
  const postgres = new Postgres()
  try {
    await postgres.start()
    process.exitCode = measure({ AGB_BENCH_POSTGRES: postgres.folder, AGB_BENCH_PSQL: join(programs, "psql") })
  } finally {
    await postgres.stop()
    postgres.remove()
  }
}
