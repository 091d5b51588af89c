/** Attacks over a WebSocket by a client that has the token: written by hand, since no library would send such frames. */
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Option, Redacted } from "effect"
import * as Crypto from "node:crypto"
import * as Net from "node:net"
import { requestBytes } from "../support/rawHttp.js"
import { serverLayer } from "../support/runtime.js"

const apiKey = "akm-0c0ffee0-sockets"

const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" }

const text = 1
const ping = 9

/** A frame of a client, masked with zeros. `announced` is the length that it claims. */
const frame = (opcode: number, payload: string, announced = payload.length): Buffer => {
  const head = Buffer.alloc(14)
  head.writeUInt8(0x80 | opcode, 0)
  head.writeUInt8(0x80 | 127, 1)
  head.writeBigUInt64BE(BigInt(announced), 2)
  const short = opcode === ping ? Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]) : head
  return Buffer.concat([short, Buffer.from(payload)])
}

const start = (code: string) =>
  JSON.stringify({
    invocationId: Crypto.randomBytes(16).toString("hex"),
    source: "SDK",
    target: "wuying_codespace",
    data: { method: "run_code", mode: "stream", params: { language: "javascript", code, timeoutS: 600 } }
  })

const opened = Effect.gen(function*() {
  const { endpoint } = yield* LocalAgb.LocalAgb
  const port = Number(new URL(endpoint).port)
  const post = (target: string, body: object) =>
    Effect.promise((signal) =>
      fetch(`${endpoint}${target}`, { method: "POST", headers, body: JSON.stringify(body), signal })
        .then((response) => response.text())
    )
  const created = JSON.parse(yield* post("/mcp/createSession?imageId=code_latest", {})) as {
    readonly data: { readonly sessionId: string; readonly token: string }
  }
  const { sessionId, token } = created.data
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => Net.connect(port, "127.0.0.1").on("error", () => {})),
    (socket) => Effect.sync(() => socket.destroy())
  )
  const [handshake = ""] = requestBytes(port, {
    target: `/ws/${sessionId}`,
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "x-access-token": token
    }
  })
  const answered = Effect.promise(() => new Promise<string>((done) => socket.once("data", (it) => done(String(it)))))
  socket.write(handshake)
  assert.match(yield* answered, /^HTTP\/1\.1 101 /)
  const closed = Effect.promise(() => new Promise<void>((done) => void socket.once("close", () => done())))
  const isCut = Effect.map(Effect.timeoutOption(closed, "4 seconds"), Option.isSome)
  const run = post("/mcp", { sessionId, name: "run_code", args: { code: "6 * 7", language: "javascript" } })
  return { isCut, run, socket }
})

const withServer = <A, E>(limits: LocalAgb.Options["server"], body: Effect.Effect<A, E, LocalAgb.LocalAgb>) =>
  Effect.provide(
    body,
    Layer.provideMerge(
      serverLayer({ apiKey: Redacted.make(apiKey), poolSize: 0, server: limits }),
      Logger.minimumLogLevel(LogLevel.None)
    )
  )

describe("a WebSocket", () => {
  it.live("that announces a message without end is cut before it comes", () =>
    withServer(
      { frameBytes: 10_000 },
      Effect.scoped(Effect.gen(function*() {
        const { isCut, socket } = yield* opened
        socket.resume()
        socket.write(frame(text, "x", 20_000))
        assert.isTrue(yield* isCut)
      }))
    ))

  it.live("that gives no sign of life is cut", () =>
    withServer(
      { heartbeat: "200 millis" },
      Effect.scoped(Effect.gen(function*() {
        const { isCut, socket } = yield* opened
        socket.resume()
        assert.isTrue(yield* isCut)
      }))
    ))

  it.live("whose client is gone leaves no run behind", () =>
    withServer(
      {},
      Effect.scoped(Effect.gen(function*() {
        const { run, socket } = yield* opened
        assert.include(yield* run, "42")
        const begun = new Promise<void>((done) =>
          socket.on("data", (bytes) => {
            if (bytes.includes("it has begun")) done()
          })
        )
        socket.write(
          frame(text, start("console.log('it has begun'); await new Promise(() => setTimeout(() => {}, 6e5))"))
        )
        yield* Effect.promise(() => begun)
        socket.destroy()
        const next = yield* Effect.timeoutOption(run, "10 seconds")
        assert.include(Option.getOrElse(next, () => "the run goes on"), "42")
      }))
    ))
})
