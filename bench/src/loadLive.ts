// Many sessions that live at the same time: all are created, all answer a command, all are deleted, by whoever it is.
import { setTimeout } from "node:timers/promises"
import type { AgbLocal } from "./agbLocal.js"
import { type Failures, latencies, record, say, sayLatencies } from "./loadReport.js"
import { availableMebibytes, descendants, proportionalMemory } from "./procfs.js"
import { connect, createSession, deleteSession, toolText, type Wire } from "./wire.js"

const burst = 100
/** A guess on the safe side of what a session and its page tables take. */
const mebibytesEach = 14

/** As many sessions, in bursts; stops at the first failure. */
const createSessions = async (wire: Wire, count: number, failures: Failures): Promise<ReadonlyArray<string>> => {
  const created = latencies()
  const ids: Array<string> = []
  const start = performance.now()
  while (ids.length < count && failures.isEmpty) {
    const made = await Promise.all(
      Array.from(
        { length: Math.min(burst, count - ids.length) },
        () => failures.watch("create", () => createSession(wire))
      )
    )
    for (const one of made) {
      if (one === undefined) continue
      ids.push(one.sessionId)
      record(created, one.reply)
    }
  }
  say("created", `${ids.length} in ${((performance.now() - start) / 1000).toFixed(1)} s`)
  sayLatencies("create, in bursts", created)
  return ids
}

const hasRoom = (count: number): boolean => {
  if (availableMebibytes() >= count * mebibytesEach) return true
  say("left out", `needs about ${count * mebibytesEach} MiB, free are ${availableMebibytes().toFixed(0)} MiB`)
  return false
}

export const loadLive = async (server: AgbLocal, count: number, failures: Failures): Promise<void> => {
  console.log(`\n${count} sessions that live at once`)
  if (!hasRoom(count)) return
  const wire = connect(server)
  const ran = latencies()
  const ids = await createSessions(wire, count, failures)
  const all = (work: (id: string) => Promise<void>) => Promise.all(ids.map(work))
  await all(async (id) => {
    const args = { command: "echo here", timeout_ms: 30_000 }
    const reply = await failures.watch("command", () => wire.callTool(id, "shell", args))
    if (reply === undefined) return
    await failures.watch("command", async () => toolText(reply))
    record(ran, reply)
  })
  sayLatencies("a command in all at once", ran)
  await setTimeout(2000)
  const { mebibytes } = proportionalMemory(descendants(server.pid))
  say("memory", `${(mebibytes / ids.length).toFixed(2)} MiB per session, ${(mebibytes / 1024).toFixed(1)} GiB in all`)
  const deleting = performance.now()
  await all((id) => failures.watch("delete", () => deleteSession(wire, id)).then(() => {}))
  say("all deleted after", `${((performance.now() - deleting) / 1000).toFixed(1)} s`)
  await wire.close()
}

/** Sessions that nobody deletes: whoever stops the server then sees what it leaves behind. */
export const loadForgotten = async (server: AgbLocal, count: number, failures: Failures): Promise<void> => {
  console.log(`\n${count} sessions that live when the server is stopped`)
  if (!hasRoom(count)) return
  const wire = connect(server)
  await createSessions(wire, count, failures)
  await wire.close()
}
