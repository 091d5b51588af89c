/** Whole processes that end in every way a process can be asked to end: their sessions are deleted, the code is right. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { testProgram } from "../../../../scripts/testProgram.mjs"
import { apiKey } from "../support/fakeAgb.js"
import { delay, unavailable } from "../support/faults.js"
import { type FaultServer, make } from "../support/faultServer.js"

const program = await testProgram(fileURLToPath(new URL("../support/mainProgram.mts", import.meta.url)))
const root = fileURLToPath(new URL("../../../..", import.meta.url))

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
}

const start = (server: FaultServer, args: ReadonlyArray<string>, under: ReadonlyArray<string> = []) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const [command = "", ...rest] = [...under, process.execPath, program, ...args]
      return spawn(command, rest, {
        cwd: root,
        env: { PATH: process.env.PATH, AGB_API_KEY: apiKey, AGB_ENDPOINT: server.endpoint, AGB_TIMEOUT_MS: "5000" },
        stdio: ["pipe", "pipe", "pipe"]
      })
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const watch = (child: ChildProcess, onOutput: (output: string) => void): Effect.Effect<Ended> =>
  Effect.async((resume) => {
    let output = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        output += chunk.toString("utf8")
        onOutput(output)
      })
    }
    child.once("close", (code, signal) => resume(Effect.succeed({ code, signal, output })))
    // One that prints errors about printing errors would never end.
    const patience = setTimeout(() => child.kill("SIGKILL"), 300_000)
    child.once("exit", () => clearTimeout(patience))
  })

/**
 * Runs a process until it ends. Each signal is sent when the one before has been heeded, since the system makes one of
 * two that wait: the first when the program is ready, the second when it deletes, the third when it has said so.
 */
const run = (
  ending: string,
  signals: ReadonlyArray<NodeJS.Signals> = [],
  deletion?: Parameters<FaultServer["faults"]["always"]>[1]
) =>
  Effect.gen(function*() {
    const server = yield* make()
    if (deletion !== undefined) server.faults.always("releaseSessionAsync", deletion)
    const child = yield* start(server, [ending])
    let output = ""
    const heeded = [
      () => output.includes("ready"),
      () => server.ledger.count("releaseSessionAsync") > 0,
      () => output.includes("still deleting")
    ]
    const send = (signal: NodeJS.Signals, nth: number) =>
      Effect.sleep("10 millis").pipe(
        Effect.repeat({ until: () => heeded[nth]?.() ?? false }),
        Effect.zipRight(Effect.sync(() => child.kill(signal)))
      )
    yield* Effect.forkScoped(Effect.forEach(signals, send))
    const ended = yield* watch(child, (all) => {
      output = all
    })
    return { ...ended, created: server.ledger.created.length, live: server.ledger.live }
  }).pipe(Effect.scoped)

type Result = Effect.Effect.Success<ReturnType<typeof run>>

const expect = (title: string, result: Effect.Effect<Result>, code: number, live = 0, output = "") =>
  it.live(title, () =>
    Effect.map(result, (ended) => {
      assert.deepStrictEqual(
        { code: ended.code, signal: ended.signal, created: ended.created, live: ended.live },
        { code, signal: null, created: 3, live },
        ended.output
      )
      assert.include(ended.output, output)
      assert.notInclude(ended.output, apiKey)
    }))

