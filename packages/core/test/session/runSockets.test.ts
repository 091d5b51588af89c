/** The WebSocket that the streamed runs of a session share: opened, kept, given up and rejected. */
import { type Code, Transport } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, TestClock } from "effect"
import { end, output } from "../support/fakeSockets.js"
import { collected, errorOf, on, settle, started, texts } from "../support/streamedRuns.js"

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
