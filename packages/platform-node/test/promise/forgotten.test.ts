/** Whole processes that never dispose their AGB: no session is left without a word. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { apiKey } from "../support/fakeAgb.js"
import { cut, makeGate, silent, unavailable } from "../support/faults.js"
import { type FaultServer, make } from "../support/faultServer.js"
import { spawnFixture } from "../support/processes/children.js"
import { best } from "../support/runtime.js"

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The standard input of the process ends when `inputEnds` does. */
const run = (args: ReadonlyArray<string>, env: Record<string, string>, inputEnds = Effect.void) =>
  Effect.promise(async (): Promise<Ended> => {
    const child = await spawnFixture("promiseForgotten.mts", { args, env, stdio: ["pipe", "pipe", "pipe"] })
    void Effect.runPromise(inputEnds).then(() => child.stdin?.end())
    let [stdout, stderr] = ["", ""]
    child.stdout?.on("data", (chunk) => stdout += chunk)
    child.stderr?.on("data", (chunk) => stderr += chunk)
    if (args[0] === "unread") child.stderr?.destroy()
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })))
  })

const cloud = (ending: string, breakIt: (server: FaultServer) => void = () => {}, inputEnds = Effect.void) =>
  Effect.gen(function*() {
    const server = yield* make()
    breakIt(server)
    const ended = yield* run([ending], { AGB_API_KEY: apiKey, AGB_ENDPOINT: server.endpoint }, inputEnds)
    const { created, deleted, live } = server.ledger
    assert.notInclude(ended.stderr, apiKey)
    return { ...ended, created, deleted, live }
  })

const deleting = (id = "") =>
  `effect-agb: deleting sessions that the program has left, since its AGB was not disposed: ${id}\n`

const left = (id = "") =>
  "effect-agb: sessions are left until their idle timeout, since the process ended before its AGB was disposed: " +
  `${id}\n`

describe.concurrent("a process that does not dispose its AGB", () => {
  it.scopedLive("deletes its session when it has nothing more to do, and says so once", () =>
    Effect.gen(function*() {
      for (const ending of ["return", "again"]) {
        const { code, created, live, stderr } = yield* cloud(ending)
        assert.deepStrictEqual({ code, live, stderr }, { code: 0, live: 0, stderr: deleting(created[0]) })
      }
    }))

  it.scopedLive("deletes it though nobody reads what it says", () =>
    Effect.gen(function*() {
      const { code, created, live } = yield* cloud("unread")
      assert.deepStrictEqual([code, created.length, live], [0, 1, 0])
    }))

  it.scopedLive("deletes the sessions of its pool", () =>
    Effect.gen(function*() {
      const { code, created, live, stderr } = yield* cloud("pool")
      assert.deepStrictEqual([code, created.length, live, stderr], [0, 1, 0, ""])
    }))

  it.scopedLive("looks for the session of an aborted create, and has nothing to say", () =>
    Effect.gen(function*() {
      const gate = yield* makeGate
      const { code, created, live, stderr } = yield* cloud(
        "abort",
        ({ faults }) => {
          faults.next("createSession", gate.fault("after", () => cut))
          faults.always("listSession", (nth) => nth < 4 ? unavailable("before") : undefined)
        },
        Effect.tap(gate.reached, () => Effect.forkDaemon(Effect.delay(gate.open, "300 millis")))
      )
      assert.deepStrictEqual([code, created.length, live, stderr], [0, 1, 0, ""])
    }))

  it.scopedLive("gives up when the delete budget is spent, and reports the session once", () =>
    Effect.gen(function*() {
      const { code, created, stderr, stdout } = yield* cloud(
        "impatient",
        ({ faults }) => faults.always("releaseSessionAsync", silent("before"))
      )
      assert.strictEqual(code, 0)
      assert.strictEqual(stderr, deleting(created[0]))
      assert.include(stdout, created[0] ?? "no session")
      assert.strictEqual(stdout.split("A session could not be deleted").length - 1, 1, stdout)
    }))

  it.scopedLive("names the session when it is ended by process.exit or an uncaught exception", () =>
    Effect.gen(function*() {
      const exited = yield* cloud("exit")
      assert.deepStrictEqual([exited.code, exited.live, exited.stderr], [3, 1, left(exited.created[0])])
      const thrown = yield* cloud("throw")
      assert.deepStrictEqual([thrown.code, thrown.live], [1, 1])
      assert.include(thrown.stderr, "nobody catches this")
      assert.include(thrown.stderr, left(thrown.created[0]))
    }))

  it.scopedLive("says so of a create that process.exit cuts off", () =>
    Effect.gen(function*() {
      const gate = yield* makeGate
      const { code, stderr } = yield* cloud(
        "cutOff",
        ({ faults }) => faults.always("createSession", gate.fault("before")),
        gate.reached
      )
      yield* gate.open
      assert.deepStrictEqual([code, stderr], [3, left("1 whose create is not answered yet")])
    }))

  it.scopedLive("on the local runtime says so too, but not of sessions that end with it", () =>
    Effect.gen(function*() {
      const { code, stderr } = yield* run(["return", best.level], {})
      assert.strictEqual(code, 0)
      assert.match(stderr, /^effect-agb: deleting sessions that the program has left.*: s-[0-9a-f]+\n$/)
      assert.deepStrictEqual(yield* run(["exit", best.level], {}), { code: 3, stdout: "ready\n", stderr: "" })
    }))
})

describe("a process that disposes its AGB", () => {
  it.scopedLive("has nothing to say", () =>
    Effect.gen(function*() {
      const { code, live, stderr } = yield* cloud("dispose")
      assert.deepStrictEqual([code, live, stderr], [0, 0, ""])
    }))
})
