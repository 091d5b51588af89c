/** Streamed runs over a WebSocket whose frames, losses and silences are those of the test. */
import { type Agb, type Code, Session, Transport } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Either, Exit, FastCheck, Fiber, Stream, TestClock } from "effect"
import { parse } from "../../src/internal/wire/runFrames.js"
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

const attached = Session.attach("s-1")

/** Lets other fibers run. */
const settle = Effect.repeatN(Effect.yieldNow(), 12)

const collected = (stream: Stream.Stream<Code.CodeEvent, Code.RunCodeError>) => {
  const events: Array<Code.CodeEvent> = []
  return Effect.map(
    Effect.either(Stream.runForEach(stream, (event) => Effect.sync(() => void events.push(event)))),
    (ended) => ({ events, ended })
  )
}

const started = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.zipLeft(Effect.fork(effect), settle)

const on = <A, E>(
  body: (server: FakeServer, session: Session.Session) => Effect.Effect<A, E, Agb.Agb>,
  options?: FakeOptions
) =>
  Effect.suspend(() => {
    const server = new FakeServer(options)
    return Effect.flatMap(attached, (session) => body(server, session)).pipe(Effect.provide(server.layer))
  })

/** The error that a stream ended with, which must have this tag. */
const errorOf = <const Tag extends Code.RunCodeError["_tag"]>(
  ended: Either.Either<void, Code.RunCodeError>,
  tag: Tag
) => {
  if (Either.isRight(ended)) return assert.fail(`expected ${tag}, but the stream ended well`)
  assert.strictEqual(ended.left._tag, tag, String(ended.left))
  return ended.left as Extract<Code.RunCodeError, { readonly _tag: Tag }>
}

const texts = (events: ReadonlyArray<Code.CodeEvent>) =>
  events.map((event) => event._tag === "Stdout" || event._tag === "Stderr" ? event.text : event._tag)

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

