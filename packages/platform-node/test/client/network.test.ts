/** What the client knows of the network: whether a request was sent, how many connections it opens, and when they end. */
import { Agb, type AgbClient, AgbConfig, type AgbError, Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Option, type Scope } from "effect"
import { execFile } from "node:child_process"
import Dns from "node:dns"
import { readFileSync } from "node:fs"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import { testProgram } from "../../../../scripts/testProgram.mjs"
import * as certificate from "../support/certificate.js"
import { failsWith } from "../support/failsWith.js"
import { apiKey } from "../support/fakeAgb.js"
import { silent } from "../support/faults.js"
import { type FaultServer, make } from "../support/faultServer.js"
import { commands, python } from "../support/programs.js"

const imageId = "agb-code-space-1"

const manifest: { readonly version: string } = JSON.parse(
  readFileSync(new URL("../../../core/package.json", import.meta.url), "utf8")
)

interface Listening {
  readonly port: number
  readonly connections: () => number
}

/** A server that does this with every connection. */
const listening = (
  makeServer: (accept: (socket: Net.Socket) => void) => Net.Server,
  accept: (socket: Net.Socket) => void = () => {}
): Effect.Effect<Listening, never, Scope.Scope> =>
  Effect.suspend(() => {
    const sockets = new Set<Net.Socket>()
    let connections = 0
    const server = makeServer(accept)
    server.on("connection", (socket: Net.Socket) => {
      connections += 1
      sockets.add(socket)
      socket.on("error", () => {})
    })
    const listen = Effect.async<Listening>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as Net.AddressInfo
        resume(Effect.succeed({ port, connections: () => connections }))
      })
    })
    const close = Effect.async<void>((resume) => {
      server.close(() => resume(Effect.void))
      for (const socket of sockets) socket.destroy()
    })
    return Effect.acquireRelease(listen, () => close)
  })

const plain = (accept: (socket: Net.Socket) => void) => Net.createServer(accept)

/** A name whose lookup takes for ever. */
const slowName = "slow.agb.example"

const slowLookup = Effect.acquireRelease(
  Effect.sync(() => {
    const { lookup } = Dns
    const slow = (name: string, ...rest: ReadonlyArray<unknown>) => {
      if (name !== slowName) Reflect.apply(lookup, Dns, [name, ...rest])
    }
    Object.assign(Dns, { lookup: slow })
    return lookup
  }),
  (lookup) => Effect.sync(() => Object.assign(Dns, { lookup }))
)

/** A create, a read and a run. */
const calls = Effect.gen(function*() {
  const { client } = yield* Agb.Agb
  return yield* Effect.all([
    failsWith(Effect.scoped(Session.make({ imageId })), "TransportError"),
    failsWith(client.getSession({ sessionId: "s-1" }), "TransportError"),
    failsWith(client.callTool({ sessionId: "s-1", name: "run_code", args: {} }), "TransportError")
  ], { concurrency: "unbounded" })
})

/** Long enough for a busy machine to begin to connect. */
const impatient = (endpoint: string) =>
  NodeAgb.layer({
    apiKey: "akm-x",
    endpoint,
    timeout: "8 seconds",
    retry: { maxAttempts: 2, baseDelay: Duration.millis(1) }
  })

const outcome = ({ mayHaveHappened, reason, retryable }: AgbError.TransportError) => ({
  mayHaveHappened,
  reason,
  retryable
})

const unsent = { mayHaveHappened: false, reason: "Unreachable", retryable: true }

describe("a connection that is never established", () => {
  const handshakes = {
    "a reset in the TLS handshake": (socket: Net.Socket) => socket.once("data", () => socket.resetAndDestroy()),
    "an end in the TLS handshake": (socket: Net.Socket) => socket.once("data", () => socket.end()),
    "a TLS handshake that hangs": (socket: Net.Socket) => socket.resume(),
    "a reset before the TLS handshake": (socket: Net.Socket) => socket.resetAndDestroy()
  }
  for (const [title, accept] of Object.entries(handshakes)) {
    it.scopedLive(`${title}: nothing was sent`, () =>
      Effect.gen(function*() {
        const { port } = yield* listening(plain, accept)
        const errors = yield* Effect.provide(calls, impatient(`https://127.0.0.1:${port}`))
        for (const error of errors) assert.deepStrictEqual(outcome(error), unsent, error.message)
      }))
  }

  it.scopedLive("a slow name lookup: nothing was sent", () =>
    Effect.gen(function*() {
      yield* slowLookup
      const errors = yield* Effect.provide(calls, impatient(`https://${slowName}`))
      for (const error of errors) assert.deepStrictEqual(outcome(error), unsent, error.message)
    }))

  it.scopedLive("a certificate that is not trusted: nothing was sent, and it is not tried again", () =>
    Effect.gen(function*() {
      const server = yield* listening(() => Tls.createServer(certificate))
      const errors = yield* Effect.provide(calls, impatient(`https://127.0.0.1:${server.port}`))
      for (const error of errors) {
        assert.deepStrictEqual(outcome(error), { ...unsent, retryable: false }, error.message)
        assert.include(error.message, "its TLS certificate was rejected (DEPTH_ZERO_SELF_SIGNED_CERT)")
      }
      assert.strictEqual(server.connections(), 3)
    }))
})