describe.concurrent("a process", () => {
  expect("that succeeds exits with 0", run("succeed"), 0)
  expect("that fails exits with 1 and says why", run("fail"), 1, 0, "refused to work")
  expect("with an uncaught exception exits with 1", run("throw"), 1, 0, "nobody catches this")
  expect("with an uncaught exception that has no text exits with 1", run("throwTextless"), 1, 0, "Uncaught: ")
  expect("with an unhandled rejection exits with 1", run("reject"), 1, 0, "nobody awaits this")
  expect("ended by SIGINT exits with 130", run("wait", ["SIGINT"]), 130)
  expect("ended by SIGTERM exits with 143", run("wait", ["SIGTERM"]), 143)
  expect("ended by SIGHUP exits with 129", run("wait", ["SIGHUP"]), 129)
  expect(
    "told twice goes on deleting and says so",
    run("wait", ["SIGINT", "SIGINT"], delay(400)),
    130,
    0,
    "still deleting"
  )
  expect("keeps its code when another signal follows", run("wait", ["SIGTERM", "SIGHUP"], delay(400)), 143)
  expect("told three times ends at once", run("wait", ["SIGINT", "SIGINT", "SIGINT"], delay(20_000)), 130, 3)
  expect(
    "whose deletions fail for a while deletes all the same",
    run("wait", ["SIGINT"], (nth) => nth < 5 ? unavailable("after") : undefined),
    130
  )
})

/** Runs a process whose streams lose their readers once it is ready; only then does it what `ending` says. */
const runUnread = (
  ending: string,
  streams: ReadonlyArray<"stdout" | "stderr">,
  signals: ReadonlyArray<NodeJS.Signals> = []
) =>
  Effect.gen(function*() {
    const server = yield* make()
    if (signals.length > 1) server.faults.always("releaseSessionAsync", delay(400))
    const child = yield* start(server, [ending, "then"])
    const isReady = yield* Deferred.make<void>()
    const ended = yield* Effect.forkScoped(watch(child, (output) => {
      if (output.includes("ready")) Deferred.unsafeDone(isReady, Effect.void)
    }))
    yield* Deferred.await(isReady)
    for (const stream of streams) child[stream]?.destroy()
    child.stdin?.end()
    const isHeeded = () => server.ledger.count("releaseSessionAsync") > 0 || child.exitCode !== null
    yield* Effect.forEach(signals, (signal) =>
      Effect.sync(() => child.kill(signal)).pipe(
        Effect.zipRight(Effect.repeat(Effect.sleep("10 millis"), { until: isHeeded }))
      ))
    return { ...yield* Fiber.join(ended), created: server.ledger.created.length, live: server.ledger.live }
  }).pipe(Effect.scoped)

describe.concurrent("a process whose output nobody reads any more", () => {
  const both = ["stdout", "stderr"] as const
  expect("exits with 1 after an uncaught exception", runUnread("throw", both), 1)
  expect("exits with 1 after an unhandled rejection", runUnread("reject", ["stderr"]), 1)
  expect("exits with 1 after a failure", runUnread("fail", both), 1)
  expect("exits with 0 after success, though it complained", runUnread("complain", ["stderr"]), 0)
  expect("exits with 129 after several hangups", runUnread("wait", both, ["SIGHUP", "SIGHUP", "SIGHUP", "SIGHUP"]), 129)
  expect("exits with 130 when it is told twice", runUnread("wait", both, ["SIGINT", "SIGINT"]), 130)
  expect("is interrupted when it writes, and exits with 0", runUnread("print", ["stdout"]), 0)
  expect("is interrupted when it logs, and exits with 0", runUnread("log", both), 0)
})

/** The program's output, as the terminal shows it; the terminal is closed when the program is ready. */
const runInTerminal = (ending: string) =>
  Effect.gen(function*() {
    const server = yield* make()
    const terminal = fileURLToPath(new URL("../support/processes/closedTerminal.py", import.meta.url))
    const child = yield* start(server, [ending], ["/usr/bin/python3", terminal])
    const ended = yield* watch(child, () => {})
    return { ...ended, created: server.ledger.created.length, live: server.ledger.live }
  }).pipe(Effect.scoped)

describe.skipIf(!existsSync("/usr/bin/python3")).concurrent("a process whose terminal is closed", () => {
  expect("exits with 129", runInTerminal("wait"), 129)
  expect("exits with 129, whatever it throws meanwhile", runInTerminal("throwWhenHungUp"), 129)
})