describe("the socket of a session", () => {
  it.effect("is one for a hundred first runs, each with its own output", () =>
    Effect.gen(function*() {
      const opening = yield* Deferred.make<void, Transport.SocketError>()
      yield* on((server, { code }) =>
        Effect.gen(function*() {
          const runs = yield* Effect.forEach(
            Array.from({ length: 100 }),
            (_, n) => Effect.fork(collected(code.runCodeStream(`${n}`, "python")))
          )
          yield* settle
          yield* Fiber.interruptAll(runs.slice(0, 10))
          assert.strictEqual(server.sockets.length, 0)
          yield* Deferred.succeed(opening, undefined)
          yield* settle
          const { calls } = server.socket
          assert.strictEqual(calls.length, 90)
          for (const [index, { data }] of calls.entries()) {
            server.socket.emit(output(data.params?.code ?? ""), index)
          }
          for (const index of calls.keys()) server.socket.emit(end(), index)
          const all = yield* Effect.forEach(runs.slice(10), Fiber.join)
          assert.deepStrictEqual(all.map(({ events }) => texts(events)[0]), all.map((_, n) => `${n + 10}`))
          assert.strictEqual(server.opened, 1)
        }), { opening: Deferred.await(opening) })
    }))

  it.effect("is given up when nobody waits for it any more", () =>
    Effect.suspend(() => {
      let isGivenUp = false
      const opening = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          isGivenUp = true
        }))
      return on((_, { code }) =>
        Effect.gen(function*() {
          const runs = yield* Effect.forEach([1, 2], () => Effect.fork(collected(code.runCodeStream("1", "python"))))
          yield* settle
          yield* Fiber.interruptAll(runs)
          yield* settle
          assert.isTrue(isGivenUp)
        }), { opening })
    }))

  it.effect("is closed when it was not used for a while, and opened again on demand", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const run = (text: string) =>
          Effect.gen(function*() {
            const fiber = yield* started(collected(code.runCodeStream("1", "python")))
            assert.isTrue(server.socket.isReferenced)
            server.socket.emit(output(text), server.socket.calls.length - 1)
            server.socket.emit(end(), server.socket.calls.length - 1)
            return texts((yield* Fiber.join(fiber)).events)
          })
        assert.deepStrictEqual(yield* run("a"), ["a", "Completed"])
        assert.isFalse(server.socket.isReferenced)
        yield* TestClock.adjust("19 seconds")
        assert.deepStrictEqual(yield* run("b"), ["b", "Completed"])
        assert.strictEqual(server.opened, 1)
        yield* TestClock.adjust("20 seconds")
        assert.isTrue(server.socket.isClosed)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(server.opened, 1)
        assert.deepStrictEqual(yield* run("c"), ["c", "Completed"])
        server.socket.cut()
        assert.deepStrictEqual(yield* run("d"), ["d", "Completed"])
        assert.strictEqual(server.opened, 3)
      })
    ))

  it.effect("is given up within two heartbeats of silence, however long a run says nothing", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const run = yield* started(collected(code.runCodeStream("1", "python", { timeout: "2 hours" })))
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(server.socket.pings, 30)
        server.socket.emit(output("a"))
        server.socket.answersPings = false
        yield* TestClock.adjust("40 seconds")
        assert.isTrue(server.socket.isClosed)
        const { message, stdout } = errorOf((yield* Fiber.join(run)).ended, "ExecutionUnknownError")
        assert.strictEqual(stdout, "a")
        assert.include(message, "silent")
      })
    ))

  const rejections: ReadonlyArray<readonly [number, string, Code.RunCodeError["_tag"]]> = [
    [401, "", "RequestRejectedError"],
    [404, JSON.stringify({ success: false, code: "InvalidMcpSession.NotFound" }), "SessionLostError"],
    [404, "<html>", "RequestRejectedError"],
    [429, "", "RateLimitedError"],
    [503, "", "ServerError"]
  ]
  for (const [status, body, tag] of rejections) {
    it.effect(`whose handshake is rejected with ${status} ${body} runs nothing`, () =>
      on((server, { code }) =>
        Effect.gen(function*() {
          const run = yield* started(collected(code.runCodeStream("1", "python")))
          yield* TestClock.adjust("1 minute")
          const error = errorOf((yield* Fiber.join(run)).ended, tag)
          assert.isFalse(error.mayHaveHappened)
          assert.notInclude(error.message, "API key")
          assert.strictEqual(server.opened, error.retryable ? 4 : 1)
        }), {
        opening: Effect.suspend(() => new Transport.SocketError({ reason: "Rejected", code: "", status, body }))
      }))
  }

  it.effect("that cannot be reached is tried again, and runs nothing", () =>
    on((server, { code }) =>
      Effect.gen(function*() {
        const run = yield* started(collected(code.runCodeStream("1", "python")))
        yield* TestClock.adjust("1 minute")
        const error = errorOf((yield* Fiber.join(run)).ended, "TransportError")
        assert.deepInclude(error, { reason: "Unreachable", mayHaveHappened: false, retryable: true })
        assert.strictEqual(server.opened, 4)
      }), {
      opening: Effect.suspend(() => new Transport.SocketError({ reason: "Unreachable", code: "ECONNREFUSED" }))
    }))

  it.effect("that does not open in time is given up by the deadline of the run", () =>
    on((_, { code }) =>
      Effect.gen(function*() {
        const run = yield* started(collected(code.runCodeStream("1", "python", { timeout: "1 second" })))
        yield* TestClock.adjust("11 seconds")
        const error = errorOf((yield* Fiber.join(run)).ended, "TransportError")
        assert.deepInclude(error, { reason: "Timeout", mayHaveHappened: false })
      }), { opening: Effect.never }))
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

