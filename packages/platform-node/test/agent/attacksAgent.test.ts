/** What user code could write in the name of the agent, whose rights it shares: each ends the sandbox, and nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { afterAll } from "vitest"
import type { SandboxCall } from "../../src/internal/sandbox/channel/protocol.js"
import { nodeOnly } from "../../src/internal/sandbox/confine/interpreters.js"
import { make, type Sandbox } from "../../src/internal/sandbox/sandbox.js"
import * as Agent from "../support/agent/agentProcess.js"
import { standIn } from "../support/agent/standIn.js"
import { killThoseWith, processesWith, until } from "../support/processes/processes.js"
import { best } from "../support/runtime.js"

const { agent, remove } = standIn()
afterAll(remove)

/** The stand-in understands more than a real agent. */
const odd = (op: string) => ({ op }) as unknown as SandboxCall

const start = make({ isolation: best, interpreters: nodeOnly, agent })

const forgeries: Readonly<Record<string, string>> = {
  "bytes that are no frame": "garbage",
  "a frame without end": "huge",
  "an answer of another shape": "nonsense",
  "an answer of a million objects": "heavy",
  "an answer without bottom": "deep",
  "an answer to a call that nobody made": "stranger"
}

describe.skipIf(process.platform !== "linux")("an agent that sends", () => {
  it.live.each(Object.entries(forgeries))(
    "%s loses its sandbox, and no other does",
    ([, op]) =>
      Effect.gen(function*() {
        const [hostile, neighbour] = yield* Effect.all([start, start])
        yield* Effect.fork(hostile.call(odd(op)))
        const lost = yield* Effect.timeoutOption(hostile.lost, "2 seconds")
        assert.isTrue(Option.isSome(lost), "the sandbox is still there")
        assert.isNull((yield* neighbour.call({ op: "ping" })).value)
      }).pipe(Effect.scoped)
  )
})

describe.skipIf(process.platform !== "linux")("an agent that answers a run with", () => {
  it.live.each(["60 MiB", "values", "the beginning of 60 MiB"])(
    "%s, more than it may, loses its sandbox",
    (code) =>
      Effect.gen(function*() {
        const hostile = yield* start
        yield* Effect.fork(hostile.call({ op: "runCode", language: "javascript", code, timeoutMs: 60_000 }))
        const lost = yield* Effect.timeoutOption(hostile.lost, "10 seconds")
        assert.include(Option.match(lost, { onNone: () => "still there", onSome: ({ reason }) => reason }), "no frame")
      }).pipe(Effect.scoped)
  )
})

const readFile = (path: string): SandboxCall => ({ op: "readFile", path, offset: 0, length: 1000 })

describe.skipIf(process.platform !== "linux")("an agent that answers about files with", () => {
  it.live.each([
    ["more than was asked for", readFile("/more")] as const,
    ["a text that nobody asked for", readFile("/text")] as const,
    ["more entries than a directory may have", { op: "listDirectory", path: "/" }] as const
  ])("%s loses its sandbox", ([, call]) =>
    Effect.gen(function*() {
      const hostile = yield* start
      yield* Effect.fork(hostile.call(call))
      const lost = yield* Effect.timeoutOption(hostile.lost, "10 seconds")
      assert.include(Option.match(lost, { onNone: () => "still there", onSome: ({ reason }) => reason }), "no frame")
    }).pipe(Effect.scoped))
})

const reader = { onHead: () => {}, onData: () => {}, onEnd: () => {} }

describe.skipIf(process.platform !== "linux")("an agent that streams a file with", () => {
  const reading = (path: string) => (sandbox: Sandbox) => sandbox.readFile({ path, offset: 0, length: null }, reader)
  const writing = (sandbox: Sandbox) =>
    sandbox.writeFile({ path: "/a", mode: "overwrite" }, { onRoom: () => {}, onEnd: () => {} })

  const handing = (sandbox: Sandbox) =>
    sandbox.handWrite({ path: "/a", mode: "overwrite" }, { onOffer: () => {}, onEnd: () => {} })

  it.live.each([
    ["more than was acknowledged", reading("/ahead"), "sent more of a file than it was asked for"] as const,
    ["more than it announced", reading("/more"), "sent more of a file than it was asked for"] as const,
    ["less than it announced", reading("/less"), "sent less of a file than it announced"] as const,
    ["receipts for what it was not given", writing, "has written more of a file than it was given"] as const,
    [
      "a descriptor where none was asked for",
      reading("/offered"),
      "sent more of a file than it was asked for"
    ] as const,
    ["two descriptors", handing, "offered a file that nobody asked for"] as const
  ])("%s loses its sandbox", ([, run, expected]) =>
    Effect.gen(function*() {
      const hostile = yield* start
      run(hostile)
      const lost = yield* Effect.timeoutOption(hostile.lost, "10 seconds")
      assert.include(Option.match(lost, { onNone: () => "still there", onSome: ({ reason }) => reason }), expected)
    }).pipe(Effect.scoped))
})

describe.skipIf(process.platform !== "linux")("an agent that", () => {
  it.live.each([
    ["takes more from a tunnel than it was sent", 1, "consumed more than it was given"] as const,
    ["sends more through a tunnel than it may", 2, "sent more than it was asked for"] as const
  ])("%s loses the tunnel", ([, port, reason]) =>
    Effect.gen(function*() {
      const sandbox = yield* start
      const tunnel = sandbox.tunnel(port)
      let failure = ""
      tunnel.on("error", ({ message }) => failure = message)
      assert.isTrue(yield* until(() => tunnel.destroyed), "the tunnel is still there")
      assert.include(failure, reason)
      assert.isNull((yield* sandbox.call({ op: "ping" })).value)
    }).pipe(Effect.scoped))
})

describe.skipIf(process.platform !== "linux")("an agent", () => {
  it.live("whose input ends leaves nothing", () =>
    Effect.gen(function*() {
      const { call, close } = yield* Agent.make()
      const seconds = `6${process.pid}.${Math.floor(Math.random() * 1e9)}`
      yield* Effect.addFinalizer(() => Effect.sync(() => killThoseWith(seconds)))
      const command = `sleep ${seconds} & setsid sleep ${seconds} & (trap '' TERM HUP; sleep ${seconds}) &`
      yield* call("shell", { command, timeoutMs: 5000 })
      assert.isTrue(yield* until(() => processesWith(`sleep\0${seconds}`).length >= 3))
      yield* Effect.fork(close)
      assert.isTrue(yield* until(() => processesWith(seconds).length === 0))
    }).pipe(Effect.scoped))
})
