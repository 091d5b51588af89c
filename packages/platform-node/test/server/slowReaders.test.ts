/** Readers of streamed runs that stop reading: they hold up their own run, and nobody and nothing else. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Stream } from "effect"
import { vi } from "vitest"
import { nodeOnly } from "../../src/internal/sandbox/confine/interpreters.js"
import { make } from "../../src/internal/sandbox/sandbox.js"
import { best, languagesOf, serverLayer } from "../support/runtime.js"
import { type FrameData, isLast, postJson, start, talkTo, toolAnswer, wire, type WireSession } from "../support/wire.js"

// Sandboxes start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const mebibyte = 2 ** 20

/** Readers are not cut here, and what waits for them in the server itself is little. */
const patient = { server: { heartbeat: "10 minutes", stall: "10 minutes", unsentBytes: 65_536 } } as const

const session = Effect.flatMap(wire, ({ createSession }) => createSession)

const python = (code: string, timeoutS = 600) => ({ language: "python", timeoutS, code })

const hasPython = (await languagesOf(best)).includes("python")

it.skipIf(hasPython)("not run here: floods in Python, which is not installed", () => {})

/** More than the sockets of both ends hold, in numbered lines; `done` says how far it has come. */
const lines = 32 * 1024
const flood = "import os\nwith open(os.environ['TMPDIR'] + '/done', 'w') as done:\n" +
  `  for n in range(${lines}):\n    _ = os.write(1, b'%07d' % n + b'x' * 1016 + b'\\n')\n` +
  "    _ = os.pwrite(done.fileno(), b'%7d' % n, 0)"

const javascriptFlood = "const fs = require('node:fs'); const done = fs.openSync(process.env.TMPDIR + '/done', 'w')\n" +
  `for (let n = 0; n < ${lines}; n++) {\n  fs.writeSync(1, String(n).padStart(7, '0') + 'x'.repeat(1016) + '\\n')\n` +
  "  fs.writeSync(done, String(n).padStart(7), 0)\n}"

const text = (events: ReadonlyArray<FrameData>) =>
  events.filter(({ eventType }) => eventType === "stdout").map(({ chunk }) => chunk).join("")

/** In time, or it is held up. */
const soon = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.map(Effect.timeoutOption(effect, "30 seconds"), (made) => {
    assert.isTrue(Option.isSome(made), `${what} was held up`)
    return Option.getOrThrow(made)
  })

const tool = (current: WireSession, name: string, args: object) =>
  Effect.flatMap(wire, ({ callTool }) => Effect.map(soon(name, callTool(current, name, args)), toolAnswer))

/** Its flood has come to a stop before its end. */
const isHeldBack = (current: WireSession) => {
  const written = Effect.map(tool(current, "read_file", { path: "/tmp/done" }), ({ text }) => Number(text))
  const stops = Effect.gen(function*() {
    const before = yield* written
    yield* Effect.sleep("700 millis")
    return before > 0 && before === (yield* written)
  })
  return Effect.map(
    Effect.zipRight(Effect.repeat(stops, { until: (stopped) => stopped }), written),
    (last) => assert.isBelow(last, lines - 1)
  )
}

/** A run whose reader has stopped reading. */
const stopped = (current: WireSession, params: object) =>
  Effect.gen(function*() {
    const talk = yield* talkTo(current)
    talk.send(start("flood", params))
    yield* talk.until((frames) => frames.length > 0)
    talk.socket.pause()
    return talk
  })

const answersOnEveryRoute = (current: WireSession) =>
  Effect.gen(function*() {
    assert.include((yield* tool(current, "shell", { command: "echo api" })).text, "api")
    const { linkUrl, token } = current
    const call = { tool: "shell", args: { command: "echo link" }, requestId: "link-1" }
    const reply = yield* soon("the link", postJson(`${linkUrl}/callTool`, call, { "X-Access-Token": token }))
    assert.include(toolAnswer(reply).text, "link")
    const content = "z".repeat(mebibyte)
    yield* tool(current, "write_file", { path: "/tmp/file", content })
    assert.strictEqual((yield* tool(current, "read_file", { path: "/tmp/file" })).text, content)
  })