describe("the link of a session", () => {
  const linkUrl = "https://link.example/link/s-1//"
  const reply = (result: unknown, asText = true) => {
    const data = { requestId: "x", result }
    return {
      status: 200,
      headers: {},
      body: JSON.stringify({ success: false, data: asText ? JSON.stringify(data) : data })
    }
  }
  const text = (value: string) => ({ content: [{ type: "text", text: value }], isError: false })
  const ran = JSON.stringify({ stdout: "out", stderr: "", exit_code: 0 })

  for (const asText of [true, false]) {
    it.effect(`is where its tools are called, with the token and without the key (${asText ? "JSON text" : "JSON"})`, () =>
      on((server, { command, fileSystem }) =>
        Effect.gen(function*() {
          assert.strictEqual((yield* command.executeCommand("echo", { timeout: "3 seconds" })).stdout, "out")
          const [call] = server.toolCalls
          assert.strictEqual(call?.url, "https://link.example/link/s-1/callTool")
          const { authorization, "x-access-token": token } = call?.headers ?? {}
          assert.deepStrictEqual([authorization, token], [undefined, "t-1"])
          const { requestId, ...body } = JSON.parse(call?.body ?? "")
          assert.match(requestId, /^link-\d+-\d{9}$/)
          const args = { command: "echo", timeout_ms: 3000 }
          assert.deepStrictEqual(body, { tool: "shell", server: "shells", token: "t-1", args })
          // No server is named for the tools of files.
          yield* Effect.ignore(fileSystem.readFile("/a"))
          assert.strictEqual(server.toolCalls.at(-1)?.url, "https://api.example/mcp?autoGenSession=false")
        }), { handles: { linkUrl }, exchange: () => reply(text(ran), asText) }))
  }

  const unusable: ReadonlyArray<readonly [string, FakeOptions["handles"]]> = [
    ["not encrypted", { linkUrl: "http://link.example/link" }],
    ["without a token", { linkUrl, token: "" }],
    ["without tools", { linkUrl, toolList: [] }]
  ]
  for (const [title, handles = {}] of unusable) {
    it.effect(`is not used when it is ${title}`, () =>
      on((server, { command }) =>
        Effect.gen(function*() {
          yield* command.executeCommand("echo")
          assert.deepStrictEqual(server.toolCalls.map(({ url }) => new URL(url).host), ["api.example"])
        }), { handles, exchange: () => envelope({ content: [{ type: "text", text: ran }] }) }))
  }

  const failures: ReadonlyArray<readonly [string, () => Transport.Reply, string]> = [
    ["401", () => ({ status: 401, headers: {}, body: "" }), "RequestRejectedError"],
    ["502", () => ({ status: 502, headers: {}, body: "<html>" }), "ExecutionUnknownError"],
    ["no data", () => ({ status: 200, headers: {}, body: "{}" }), "ExecutionUnknownError"],
    ["no result", () => ({ status: 200, headers: {}, body: "{\"data\":{}}" }), "ExecutionUnknownError"],
    ["a failure", () => envelope(undefined, { success: false, message: "t-1 is no good" }), "RequestRejectedError"],
    ["a tool error", () => reply({ content: [{ text: "no such tool" }], isError: true }), "ToolError"]
  ]
  for (const [title, answer, tag] of failures) {
    it.effect(`that answers ${title} is never a success`, () =>
      on((_, { command }) =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(command.executeCommand("echo"))
          assert.strictEqual(error._tag, tag)
          assert.notInclude(JSON.stringify(error), "t-1")
          assert.notInclude(error.message, "API key")
        }), { handles: { linkUrl }, exchange: answer }))
  }
})

it.prop(
  "texts survive any way of cutting them into frames",
  [FastCheck.array(FastCheck.string({ unit: "binary" }))],
  ([chunks]) => {
    const read = chunks.map((chunk) =>
      parse(JSON.stringify({ requestId: "a", data: JSON.stringify(output(chunk)) }))?.read()
    )
    assert.deepStrictEqual(read.map((frame) => frame?._tag === "Output" ? frame.text : undefined), chunks)
  }
)
