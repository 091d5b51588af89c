/** Streamed runs over real sockets: against the local runtime, and against servers that are too much for a reader. */
import { Agb, AgbConfig, type Code, Session, Transport } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Chunk, Effect, Fiber, Layer, Queue, type Scope, Stream } from "effect"
import type { AddressInfo } from "node:net"
import { type WebSocket, WebSocketServer } from "ws"
import { failsWith } from "../support/failsWith.js"
import { best, languagesOf, layerWith } from "../support/runtime.js"

const imageId = "agb-code-space-1"

const hasPython = (await languagesOf(best)).includes("python")

it.skipIf(hasPython)("not run here: streams of Python, which is not installed", () => {})

const textOf = (event: Code.CodeEvent): string => event._tag === "Stdout" ? event.text : ""

/** Counts until it is ended, in a file too. */
const counts = "const fs = require('node:fs'); let n = 0\n" +
  "for (;;) { fs.writeFileSync(process.env.TMPDIR + '/count', String(n)); console.log(n++); await new Promise((go) => setTimeout(go, 10)) }"

layer(layerWith(best), { excludeTestServices: true })("a stream on the local runtime", (it) => {
  it.scoped("tells output while the code runs, and ends the code with itself", () =>
    Effect.gen(function*() {
      const { code, fileSystem } = yield* Session.make({ imageId })
      const taken = yield* Stream.runCollect(Stream.take(code.runCodeStream(counts, "javascript"), 3))
      assert.strictEqual(Chunk.toReadonlyArray(taken).map(textOf).join("").slice(0, 6), "0\n1\n2\n")
      // The kernel serves the next run only after the one before has ended.
      assert.strictEqual((yield* code.runCode("6 * 7", "javascript")).text, "42")
      const count = yield* fileSystem.readFile("/tmp/count")
      yield* code.runCode("await new Promise((go) => setTimeout(go, 50))", "javascript")
      assert.strictEqual(yield* fileSystem.readFile("/tmp/count"), count)
    }))

  it.scoped.skipIf(!hasPython)(
    "that is interrupted leaves the other runs of its socket alone",
    () =>
      Effect.gen(function*() {
        const { code } = yield* Session.make({ imageId })
        const source = "import time\nprint('begun', flush=True)\ntime.sleep(2)\nprint('done')"
        const begun = yield* Queue.unbounded<string>()
        const other = yield* Effect.fork(
          Stream.runCollect(Stream.tap(code.runCodeStream(source, "python"), (event) => begun.offer(textOf(event))))
        )
        yield* begun.take
        const run = yield* Effect.fork(
          Stream.runForEach(code.runCodeStream(counts, "javascript"), () => begun.offer(""))
        )
        yield* begun.take
        yield* Fiber.interrupt(run)
        assert.strictEqual((yield* code.runCode("6 * 7", "javascript")).text, "42")
        const events = Chunk.toReadonlyArray(yield* Fiber.join(other))
        assert.strictEqual(events.map(textOf).join(""), "begun\ndone\n")
        assert.strictEqual(events.at(-1)?._tag, "Completed")
      })
  )

  it.scoped("of a session that somebody else deleted is lost", () =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const { sessionId } = yield* Session.make({ imageId })
      const { code } = yield* Session.attach(sessionId)
      yield* agb.delete(sessionId)
      yield* failsWith(Stream.runDrain(code.runCodeStream("1", "javascript")), "SessionLostError")
    }))

  it.scoped("is cut when its session is deleted", () =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const { code, sessionId } = yield* Session.make({ imageId })
      const events = yield* Queue.unbounded<Code.CodeEvent>()
      const run = yield* Effect.fork(
        Stream.runForEach(code.runCodeStream(counts, "javascript"), (event) => events.offer(event))
      )
      yield* events.take
      yield* agb.delete(sessionId)
      yield* failsWith(Fiber.join(run), "SessionLostError")
    }))

  it.scoped("over the link of a session with one calls its tools there", () =>
    Effect.gen(function*() {
      const { code, command, fileSystem } = yield* Session.make({ imageId: "agb-browser-use-1" })
      assert.strictEqual((yield* command.executeCommand("echo out", { timeout: "2 minutes" })).stdout, "out\n")
      yield* fileSystem.writeFile("/tmp/file", "naïve 🎈 日本")
      assert.strictEqual(yield* fileSystem.readFile("/tmp/file"), "naïve 🎈 日本")
      yield* failsWith(fileSystem.readFile("/tmp/nothing"), "FileNotFoundError")
      yield* failsWith(code.runCode("throw new TypeError('no')", "javascript"), "CodeExecutionError")
    }))
})

interface Serving {
  readonly port: number
  readonly sockets: Queue.Dequeue<WebSocket>
}

const serving: Effect.Effect<Serving, never, Scope.Scope> = Effect.gen(function*() {
  const sockets = yield* Queue.unbounded<WebSocket>()
  const server = yield* Effect.acquireRelease(
    Effect.async<WebSocketServer>((resume) => {
      const started: WebSocketServer = new WebSocketServer(
        { port: 0, host: "127.0.0.1" },
        () => resume(Effect.succeed(started))
      )
    }),
    (server) =>
      Effect.async<void>((resume) => {
        for (const socket of server.clients) socket.terminate()
        server.close(() => resume(Effect.void))
      })
  )
  server.on("connection", (socket) => sockets.unsafeOffer(socket))
  return { port: (server.address() as AddressInfo).port, sockets }
})

