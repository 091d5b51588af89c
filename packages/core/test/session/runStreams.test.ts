/** Streamed runs over a WebSocket whose frames, losses and silences are those of the test. */
import { type Code, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, FastCheck, Fiber, Stream, TestClock } from "effect"
import { parse } from "../../src/internal/wire/runFrames.js"
import { character } from "../support/characters.js"
import {
  cancelling,
  end,
  envelope,
  type FakeOptions,
  FakeServer,
  output,
  result,
  wsUrl
} from "../support/fakeSockets.js"
import { collected, errorOf, on, settle, started, texts } from "../support/streamedRuns.js"

const frames = [output("a"), output("b", "stderr"), result("42"), output("c")]

describe("the events of a run", () => {
  it.effect("arrive in order and end with one result", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const run = yield* started(collected(code.runCodeStream("6 * 7", "py", { timeout: "1500 millis" })))
        const { socket } = server
        assert.deepStrictEqual(socket.calls.map(({ data, target }) => ({ data, target })), [{
          target: "codespace",
          data: { method: "run_code", mode: "stream", params: { language: "python", timeoutS: 2, code: "6 * 7" } }
        }])
        assert.match(socket.calls[0]?.invocationId ?? "", /^[0-9a-f]{32}$/)
        assert.deepStrictEqual(socket.request, { url: wsUrl, token: "t-1", maxBytes: 64 * 2 ** 20 })
        for (const text of ["no JSON", "7", "{}", "{\"invocationId\":\"other\",\"data\":{}}"]) socket.say(text)
        for (const frame of frames) socket.emit(frame)
        socket.emit({ ...output("x"), eventType: "progress" })
        socket.emit(JSON.stringify(end()))
        socket.emit(output("late"))
        const { ended, events } = yield* Fiber.join(run)
        assert.strictEqual(ended._tag, "Right")
        assert.deepStrictEqual(texts(events), ["a", "b", "Result", "c", "Completed"])
        const last = events.at(-1)
        if (last?._tag !== "Completed") return assert.fail("not completed")
        assert.isTrue(last.isWhole)
        assert.deepInclude(last.result, { text: "42", stdout: "ac", stderr: "b", executionCount: 3 })
      })
    ))

  it.effect("end with the error that the code raised, and its traceback", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const run = yield* started(collected(code.runCodeStream("1 / 0", "python")))
        for (const frame of frames) server.socket.emit(frame)
        server.socket.emit(end({ status: "failed", executionError: "ZeroDivisionError: by zero", traceback: "line 1" }))
        const { ended, events } = yield* Fiber.join(run)
        assert.strictEqual(events.length, 4)
        const { name, results, stderr, stdout, traceback, value } = errorOf(ended, "CodeExecutionError")
        assert.deepStrictEqual([name, value, traceback, stdout, stderr], [
          "ZeroDivisionError",
          "by zero",
          "line 1",
          "ac",
          "b"
        ])
        assert.deepStrictEqual(results, [{ data: { "text/plain": "42" }, isMainResult: true }])
      })
    ))
})

