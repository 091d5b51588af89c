// Load on the local runtime as a process of its own, from this one. Ends with 1 when a call failed, a session was lost or
// anything was left behind.
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { parseArgs } from "node:util"
import { type AgbLocal, startAgbLocal } from "./agbLocal.js"
import { loadBusy } from "./loadBusy.js"
import { loadChurn } from "./loadChurn.js"
import { loadForgotten, loadLive } from "./loadLive.js"
import { Failures, say } from "./loadReport.js"
import { loadTransfer } from "./loadTransfer.js"
import { descendants, exists, isAlive } from "./procfs.js"

const usage = `load: sessions that come and go, sessions at work, and a large file.

  churn                1,000 sessions in bursts of 100
  busy                 100 sessions, a command a second each
  live                 many sessions at once; only when named
  forgotten            many sessions that live when the server is stopped; only when named
  transfer             a file of 1 GiB into a session and out of it; only when named

  --minutes <number>   how long busy takes, default 10
  --sessions <number>  of busy, default 100
  --bursts <number>    of churn, default 10
  --live <number>      sessions of live and of forgotten, default 1000
  --isolation <level>  default: the best of this machine
  --size <number>      of the file of transfer in MiB, default 1024
  --warm <number>      sandboxes that the runtime keeps ready, default 1
  --profile <folder>   where the runtime leaves a processor profile
`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "10" },
    sessions: { type: "string", default: "100" },
    bursts: { type: "string", default: "10" },
    live: { type: "string", default: "1000" },
    size: { type: "string", default: "1024" },
    warm: { type: "string", default: "1" },
    isolation: { type: "string" },
    profile: { type: "string" },
    help: { type: "boolean", default: false }
  }
})

const amount = (name: "minutes" | "sessions" | "bursts" | "live" | "size" | "warm"): number => {
  const value = Number(values[name])
  if (Number.isFinite(value) && value >= 0) return value
  throw new Error(`--${name} must be a number, but was ${values[name]}`)
}

/** Options with which a session takes in a file of so many MiB, which counts as memory where its files are there. */
const roomFor = (mebibytes: number): ReadonlyArray<string> => {
  const workspace = Math.max(512, mebibytes + 64)
  return ["--workspace", String(workspace), "--memory", String(2048 + workspace)]
}

/** How long a server that was told to stop may take, however many sessions it has. */
const patience = 5000
const sigtermCode = 143

/** After how many milliseconds none of them is left, or undefined when some are for too long. */
const goneAfter = async (start: number, pids: ReadonlyArray<number>, is: (pid: number) => boolean) => {
  while (pids.some(is)) {
    if (performance.now() > start + patience) return undefined
    await setTimeout(10)
  }
  return performance.now() - start
}

const stop = async (server: AgbLocal, folder: string, failures: Failures): Promise<void> => {
  const pids = descendants(server.pid)
  const start = performance.now()
  const { code, millis } = await server.stop()
  const dead = await goneAfter(start, pids, isAlive)
  const reaped = await goneAfter(start, pids, exists)
  const files = readdirSync(folder, { recursive: true }).length
  const after = (what: number | undefined) => what === undefined ? "never" : `after ${what.toFixed(0)} ms`
  console.log(`\nSIGTERM with ${pids.length} processes`)
  say("server ended", `${after(millis)} with code ${code}`)
  say("processes ended", `${after(dead)}, the last zombie was gone ${after(reaped)}`)
  say("files left", String(files))
  const complaints = server.complaints()
  say("complaints in its log", String(complaints.length))
  for (const line of complaints.slice(0, 5)) console.log(`  ${line.slice(0, 300)}`)
  if (code !== sigtermCode) failures.add("the end", `code ${code}, not ${sigtermCode}`)
  if (millis > patience) failures.add("the end", `after more than ${patience} ms`)
  if (dead === undefined) failures.add("left behind", `${pids.filter(isAlive).length} processes after SIGTERM`)
  if (files > 0) failures.add("left behind", `${files} files after SIGTERM`)
}

const main = async (): Promise<boolean> => {
  const sections = positionals.length === 0 ? ["churn", "busy"] : positionals
  const failures = new Failures()
  const folder = mkdtempSync(join(tmpdir(), "agb-load-"))
  // Where sessions have files on this disk, other users than this one come to them through it.
  chmodSync(folder, 0o755)
  const profile = values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`]
  const args = ["--warm", values.warm, ...sections.includes("transfer") ? roomFor(amount("size")) : []]
  const server = await startAgbLocal({ args, isolation: values.isolation, nodeArgs: profile, env: { TMPDIR: folder } })
  console.log(`agb-local: ${server.isolation}`)
  if (sections.includes("churn")) {
    await loadChurn(server, { bursts: amount("bursts"), size: 100, folder }, failures)
  }
  if (sections.includes("busy")) {
    await loadBusy(server, { sessions: amount("sessions"), minutes: amount("minutes"), warm: amount("warm") }, failures)
  }
  if (sections.includes("live")) await loadLive(server, amount("live"), failures)
  if (sections.includes("forgotten")) await loadForgotten(server, amount("live"), failures)
  if (sections.includes("transfer")) await loadTransfer(server, amount("size"), failures)
  await stop(server, folder, failures)
  rmSync(folder, { recursive: true, force: true })
  failures.print()
  return failures.isEmpty
}

if (values.help) console.log(usage)
else process.exit(await main() ? 0 : 1)