/** The SDK of Node, for whom every session has this WebSocket. */
const clientOf = ({ port }: Serving) => {
  const data = { sessionId: "s-1", wsUrl: `ws://127.0.0.1:${port}/`, token: "t-1" }
  const body = JSON.stringify({ success: true, requestId: "r", data })
  const transport = Layer.effect(
    Transport.Transport,
    Effect.map(Transport.Transport, (transport) => ({
      ...transport,
      exchange: () => Effect.succeed({ status: 200, headers: {}, body })
    }))
  )
  return Agb.layerTransport.pipe(
    Layer.provide(Layer.provide(transport, NodeAgb.layerTransport)),
    Layer.provide(Layer.orDie(AgbConfig.layer({ apiKey: "akm-1", maxResponseBytes: 2 ** 20 })))
  )
}

const firstMessage = (socket: WebSocket) =>
  Effect.async<{ readonly invocationId: string }>((resume) => {
    socket.once("message", (data: Buffer) => resume(Effect.succeed(JSON.parse(data.toString()))))
  })

const closed = (socket: WebSocket) =>
  Effect.async<void>((resume) => void socket.once("close", () => resume(Effect.void)))

const outputFrame = (invocationId: string, chunk: string) =>
  JSON.stringify({ invocationId, source: "x", data: { phase: "event", eventType: "stdout", chunk } })

const mebibyte = 2 ** 20

describe("a stream from a server", () => {
  it.scopedLive("that sends faster than it is read holds the server back, and loses nothing", () =>
    Effect.gen(function*() {
      const server = yield* serving
      const chunk = "x".repeat(128 * 1024)
      const frames = 512
      let flushed = 0
      let read = 0
      let ahead = 0
      yield* Effect.fork(Effect.gen(function*() {
        const socket = yield* server.sockets.take
        const { invocationId } = yield* firstMessage(socket)
        for (let n = 0; n < frames; n++) socket.send(outputFrame(invocationId, chunk), () => flushed += chunk.length)
        socket.send(JSON.stringify({ invocationId, data: { phase: "end", status: "finished" } }))
      }))
      const slow = Session.attach("s-1").pipe(
        Effect.flatMap(({ code }) =>
          Stream.runForEach(code.runCodeStream("1", "python"), (event) => {
            read += textOf(event).length
            ahead = Math.max(ahead, flushed - read)
            return read < 16 * mebibyte ? Effect.sleep(5) : Effect.void
          })
        ),
        Effect.provide(clientOf(server))
      )
      yield* slow
      assert.strictEqual(read, frames * chunk.length)
      assert.isBelow(ahead, 24 * mebibyte)
    }))

  it.scopedLive("that sends a message above the limit has an unknown outcome", () =>
    Effect.gen(function*() {
      const server = yield* serving
      yield* Effect.fork(Effect.gen(function*() {
        const socket = yield* server.sockets.take
        const { invocationId } = yield* firstMessage(socket)
        socket.send(outputFrame(invocationId, "small"))
        socket.send(outputFrame(invocationId, "x".repeat(2 * mebibyte)))
      }))
      const run = Effect.flatMap(
        Session.attach("s-1"),
        ({ code }) => Stream.runDrain(code.runCodeStream("1", "python"))
      )
      const error = yield* failsWith(Effect.provide(run, clientOf(server)), "ExecutionUnknownError")
      assert.strictEqual(error.stdout, "small")
      assert.include(error.message, "too large")
    }))

  it.scopedLive("ends with the layer", () =>
    Effect.gen(function*() {
      const server = yield* serving
      const run = yield* Effect.fork(
        Effect.flatMap(Session.attach("s-1"), ({ code }) => Stream.runDrain(code.runCodeStream("1", "python"))).pipe(
          Effect.provide(clientOf(server))
        )
      )
      const socket = yield* server.sockets.take
      yield* firstMessage(socket)
      const end = yield* Effect.fork(closed(socket))
      yield* Fiber.interrupt(run)
      yield* Fiber.join(end)
    }))

  it.scopedLive("is alive as long as it answers pings", () =>
    Effect.gen(function*() {
      const server = yield* serving
      const { openSocket } = yield* Transport.Transport
      if (openSocket === undefined) return assert.fail("the transport of Node opens no WebSockets")
      const request = { url: `ws://127.0.0.1:${server.port}/`, token: "t-1", maxBytes: mebibyte }
      const socket = yield* openSocket(request, { onMessage: () => {}, onClose: () => {} })
      const other = yield* server.sockets.take
      const before = socket.received()
      socket.ping?.()
      yield* Effect.async<void>((resume) => void other.once("ping", () => resume(Effect.void)))
      yield* Effect.repeat(Effect.sleep(5), { until: () => socket.received() > before })
      socket.close()
      yield* closed(other)
    }).pipe(Effect.provide(NodeAgb.layerTransport)))
})