describe("a run that is cut", () => {
  for (const cutAfter of [0, 1, 2, 3, 4]) {
    it.effect(`after ${cutAfter} frames has an unknown outcome and keeps what was received`, () =>
      on((server, { code }) =>
        Effect.gen(function*() {
          const run = yield* started(collected(code.runCodeStream("1", "python")))
          for (const frame of frames.slice(0, cutAfter)) server.socket.emit(frame)
          server.socket.cut()
          const { ended, events } = yield* Fiber.join(run)
          assert.deepStrictEqual(texts(events), ["a", "b", "Result", "c"].slice(0, cutAfter))
          const { requestId, stderr, stdout } = errorOf(ended, "ExecutionUnknownError")
          assert.deepStrictEqual([stdout, stderr], [
            cutAfter > 3 ? "ac" : cutAfter > 0 ? "a" : "",
            cutAfter > 1 ? "b" : ""
          ])
          assert.strictEqual(requestId, server.socket.calls[0]?.invocationId)
        })
      ))
  }

  const unreadable: ReadonlyArray<readonly [string, unknown]> = [
    ["data that is no object", 7],
    ["text that is no JSON", "nonsense"],
    ["another phase", { phase: "middle" }],
    ["no phase", {}],
    ["output that is no text", { ...output(""), chunk: 7 }],
    ["an end without a status", { phase: "end" }],
    ["an end with an error that is no text", { phase: "end", status: "finished", executionError: {} }]
  ]
  for (const [title, data] of unreadable) {
    it.effect(`by ${title} has an unknown outcome`, () =>
      on((server, { code }) =>
        Effect.gen(function*() {
          const run = yield* started(collected(code.runCodeStream("1", "python")))
          server.socket.emit(output("a"))
          server.socket.emit(data)
          const { ended } = yield* Fiber.join(run)
          assert.strictEqual(errorOf(ended, "ExecutionUnknownError").stdout, "a")
        })
      ))
  }

  it.effect("by its deadline has an unknown outcome, and is ended", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const run = yield* started(collected(code.runCodeStream("1", "python", { timeout: "5 seconds" })))
        server.socket.emit(output("a"))
        yield* TestClock.adjust("14 seconds")
        assert.isNull(yield* Fiber.poll(run).pipe(Effect.map((exit) => exit._tag === "Some" ? exit : null)))
        yield* TestClock.adjust("1 seconds")
        assert.strictEqual(errorOf((yield* Fiber.join(run)).ended, "ExecutionUnknownError").stdout, "a")
        assert.isTrue(server.socket.isClosed)
      })
    ))

  it.effect("by a session that is deleted is lost, and so is the socket", () =>
    Effect.suspend(() => {
      const server = new FakeServer({ handles: { toolList: cancelling } })
      return Effect.gen(function*() {
        const used = yield* Effect.fork(Session.use({ imageId: "image" }, ({ code }) =>
          Effect.zipLeft(Effect.forkDaemon(collected(code.runCodeStream("1", "python"))), settle)))
        const run = yield* Fiber.join(used)
        assert.strictEqual(errorOf((yield* Fiber.join(run)).ended, "SessionLostError").reason, "Released")
        assert.isTrue(server.socket.isClosed)
      }).pipe(Effect.provide(server.layer))
    }))

  it.effect("by a server that does not find the session any more loses the session", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const run = yield* started(collected(code.runCodeStream("1", "python")))
        server.socket.emit({ phase: "error", code: "InvalidMcpSession.NotFound", error: "no such session" })
        assert.strictEqual(errorOf((yield* Fiber.join(run)).ended, "SessionLostError").reason, "NotFound")
        const next = yield* collected(code.runCodeStream("1", "python"))
        errorOf(next.ended, "SessionLostError")
        assert.strictEqual(server.opened, 1)
      })
    ))

  it.effect("by the server says why; one that was throttled before it began may be repeated", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const throttled = yield* started(collected(code.runCodeStream("1", "python")))
        server.socket.emit({ phase: "error", code: "Throttling.Calls", error: "too many" }, 0)
        assert.isTrue(errorOf((yield* Fiber.join(throttled)).ended, "RateLimitedError").retryable)
        const run = yield* started(collected(code.runCodeStream("1", "python")))
        server.socket.emit(output("a"), 1)
        server.socket.emit({ error: "the gateway\u001b[2J is tired" }, 1)
        const { message, stdout } = errorOf((yield* Fiber.join(run)).ended, "ExecutionUnknownError")
        assert.strictEqual(stdout, "a")
        assert.include(message, "the gateway\\u001b[2J is tired")
      })
    ))
})

