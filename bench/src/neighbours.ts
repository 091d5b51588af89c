// What a session notices of its neighbours: the time of a command, quiet and while eight others do their worst.
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import { Agent, request } from "undici"
import type { AgbLocal } from "./agbLocal.js"
import { quantile } from "./compare.js"
import { startLocal } from "./contenders.js"
import { Failures } from "./loadReport.js"
import { connect, createSession, deleteSession, toolText, type Wire } from "./wire.js"

const hostileSessions = 8
const [samplesQuiet, secondsEach] = [200, 8]
/** The target for the ratio of the medians; the program ends with 1 if one is above. */
const wanted = 10

interface Call {
  readonly tool: string
  readonly args: unknown
}

interface Misdeed {
  readonly name: string
  /** Run once in each hostile session. */
  readonly prepare?: Call
  /** Run again and again in each hostile session. */
  readonly run: Call
}

const code = (text: string): Call => ({
  tool: "run_code",
  args: { code: text, language: "python", timeout_s: 60 }
})

const command = (text: string): Call => ({ tool: "shell", args: { command: text, timeout_ms: 60_000 } })

/** Calls a tool and drops what it answers: to parse that here would hold up the commands that are timed. */
const callAndDrop = async (
  { apiKey, endpoint }: AgbLocal,
  dispatcher: Agent,
  sessionId: string,
  { args, tool }: Call
) => {
  const { body, statusCode } = await request(`${endpoint}/mcp?autoGenSession=false`, {
    dispatcher,
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ sessionId, name: tool, args: JSON.stringify(args) }),
    headersTimeout: 120_000
  })
  body.resume()
  await once(body, "close")
  if (statusCode !== 200) throw new Error(`status ${statusCode}`)
}

const large = Array.from({ length: 160 }, (_, index) => `/tmp/large${index}`)

const misdeeds: ReadonlyArray<Misdeed> = [
  { name: "nothing but computing", run: command("timeout 2 sh -c 'while :; do :; done'") },
  {
    name: "a display of 500,000 MIME types",
    run: code("from IPython.display import display\ndisplay({f'a/{i}': '' for i in range(500_000)}, raw=True)")
  },
  {
    name: "JSON of 100,000 values as a display",
    run: code("from IPython.display import display\ndisplay({'application/json': [{}] * 100_000}, raw=True)")
  },
  {
    name: "9 MB of HTML as a value",
    run: code("class A:\n  def _repr_html_(self): return '<\"\\n>' * 1_800_000\nA()")
  },
  { name: "output without end, of control characters", run: command("tr '\\0' '\\1' < /dev/zero | head -c 50000000") },
  { name: "an error of 5 MB", run: code("raise Exception('\\1' * 5_000_000)") },
  {
    name: "a file of 15 MB, read as text",
    prepare: command("head -c 15000000 /dev/urandom > /tmp/large"),
    run: { tool: "read_file", args: { path: "/tmp/large" } }
  },
  {
    name: "160 files of 1 MB in one call",
    prepare: command("for i in $(seq 0 159); do head -c 1000000 /dev/zero > /tmp/large$i; done"),
    run: { tool: "read_multiple_files", args: { paths: large } }
  },
  {
    name: "a directory of 60,000 entries, listed",
    prepare: command("mkdir -p /tmp/many; cd /tmp/many; seq 1 60000 | xargs touch"),
    run: { tool: "list_directory", args: { path: "/tmp/many" } }
  }
]

const echo = async (wire: Wire, sessionId: string): Promise<number> => {
  const start = performance.now()
  toolText(await wire.callTool(sessionId, "shell", { command: "echo here", timeout_ms: 30_000 }))
  return performance.now() - start
}

const measured = async (wire: Wire, sessionId: string, isEnough: (count: number) => boolean) => {
  const millis: Array<number> = []
  while (!isEnough(millis.length)) {
    millis.push(await echo(wire, sessionId))
    await setTimeout(5)
  }
  return millis
}

const line = (name: string, millis: ReadonlyArray<number>, baseline: readonly [number, number]) => {
  const [p50, p99] = [quantile(millis, 0.5), quantile(millis, 0.99)]
  const ratios = [p50 / baseline[0], p99 / baseline[1]].map((ratio) => `${ratio.toFixed(1)} x`.padStart(8))
  const isAbove = p50 / baseline[0] > wanted
  if (isAbove) process.exitCode = 1
  console.log(
    `  ${name.padEnd(46)} ${p50.toFixed(2).padStart(9)} ms ${ratios[0]} ${p99.toFixed(2).padStart(11)} ms ${
      ratios[1]
    }` +
      (isAbove ? `   above ${wanted} x` : "")
  )
}

/** The memory of the server at most, in MiB. */
const peakOf = (pid: number): string => {
  const kibibytes = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? NaN)
  return (kibibytes / 1024).toFixed(0)
}

/** The times of a command in one session while others are at it. */
const beside = async (
  { prepare, run }: Misdeed,
  { dispatcher, server, sessionId, wire }: {
    readonly server: AgbLocal
    readonly wire: Wire
    readonly sessionId: string
    readonly dispatcher: Agent
  }
) => {
  const failures = new Failures()
  const hostile = await Promise.all(Array.from({ length: hostileSessions }, () => createSession(wire)))
  const all = (call: Call) =>
    Promise.all(
      hostile.map((one) => failures.watch("a call", () => callAndDrop(server, dispatcher, one.sessionId, call)))
    )
  if (prepare !== undefined) await all(prepare)
  const end = performance.now() + secondsEach * 1000
  const isOver = () => performance.now() > end
  let calls = 0
  const misdoing = hostile.map(async (one) => {
    for (; !isOver(); calls += 1) {
      await failures.watch("a call", () => callAndDrop(server, dispatcher, one.sessionId, run))
    }
  })
  const millis = await measured(wire, sessionId, isOver)
  await Promise.all(misdoing)
  await Promise.all(hostile.map((one) => failures.watch("delete", () => deleteSession(wire, one.sessionId))))
  return { millis, calls, failures }
}

export const neighbours = async (): Promise<void> => {
  const local = await startLocal(["--pool-size", "0"])
  const { server } = local
  const wire = connect(server)
  const dispatcher = new Agent({ pipelining: 1, connections: 64 })
  const { sessionId } = await createSession(wire)
  await measured(wire, sessionId, (count) => count >= samplesQuiet / 4)
  const quiet = await measured(wire, sessionId, (count) => count >= samplesQuiet)
  const baseline = [quantile(quiet, 0.5), quantile(quiet, 0.99)] as const
  console.log(
    `\nA command beside ${hostileSessions} sessions that do their worst: p50 and p99, and ratios to the quiet ones`
  )
  line("quiet", quiet, baseline)
  for (const misdeed of misdeeds) {
    const { calls, failures, millis } = await beside(misdeed, { server, wire, sessionId, dispatcher })
    line(misdeed.name, millis, baseline)
    failures.print()
    console.log(`  ${"".padEnd(46)} ${calls} calls; the server had at most ${peakOf(server.pid)} MiB`)
  }
  await Promise.all([wire.close(), dispatcher.close()])
  await local.stop()
}
