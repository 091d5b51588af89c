/** `agb-local` as a process of its own: what it leaves behind when it is told to end, and what its log says. */
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Path from "node:path"
import { childrenOf } from "../../src/internal/sandbox/process/processTree.js"
import { apiKey, type Program, run } from "../support/localProgram.js"
import { outputOf, spawnFixture } from "../support/processes/children.js"
import { processesWith, until } from "../support/processes/processes.js"
import { requestBytes, sendRequest } from "../support/rawHttp.js"
import { best } from "../support/runtime.js"
import { slowdown } from "../support/slowdown.js"
import { postJson, refusedHandshake, start, talkTo } from "../support/wire.js"

const uniqueSeconds = () => `6${process.pid}.${Math.floor(Math.random() * 1e9)}`

/** The id of the process to which a directory belongs. */
const ownerOf = (directory: string): unknown =>
  JSON.parse(Fs.readFileSync(Path.join(directory, "owner.json"), "utf8")).pid

/** Root may schedule in real time, unless its container forbids it. */
const mayGoFirst = spawnSync("chrt", ["--rr", "1", "true"]).status === 0

const goesFirst = (pid = 0): boolean => spawnSync("chrt", ["--pid", `${pid}`]).stdout.includes("SCHED_RR")

/** A request whose body never comes to its end. */
const half = ({ port }: Program) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = Net.connect(port, "127.0.0.1")
      const headers = { authorization: `Bearer ${apiKey}`, "content-length": "1000000" }
      for (const part of requestBytes(port, { method: "POST", target: "/mcp", headers, body: "{\"name\":" })) {
        socket.write(part)
      }
      socket.on("error", () => {})
      return socket
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const endless = (seconds: string) => ({
  language: "javascript",
  timeoutS: 600,
  code: `require("child_process").spawn("sleep", ["${seconds}"]); console.log("begun")\n` +
    "while (true) console.log('x'.repeat(100))"
})