describe("a reader that is behind", () => {
  const chunk = "x".repeat(64 * 1024)

  it.effect("pauses the socket and the deadline, and loses nothing", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const gate = yield* Effect.makeSemaphore(0)
        let read = 0
        const slow = code.runCodeStream("1", "python", { timeout: "5 seconds" }).pipe(
          Stream.tap(() => gate.take(1)),
          Stream.runForEach((event) => Effect.sync(() => read += event._tag === "Stdout" ? event.text.length : 0))
        )
        const run = yield* started(slow)
        const { socket } = server
        let sent = 0
        while (sent < 60 && !socket.isPaused) {
          socket.emit(output(chunk))
          sent += 1
          yield* settle
        }
        assert.isBelow(sent, 40)
        yield* TestClock.adjust("1 hour")
        for (let n = 0; n < 200 && sent < 60; n++) {
          yield* gate.release(1)
          yield* settle
          if (socket.isPaused) continue
          socket.emit(output(chunk))
          sent += 1
        }
        assert.strictEqual(sent, 60)
        socket.emit(end())
        yield* gate.release(60)
        yield* Fiber.join(run)
        assert.strictEqual(read, 60 * chunk.length)
        assert.isFalse(socket.isPaused)
      })
    ))

  it.effect("does not hold up runs that start later", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const run = yield* started(Stream.runForEach(code.runCodeStream("1", "python"), () => Effect.never))
        const [first] = server.sockets
        for (let n = 0; n < 40; n++) first?.emit(output(chunk))
        yield* settle
        for (let n = 0; n < 40; n++) first?.emit(output(chunk))
        assert.isTrue(first?.isPaused)
        const other = yield* started(collected(code.runCodeStream("2", "python")))
        assert.strictEqual(server.sockets.length, 2)
        server.socket.emit(end())
        assert.deepStrictEqual(texts((yield* Fiber.join(other)).events), ["Completed"])
        yield* Fiber.interrupt(run)
        assert.isTrue(first?.isClosed)
      })
    ))

  it.effect("fails where the runtime cannot pause a socket, instead of filling the memory", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        const run = yield* started(
          collected(Stream.tap(code.runCodeStream("1", "python"), () => Deferred.await(gate)))
        )
        let sent = 0
        while (!server.socket.isClosed) {
          server.socket.emit(output(chunk))
          sent += 1
        }
        assert.isBelow(sent, 600)
        yield* Deferred.succeed(gate, undefined)
        const { ended, events } = yield* Fiber.join(run)
        assert.strictEqual(events.length, sent)
        assert.include(errorOf(ended, "ExecutionUnknownError").message, "cannot pause")
      }), { canPause: false }))

  it.effect("gets all events, and a result with the end of long output", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const run = yield* started(
          Stream.runFold(
            code.runCodeStream("1", "python"),
            { read: 0, last: undefined as Code.CodeEvent | undefined },
            (
              { read },
              event
            ) => ({ read: read + (event._tag === "Stdout" ? event.text.length : 0), last: event })
          )
        )
        for (let n = 0; n < 200; n++) {
          server.socket.emit(output(`${n % 10}`.repeat(65_536)))
          yield* settle
        }
        server.socket.emit(output("the end"))
        server.socket.emit(end())
        const { last, read } = yield* Fiber.join(run)
        assert.strictEqual(read, 200 * 65_536 + 7)
        if (last?._tag !== "Completed") return assert.fail("not completed")
        assert.isFalse(last.isWhole)
        const [notice = "", kept = ""] = last.result.stdout.split("\n")
        assert.strictEqual(notice, "[output truncated before its last 8388608 characters]")
        assert.strictEqual(kept.length, 8 * 2 ** 20)
        assert.isTrue(last.result.stdout.endsWith("9the end"))
      })
    ))
})