const withServer = <A, E>(body: (server: FaultServer) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* make()
    yield* body(server)
    assert.strictEqual(server.ledger.live, 0)
  }))

const bounded = (server: FaultServer, connections: NodeAgb.Connections): Layer.Layer<Agb.Agb | AgbClient.AgbClient> =>
  Agb.layerTransport.pipe(
    Layer.provide(NodeAgb.layerTransportWith(connections)),
    Layer.provide(Layer.orDie(AgbConfig.layer({ apiKey, endpoint: server.endpoint, timeout: "5 seconds" })))
  )

const until = (condition: () => boolean) => Effect.repeat(Effect.sleep("5 millis"), { until: condition })

describe("connections", () => {
  it.live("a thousand calls at once open a bounded number of them, and all succeed", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const session = yield* Session.make({ imageId })
        yield* Effect.all(
          Array.from({ length: 1000 }, (_, index) =>
            index % 2 === 0 ? session.info : session.fileSystem.createDirectory("/tmp/d")),
          { concurrency: "unbounded" }
        )
        // On a busy machine some were idle for too long and were replaced.
        assert.isAtMost(server.connections(), 2 * (256 + 64))
      }).pipe(Effect.scoped, Effect.provide(NodeAgb.layer({ apiKey, endpoint: server.endpoint })), Effect.orDie)
    ))

  it.live("runs that take all of theirs hold up neither reads nor deletions", () =>
    withServer((server) =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const session = yield* Session.make({ imageId })
          server.faults.always("run_code", silent("after"))
          const run = session.code.runCode(python.prints.code, "python")
          const running = yield* Effect.fork(Effect.all([run, run, run], { concurrency: "unbounded" }))
          const started = yield* Effect.timeoutOption(until(() => server.ledger.count("run_code") === 2), "4 seconds")
          assert.isTrue(Option.isSome(started), "runs have connections of their own")
          yield* session.info
          yield* session.keepAlive
          yield* (yield* Agb.Agb).delete(session.sessionId)
          yield* Fiber.interrupt(running)
        }))
        assert.strictEqual(server.ledger.count("run_code"), 2)
      }).pipe(Effect.provide(bounded(server, { long: 2, short: 1 })))
    ))

  it.live("the first call that waits is the first that is served", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const { fileSystem } = yield* Session.make({ imageId })
        const paths = Array.from({ length: 20 }, (_, index) => `/tmp/${index}`)
        yield* Effect.forEach(paths, (path) => fileSystem.createDirectory(path), { concurrency: "unbounded" })
        const asked = server.received.flatMap(({ body }) => /\/tmp\/\d+/.exec(body) ?? [])
        assert.deepStrictEqual(asked, paths)
      }).pipe(Effect.scoped, Effect.provide(bounded(server, { long: 1 })))
    ))

  it.live("a call that is still waiting for one at its deadline was not sent", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const session = yield* Session.make({ imageId })
        const { client } = session
        server.faults.always("run_code", silent("before"))
        const running = yield* Effect.fork(session.code.runCode(python.prints.code, "python"))
        yield* until(() => server.ledger.count("run_code") === 1)
        const late = client.callTool(
          { sessionId: session.sessionId, name: "shell", args: { command: "true" } },
          { timeout: "50 millis" }
        )
        const error = yield* failsWith(late, "TransportError")
        assert.deepStrictEqual(outcome(error), { mayHaveHappened: false, reason: "Timeout", retryable: true })
        assert.include(error.message, "while waiting for a connection")
        const waiting = yield* Effect.fork(session.command.executeCommand(commands.prints))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(waiting)
        yield* Fiber.interrupt(running)
        yield* session.fileSystem.createDirectory("/tmp/d")
        assert.strictEqual(server.ledger.count("shell"), 0)
      }).pipe(Effect.scoped, Effect.provide(bounded(server, { long: 1 })))
    ))

  it.live("a run that waits for one when its session is lost was not sent", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const session = yield* Session.make({ imageId })
        server.faults.always("run_code", silent("before"))
        const run = failsWith(session.code.runCode(python.prints.code, "python"), "SessionLostError")
        const running = yield* Effect.fork(Effect.all([run, run], { concurrency: "unbounded" }))
        yield* until(() => server.ledger.count("run_code") === 1)
        yield* Effect.sleep("20 millis")
        yield* (yield* Agb.Agb).delete(session.sessionId)
        const errors = yield* Fiber.join(running)
        assert.deepStrictEqual(errors.map(({ mayHaveHappened }) => mayHaveHappened), [true, false])
      }).pipe(Effect.scoped, Effect.provide(bounded(server, { long: 1 })))
    ))
})

