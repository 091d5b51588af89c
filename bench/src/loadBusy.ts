// Sessions at work: each runs a command a second, and each command proves that it ran in the right session.
import { monitorEventLoopDelay } from "node:perf_hooks"
import { setTimeout } from "node:timers/promises"
import type { AgbLocal } from "./agbLocal.js"
import { type Failures, type Latencies, latencies, record, say, sayLatencies } from "./loadReport.js"
import { descendants, processorSeconds, proportionalMemory } from "./procfs.js"
import { connect, createSession, deleteSession, succeeded, toolText, type Wire } from "./wire.js"

export interface BusyOptions {
  readonly sessions: number
  readonly minutes: number
  /** Sandboxes that wait for more sessions, and count as idle ones. */
  readonly warm: number
}

const period = 1000

const stdoutOf = (text: string): string => (JSON.parse(text) as { stdout: string }).stdout

const shell = async (wire: Wire, sessionId: string, command: string, seen?: Latencies): Promise<string> => {
  const reply = await wire.callTool(sessionId, "shell", { command, timeout_ms: 30_000 })
  const stdout = stdoutOf(toolText(reply))
  if (seen !== undefined) record(seen, reply)
  return stdout
}

/** Sessions that know their own name. */
const open = async (wire: Wire, count: number, failures: Failures): Promise<ReadonlyArray<string>> => {
  const ids: Array<string> = []
  for (let index = 0; index < count; index++) {
    const made = await failures.watch("create", () => createSession(wire))
    if (made !== undefined) ids.push(made.sessionId)
  }
  await Promise.all(ids.map((id) => failures.watch("command", () => shell(wire, id, `echo ${id} > name`))))
  return ids
}

interface Work {
  readonly wire: Wire
  readonly seen: Latencies
  readonly failures: Failures
  /** When the last command may start. */
  readonly end: number
  /** Turns that were over before their command could start. */
  missed: number
}

const keepBusy = async (sessionId: string, start: number, work: Work): Promise<void> => {
  let turn = start
  for (let count = 0; turn < work.end; count++) {
    await setTimeout(Math.max(0, turn - performance.now()))
    await work.failures.watch("command", async () => {
      const stdout = await shell(work.wire, sessionId, `read -r name < name; echo "$name ${count}"`, work.seen)
      if (stdout !== `${sessionId} ${count}\n`) throw new Error("the output is not that of this session")
    })
    turn += period
    while (turn + period < performance.now()) {
      turn += period
      work.missed += 1
    }
  }
}

const sayMemory = (name: string, pids: ReadonlyArray<number>, sandboxes: number): void => {
  const { mebibytes, unread } = proportionalMemory(pids)
  const note = unread === 0 ? "" : `, without ${unread} processes that this user may not look at`
  say(`memory per session, ${name}`, `${(mebibytes / sandboxes).toFixed(2)} MiB of ${pids.length} processes${note}`)
}

const percent = (seconds: number, wall: number): string => `${(seconds / wall * 100).toFixed(1)} % of a core`

const checkAlive = (wire: Wire, ids: ReadonlyArray<string>, failures: Failures) =>
  Promise.all(ids.map((sessionId) =>
    failures.watch("session at the end", async () => {
      const { status } = succeeded(await wire.post("/mcp/getSessionInfo", { sessionId })) as { status: string }
      if (status !== "RUNNING") throw new Error(`is ${status}`)
    })
  ))

export const loadBusy = async (server: AgbLocal, options: BusyOptions, failures: Failures): Promise<void> => {
  const wire = connect(server)
  const ids = await open(wire, options.sessions, failures)
  await setTimeout(1000)
  console.log(`\n${ids.length} sessions, a command a second each, for ${options.minutes} minutes`)
  sayMemory("idle, before", descendants(server.pid), ids.length + options.warm)

  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const start = performance.now()
  const processors = () => [processorSeconds([server.pid]), processorSeconds(descendants(server.pid))] as const
  const [serverBefore, sandboxesBefore] = processors()
  const own = process.cpuUsage()
  const work: Work = { wire, failures, seen: latencies(), end: start + options.minutes * 60_000, missed: 0 }
  await Promise.all(ids.map((id, index) => keepBusy(id, start + index * period / ids.length, work)))
  const wall = (performance.now() - start) / 1000
  const [serverAfter, sandboxesAfter] = processors()
  const { system, user } = process.cpuUsage(own)

  say("commands", `${work.seen.millis.length}, turns missed ${work.missed}`)
  sayLatencies("command", work.seen)
  say("processor, server", percent(serverAfter - serverBefore, wall))
  say("processor, sandboxes", percent(sandboxesAfter - sandboxesBefore, wall))
  say("processor, load generator", percent((system + user) / 1e6, wall))
  say(
    "load generator held up",
    `p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, max ${(delay.max / 1e6).toFixed(1)} ms`
  )
  await setTimeout(1000)
  sayMemory("idle, after", descendants(server.pid), ids.length + options.warm)
  await checkAlive(wire, ids, failures)
  await Promise.all(ids.map((id) => failures.watch("delete", () => deleteSession(wire, id))))
  await wire.close()
}