describe("a run that nobody reads any more", () => {
  const take = (code: Code.Code, source: string) =>
    started(Stream.runCollect(Stream.take(code.runCodeStream(source, "python"), 2)))

  it.effect("is cancelled where the server announces how, and the socket stays", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const other = yield* started(collected(code.runCodeStream("0", "python")))
        const run = yield* take(code, "1")
        const { socket } = server
        for (const text of ["a", "b", "c"]) socket.emit(output(text), 1)
        yield* Fiber.join(run)
        const { invocationId = "", target = "" } = socket.calls[1] ?? {}
        assert.deepStrictEqual(socket.frames.at(-1), { invocationId, source: "SDK", target, data: { cancel: true } })
        assert.isFalse(socket.isClosed)
        socket.emit(end(), 0)
        assert.deepStrictEqual(texts((yield* Fiber.join(other)).events), ["Completed"])
        const interrupted = yield* started(collected(code.runCodeStream("2", "python")))
        assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(interrupted)))
        assert.strictEqual(socket.frames.at(-1)?.data.cancel, true)
      }), { handles: { toolList: cancelling } }))

  it.effect("ends with the socket otherwise, once no other run needs it", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const alone = yield* take(code, "1")
        for (const text of ["a", "b"]) server.socket.emit(output(text))
        yield* Fiber.join(alone)
        assert.isTrue(server.socket.isClosed)
        const other = yield* started(collected(code.runCodeStream("0", "python")))
        const run = yield* take(code, "1")
        const second = server.socket
        for (const text of ["a", "b"]) second.emit(output(text), 1)
        yield* Fiber.join(run)
        assert.isFalse(second.isClosed)
        const later = yield* started(collected(code.runCodeStream("2", "python")))
        assert.strictEqual(server.sockets.length, 3)
        second.emit(end(), 0)
        yield* Fiber.join(other)
        assert.isTrue(second.isClosed)
        assert.isTrue(second.frames.every(({ data }) => data.cancel === undefined))
        server.socket.emit(end())
        yield* Fiber.join(later)
      })
    ))
})

describe("a session without a WebSocket that may be used", () => {
  const without: ReadonlyArray<readonly [string, FakeOptions["handles"]]> = [
    ["none", { wsUrl: "" }],
    ["one that is not encrypted", { wsUrl: "ws://gateway.example/ws" }],
    ["one that is no WebSocket", { wsUrl: "https://gateway.example/ws" }],
    ["one with a name and a password", { wsUrl: "wss://a:b@gateway.example/ws" }],
    ["one without a token", { token: "" }],
    ["one whose token is no header", { token: "t\r\nx: y" }]
  ]
  for (const [title, handles = {}] of without) {
    it.effect(`${title}: the events come at the end`, () =>
      on((server, { code }) =>
        Effect.gen(function*() {
          const run = yield* started(collected(code.runCodeStream("1", "python")))
          assert.strictEqual(server.opened, 0)
          assert.deepStrictEqual(texts((yield* Fiber.join(run)).events), ["whole\n", "Result", "Completed"])
          assert.strictEqual(server.toolCalls.length, 1)
        }), { handles }))
  }

  it.effect("gives what was printed before an error", () =>
    on((_, { code }) =>
      Effect.gen(function*() {
        const { ended, events } = yield* collected(code.runCodeStream("1", "python"))
        assert.deepStrictEqual(texts(events), ["a", "Result"])
        assert.strictEqual(errorOf(ended, "CodeExecutionError").name, "TypeError")
      }), {
      handles: { wsUrl: "" },
      exchange: () => {
        const text = JSON.stringify({ result: [{ "text/plain": "1" }], stdout: ["a"], executionError: "TypeError: no" })
        return envelope({ content: [{ type: "text", text }] })
      }
    }))
})

it.prop(
  "texts survive any way of cutting them into frames",
  [FastCheck.array(FastCheck.string({ unit: character }))],
  ([chunks]) => {
    const read = chunks.map((chunk) =>
      parse(JSON.stringify({ requestId: "a", data: JSON.stringify(output(chunk)) }))?.read()
    )
    assert.deepStrictEqual(read.map((frame) => frame?._tag === "Output" ? frame.text : undefined), chunks)
  }
)