/** A server in a thread of its own, which answers every request on the connection that brings it. */
const answering = (closesAfterReply: boolean) => {
  const body = JSON.stringify({ success: true, requestId: "r", data: { content: [], isError: false } })
  const reply = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  const program = `
    const { parentPort, workerData } = require("node:worker_threads")
    const server = require("node:net").createServer((socket) => {
      parentPort.postMessage({ connected: true })
      socket.on("error", () => {})
      socket.on("data", () => workerData.closes ? socket.end(workerData.reply) : socket.write(workerData.reply))
    })
    server.listen(0, "127.0.0.1", () => parentPort.postMessage({ port: server.address().port }))`
  return Effect.acquireRelease(
    Effect.async<Listening & { readonly worker: Worker }>((resume) => {
      let connections = 0
      const worker = new Worker(program, { eval: true, workerData: { reply, closes: closesAfterReply } })
      worker.on("message", ({ port }: { readonly port?: number }) => {
        if (port === undefined) connections += 1
        else resume(Effect.succeed({ port, worker, connections: () => connections }))
      })
    }),
    ({ worker }) => Effect.promise(() => worker.terminate())
  )
}

const on = ({ port }: Listening) => Layer.orDie(NodeAgb.layer({ apiKey, endpoint: `http://127.0.0.1:${port}` }))

const run = Effect.flatMap(
  Agb.Agb,
  ({ client }) => client.callTool({ sessionId: "s-1", name: "run_code", args: {} })
)

const read = Effect.flatMap(Agb.Agb, ({ client }) => client.refreshSessionIdleTime({ sessionId: "s-1" }))

/** Holds up the program, which then sees nothing of the network. */
const block = (millis: number) =>
  Effect.sync(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis))

describe("an idle socket", () => {
  it.scopedLive("carries no run after half a second, when the server may be closing it", () =>
    Effect.gen(function*() {
      const server = yield* answering(false)
      yield* Effect.gen(function*() {
        yield* run
        yield* read
        yield* run
        yield* Effect.sleep("600 millis")
        assert.strictEqual(server.connections(), 2)
        yield* read
        yield* run
        yield* Effect.sleep("10 millis")
        assert.strictEqual(server.connections(), 3)
      }).pipe(Effect.provide(on(server)))
    }))

  it.scopedLive("that the server has closed is noticed before a run is written to it", () =>
    Effect.gen(function*() {
      const server = yield* answering(true)
      yield* Effect.repeatN(Effect.zipRight(run, block(20)), 9).pipe(Effect.provide(on(server)))
      yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => server.connections() === 10 })
    }))
})

const program = await testProgram(fileURLToPath(new URL("../support/processes/lastCall.mts", import.meta.url)))

/** What a process says after its only call. */
const lastCall = (endpoint: string): Effect.Effect<string> =>
  Effect.async((resume) => {
    const env = { PATH: process.env.PATH, AGB_API_KEY: apiKey, AGB_ENDPOINT: endpoint, AGB_TIMEOUT_MS: "300" }
    execFile(process.execPath, [program], { env }, (error, stdout, stderr) => {
      resume(error === null ? Effect.succeed(stdout + stderr) : Effect.die(error))
    })
  })

describe("the end of the layer", () => {
  it.scopedLive("leaves nothing that keeps the process alive", () =>
    Effect.gen(function*() {
      const server = yield* make()
      assert.strictEqual(yield* lastCall(server.endpoint), "[]")
      assert.strictEqual(server.connections(), 1)
    }))

  it.scopedLive("leaves nothing that is still connecting", () =>
    Effect.gen(function*() {
      const { port } = yield* listening(plain, (socket) => socket.resume())
      assert.strictEqual(yield* lastCall(`https://127.0.0.1:${port}`), "[]")
    }))
})

describe("a request", () => {
  for (const transport of ["node", "fetch"] as const) {
    it.live(`says who asks and what for, over ${transport}`, () =>
      withServer((server) =>
        Effect.gen(function*() {
          yield* (yield* Session.make({ imageId })).info
          assert.isAbove(server.headers.length, 1)
          for (const { accept, "user-agent": agent } of server.headers) {
            assert.strictEqual(accept, "application/json")
            assert.strictEqual(agent, `effect-agb/${manifest.version}`)
          }
        }).pipe(Effect.scoped, Effect.provide(server[transport]()))
      ))
  }
})