layer(serverLayer(patient), { excludeTestServices: true })("a reader that stops", (it) => {
  it.scoped.skipIf(!hasPython)(
    "holds up its own run alone, and gets it whole when it reads on",
    () =>
      Effect.gen(function*() {
        const current = yield* session
        const { socket, until } = yield* stopped(current, python(flood))
        yield* isHeldBack(current)
        const other = yield* talkTo(current)
        const code = "for (let n = 0; n < 2000; n++) console.log('y'.repeat(999)); 6 * 7"
        const told = yield* soon("another socket", other.call("a", { language: "javascript", timeoutS: 30, code }))
        assert.strictEqual(text(told).length, 2_000_000)
        assert.strictEqual(told.at(-1)?.status, "finished")
        yield* answersOnEveryRoute(current)
        yield* isHeldBack(current)
        socket.resume()
        const frames = yield* until((frames) => frames.some(({ data }) => isLast(data)))
        const events = frames.map(({ data }) => data)
        assert.deepStrictEqual(events.map(({ seq }) => seq), events.map((_, index) => index + 1))
        assert.strictEqual(events.filter(isLast).length, 1)
        assert.strictEqual(events.at(-1)?.status, "finished")
        const numbers = text(events).trimEnd().split("\n").map((line) => Number(line.slice(0, 7)))
        assert.deepStrictEqual(numbers, Array.from({ length: lines }, (_, index) => index))
      })
  )

  it.scoped.skipIf(!hasPython)(
    "does not keep its run from ending in time, nor the next from its turn",
    () =>
      Effect.gen(function*() {
        const current = yield* session
        const { socket, until } = yield* stopped(current, python(flood, 5))
        const next = yield* tool(current, "run_code", { code: "'next'", language: "python", timeout_s: 30 })
        assert.strictEqual(next.value.executionError, null)
        socket.resume()
        const events = (yield* until((frames) => frames.some(({ data }) => isLast(data)))).map(({ data }) => data)
        assert.strictEqual(events.at(-1)?.status, "failed")
        assert.match(String(events.at(-1)?.executionError), /timeout/)
        assert.deepStrictEqual(events.filter(isLast).length, 1)
      })
  )

  it.scoped("costs the server little, a hundred of them", () =>
    Effect.gen(function*() {
      const sessions = yield* Effect.replicateEffect(session, 25)
      const before = process.memoryUsage().rss
      const floods = [{ language: "javascript", timeoutS: 600, code: javascriptFlood }]
      for (const params of hasPython ? [python(flood), ...floods] : floods) {
        yield* Effect.forEach(sessions, (current) =>
          Effect.gen(function*() {
            yield* stopped(current, params)
            const waiting = yield* talkTo(current)
            waiting.send(start("flood", params))
            waiting.socket.pause()
          }), { concurrency: "unbounded" })
        yield* Effect.forEach(sessions, isHeldBack, { concurrency: "unbounded" })
      }
      assert.isBelow(process.memoryUsage().rss - before, 512 * mebibyte)
      for (const current of sessions) {
        assert.include((yield* tool(current, "shell", { command: "echo api" })).text, "api")
      }
    }))
})

layer(serverLayer(), { excludeTestServices: true })("a streamed run", (it) => {
  it.scoped.skipIf(!hasPython)(
    "may print 64 MiB per stream, and says when that was not all",
    () =>
      Effect.gen(function*() {
        const { call } = yield* Effect.flatMap(session, talkTo)
        const print = (bytes: number) => python(`import sys\n_ = sys.stdout.write('x' * ${bytes})`)
        const whole = yield* call("a", print(64 * mebibyte))
        assert.strictEqual(text(whole).length, 64 * mebibyte)
        const cut = text(yield* call("b", print(64 * mebibyte + 1)))
        assert.strictEqual(cut.slice(64 * mebibyte), `\n[output truncated after ${64 * mebibyte} bytes]\n`)
      })
  )
})

describe("Sandbox.stream", () => {
  it.live("of a hundred readers who stop costs little and holds up no other call", () =>
    Effect.gen(function*() {
      const sandbox = yield* make({ isolation: best, interpreters: nodeOnly })
      const stop = yield* Deferred.make<void>()
      const flood = {
        op: "shell",
        command: "head -c 8388608 /dev/zero",
        timeoutMs: 300_000,
        maxOutputBytes: 2 ** 26
      } as const
      const reading = yield* Effect.fork(Effect.all(
        Array.from({ length: 100 }, () =>
          sandbox.stream(flood).pipe(
            Stream.tap(() => Deferred.await(stop)),
            Stream.runFold(0, (bytes, event) => bytes + (event._tag === "Output" ? event.output.body.length : 0))
          )),
        { concurrency: "unbounded" }
      ))
      const before = process.memoryUsage().arrayBuffers
      for (let round = 0; round < 20; round++) {
        const { body } = yield* soon("a command", sandbox.call({ op: "shell", command: "echo on", timeoutMs: 10_000 }))
        assert.strictEqual(Buffer.from(body).toString(), "on\n")
        yield* Effect.sleep("50 millis")
      }
      assert.isBelow(process.memoryUsage().arrayBuffers - before, 100 * mebibyte)
      yield* Deferred.succeed(stop, undefined)
      assert.deepStrictEqual(yield* Fiber.join(reading), Array.from({ length: 100 }, () => 8 * mebibyte))
    }).pipe(Effect.scoped))
})
