// Sessions that come and go: bursts of creations, each followed by a burst of deletions, and what they leave behind.
import { readdirSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import type { AgbLocal } from "./agbLocal.js"
import { type Failures, latencies, record, say, sayLatencies } from "./loadReport.js"
import { descendants, descriptors, proportionalMemory } from "./procfs.js"
import { connect, createSession, deleteSession, type Wire } from "./wire.js"

export interface ChurnOptions {
  readonly bursts: number
  readonly size: number
  /** Where the server keeps its temporary files. */
  readonly folder: string
}

interface Holdings {
  readonly processes: number
  readonly descriptors: number
  readonly files: number
}

const holdings = (pid: number, folder: string): Holdings => ({
  processes: descendants(pid).length,
  descriptors: descriptors(pid),
  files: readdirSync(folder, { recursive: true }).length
})

const settleMillis = 10_000

/** What the server holds once the pool is full again and closed connections are gone, and how long that took. */
const settled = async (read: () => Holdings, expected?: Holdings): Promise<Holdings> => {
  const end = performance.now() + settleMillis
  let before = read()
  for (;;) {
    await setTimeout(500)
    const now = read()
    const isStill = JSON.stringify(now) === JSON.stringify(before)
    const isExpected = expected === undefined || JSON.stringify(now) === JSON.stringify(expected)
    if ((isStill && isExpected) || performance.now() > end) return now
    before = now
  }
}

const burst = async (size: number, work: (index: number) => Promise<void>): Promise<number> => {
  const start = performance.now()
  await Promise.all(Array.from({ length: size }, (_, index) => work(index)))
  return performance.now() - start
}

const churn = async (wire: Wire, { bursts, size }: ChurnOptions, failures: Failures) => {
  const created = latencies()
  const deleted = latencies()
  let [creating, deleting] = [0, 0]
  for (let round = 0; round < bursts; round++) {
    const ids: Array<string> = []
    creating += await burst(size, async () => {
      const made = await failures.watch("create", () => createSession(wire))
      if (made === undefined) return
      ids.push(made.sessionId)
      record(created, made.reply)
    })
    deleting += await burst(ids.length, async (index) => {
      const start = performance.now()
      const released = await failures.watch("delete", () => deleteSession(wire, ids[index] ?? ""))
      if (released !== undefined) record(deleted, { ...released, millis: performance.now() - start })
    })
  }
  return { created, deleted, creating, deleting }
}

const rate = (count: number, millis: number): string => `${(count / millis * 1000).toFixed(1)} a second`

export const loadChurn = async (server: AgbLocal, options: ChurnOptions, failures: Failures): Promise<void> => {
  const read = () => holdings(server.pid, options.folder)
  const before = await settled(read)
  const memory = proportionalMemory([server.pid]).mebibytes
  const wire = connect(server)
  const { created, creating, deleted, deleting } = await churn(wire, options, failures)
  await wire.close()
  const after = await settled(read, before)

  console.log(`\n${options.bursts * options.size} sessions created in bursts of ${options.size} and deleted`)
  say("created", `${created.millis.length}, ${rate(created.millis.length, creating)}`)
  sayLatencies("create", created)
  say("deleted", `${deleted.millis.length}, ${rate(deleted.millis.length, deleting)}`)
  sayLatencies("delete, until it is gone", deleted)
  for (const what of ["processes", "descriptors", "files"] as const) {
    say(`${what} before, after`, `${before[what]}, ${after[what]}`)
    if (after[what] > before[what]) failures.add("left behind", `${after[what] - before[what]} ${what}`)
  }
  if (after.processes < before.processes) failures.add("not made good", "sandboxes that wait ready")
  const now = proportionalMemory([server.pid]).mebibytes
  say("memory of the server", `${memory.toFixed(0)} MiB before, ${now.toFixed(0)} MiB after`)
}