describe("agb-local", () => {
  it.live("told to end with everything at work, leaves nothing within 5 seconds", () =>
    Effect.gen(function*() {
      const program = yield* run(["--pool-size", "2", "--log", "none"])
      const { callTool, child, createSession, exited, folder, port } = program
      const seconds = Array.from({ length: 4 }, uniqueSeconds)
      for (const one of seconds) {
        const session = yield* createSession
        const background = `nohup setsid sleep ${one} >/dev/null 2>&1 &`
        yield* callTool(session, "shell", { command: background, timeout_ms: 5000 })
        yield* Effect.fork(callTool(session, "shell", { command: `sleep ${one}`, timeout_ms: 600_000 }))
        const { send, until } = yield* talkTo(session)
        send(start("a", endless(one)))
        yield* until((frames) => frames.length > 2)
      }
      yield* half(program)
      const isBusy = () => seconds.every((one) => processesWith(one).length >= 3)
      assert.isTrue(yield* until(isBusy))
      const allowed = 5000 * slowdown()
      const asked = performance.now()
      child.kill("SIGTERM")
      assert.strictEqual(yield* Effect.promise(() => exited), 143)
      assert.isBelow(performance.now() - asked, allowed)
      const { endpoint } = yield* LocalAgb.make({ isolation: best, poolSize: 0, port })
      assert.strictEqual(endpoint, `http://127.0.0.1:${port}`)
      assert.isTrue(yield* until(() => seconds.every((one) => processesWith(one).length === 0)))
      assert.deepStrictEqual(Fs.readdirSync(folder), [])
    }).pipe(Effect.scoped))

  it.live.skipIf(process.platform !== "linux")(
    "whose end takes too long, or that was killed, leaves nothing: a process of its own sweeps",
    () =>
      Effect.gen(function*() {
        const { child, createSession, exited, folder } = yield* run(["--isolation", "none", "--log", "none"])
        yield* createSession
        // It never says that the process of a sandbox has ended.
        const [forkServer = 0] = childrenOf(child.pid ?? 0)
        process.kill(forkServer, "SIGSTOP")
        yield* Effect.addFinalizer(() => Effect.sync(() => process.kill(forkServer, "SIGKILL")))
        const killed = yield* run(["--isolation", "none", "--log", "none"], folder)
        yield* killed.createSession
        child.kill("SIGTERM")
        assert.strictEqual(yield* Effect.promise(() => exited), 143)
        const left = () => Fs.readdirSync(folder)
        const ofKilled = left().filter((name) => ownerOf(Path.join(folder, name)) === killed.child.pid)
        assert.isNotEmpty(ofKilled)
        assert.isTrue(yield* until(() => left().length === ofKilled.length))
        const env = { TMPDIR: folder, AGB_SWEEP_AFTER: `${killed.child.pid}` }
        const sweeping = yield* Effect.promise(() => spawnFixture("../../../src/bin.ts", { args: ["--sweep"], env }))
        const said = outputOf(sweeping)
        // Without waiting it would be done by now.
        yield* Effect.sleep("2 seconds")
        killed.child.kill("SIGKILL")
        assert.deepStrictEqual([yield* Effect.promise(() => said), left()], ["", []])
      }).pipe(Effect.scoped)
  )

  it.live.skipIf(!mayGoFirst)(
    "goes before all others on the processor while it ends, and so does its sweep",
    () =>
      Effect.gen(function*() {
        const { child, createSession } = yield* run(["--isolation", "none", "--log", "none"])
        yield* createSession
        const [forkServer = 0] = childrenOf(child.pid ?? 0)
        process.kill(forkServer, "SIGSTOP")
        yield* Effect.addFinalizer(() => Effect.sync(() => process.kill(forkServer, "SIGKILL")))
        assert.isFalse(goesFirst(child.pid))
        child.kill("SIGTERM")
        assert.isTrue(yield* until(() => goesFirst(child.pid)))
        // One child has given it that right, and has ended.
        const isSwept = () => childrenOf(child.pid ?? 0).some((pid) => pid !== forkServer && goesFirst(pid))
        assert.isTrue(yield* until(isSwept), "its sweep")
      }).pipe(Effect.scoped)
  )

  const secret = (name: string) => `s3cr3t-${name}`

  /** Everything that a client can put somewhere, each with a word in it that must not come out in the log. */
  const misuse = (program: Program) =>
    Effect.gen(function*() {
      const { callTool, createSession, endpoint, port, post } = program
      const session = yield* createSession
      const tool = (name: string, args: object) => callTool(session, name, args)
      yield* tool("run_code", {
        language: "javascript",
        code: `console.log('${secret("code")}')\nthrow new Error('${secret("raised")}')`
      })
      yield* tool("shell", { command: `echo ${secret("command")}`, envs: { NAME: secret("environment") } })
      yield* tool("write_file", { path: `/tmp/${secret("path")}`, content: secret("content") })
      yield* tool("read_file", { path: `/nowhere/${secret("missing")}` })
      yield* tool(secret("tool"), { a: secret("argument") })
      yield* post(`/mcp/getSession?${secret("query")}=${secret("value")}`, { sessionId: secret("session") })
      yield* post(`/${secret("route")}`, {})
      yield* post("/mcp", `{"name": "${secret("broken")}`)
      yield* post("/mcp/createSession", { labels: JSON.stringify({ [secret("label")]: secret("labelled") }) })
      yield* postJson(`${endpoint}/mcp`, {}, { authorization: `Bearer ${secret("key")}` })
      yield* postJson(`${session.linkUrl}/callTool`, { tool: "shell", args: { command: secret("linked") } }, {
        "X-Access-Token": session.token
      })
      yield* postJson(`${session.linkUrl}/callTool`, {}, { "X-Access-Token": secret("token") })
      yield* refusedHandshake(`${session.wsUrl}?token=${secret("token")}`)
      const { call } = yield* talkTo(session)
      yield* call("a", { language: "javascript", code: `'${secret("streamed")}'` })
      yield* call("b", { language: secret("language"), code: "1" })
      yield* sendRequest(port, {
        method: "S3CR3T",
        target: `/${secret("target")}`,
        headers: { [secret("header")]: "x" }
      })
      yield* sendRequest(port, { target: "/", headers: { host: secret("host"), origin: secret("origin") } })
      return session
    })

  it.live(
    "logs one line of JSON for each request, with no secret and nothing of what was run",
    () =>
      Effect.gen(function*() {
        const program = yield* run(["--log", "json"])
        const { token } = yield* misuse(program)
        const { child, exited, log } = program
        child.kill("SIGTERM")
        yield* Effect.promise(() => exited)
        const lines = log().trim().split("\n").map((line) => JSON.parse(line))
        assert.notMatch(log(), /s3cr3t|S3CR3T/)
        for (const text of [token, apiKey]) assert.notInclude(log(), text)
        const told = lines.map(({ annotations }) => annotations)
        const about = (route: string) => told.find((fields) => fields.route === route)
        assert.containsAllKeys(about("callTool"), ["method", "status", "requestId", "sessionId", "durationMillis"])
        assert.deepInclude(about("callTool"), { tool: "run_code", status: 200, method: "POST" })
        assert.isTrue(
          lines.every(({ logLevel, timestamp }) => logLevel === "INFO" && !Number.isNaN(Date.parse(timestamp)))
        )
        assert.includeMembers(told.map(({ route }) => route), [
          "createSession",
          "link",
          "upgrade",
          "run_code",
          "unknown"
        ])
        assert.includeMembers(told.map(({ status }) => status), [200, 400, 401, 403, 404, "finished"])
      }).pipe(Effect.scoped)
  )
})
