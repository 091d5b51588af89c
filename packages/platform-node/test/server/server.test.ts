/** What the server of the local runtime does with clients that are wrong, too big, too slow or too many. */
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as Net from "node:net"
import { jsonCost } from "../../src/internal/agentWire/jsonLimits.js"
import { type RawReply, requestBytes, sendBytes, sendRequest } from "../support/rawHttp.js"
import { best, serverLayer } from "../support/runtime.js"
import { type Envelope, isLast, start, talkTo, toolAnswer, wire, wireTo } from "../support/wire.js"

const bodyOf = ({ text }: RawReply): Envelope => JSON.parse(text.slice(text.lastIndexOf("\r\n\r\n") + 4))

const idOf = ({ text }: RawReply) => /^x-request-id: (.+)\r$/im.exec(text)?.[1]

/** Every refusal is an envelope with an id, also where Node would have answered by itself. */
const isRefusal = (reply: RawReply, status: number, message: RegExp) => {
  assert.deepStrictEqual(reply.statuses.filter((status) => status !== 100), [status], reply.text)
  const envelope = bodyOf(reply)
  assert.deepInclude(envelope, { success: false, httpStatusCode: status })
  assert.match(envelope.message, message)
  assert.strictEqual(idOf(reply), envelope.requestId)
}

const json = { "content-type": "application/json" }

layer(serverLayer(), { excludeTestServices: true })("the server", (it) => {
  const keyed = Effect.map(
    wire,
    ({ apiKey, port }) => ({ port, right: { authorization: `Bearer ${apiKey}`, ...json } })
  )

  const list = { target: "/sdk/ListSession" }

  it.effect("says in each reply how long it took, and how long the sandbox", () =>
    Effect.gen(function*() {
      const { callTool, createSession } = yield* wire
      const reply = yield* callTool(yield* createSession, "shell", { command: "sleep 0.2", timeout_ms: 5000 })
      const [, total, sandbox] = /^total;dur=([\d.]+), sandbox;dur=([\d.]+)$/.exec(
        reply.headers.get("server-timing") ?? ""
      ) ?? []
      assert.isAbove(Number(sandbox), 190)
      assert.isAtLeast(Number(total), Number(sandbox))
    }))

  const bodies: ReadonlyArray<readonly [string, Record<string, string>, string | Buffer, number, RegExp]> = [
    ["a compressed body", { "content-encoding": "gzip" }, "{}", 415, /not decompressed/],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }, "{}", 415, /application\/json/],
    ["a form in parts", { "content-type": "multipart/form-data; boundary=x" }, "{}", 415, /application\/json/],
    ["a text", { "content-type": "Text/Plain;charset=utf-8" }, "{}", 415, /application\/json/],
    ["no JSON", {}, "{", 400, /JSON object/],
    ["no UTF-8", {}, Buffer.from("{\"imageId\":\"\xff\"}", "latin1"), 400, /UTF-8/],
    ["a body nested deeply", {}, "[".repeat(1_000_000), 400, /nested deeper than 100/],
    ["an object nested deeply", {}, "{\"a\":".repeat(101), 400, /nested deeper than 100/],
    ["an unknown expectation", { expect: "a miracle" }, "{}", 417, /100-continue/]
  ]

  it.effect("refuses bodies that it does not read", () =>
    Effect.gen(function*() {
      const { port, right } = yield* keyed
      for (const [title, headers, body, status, message] of bodies) {
        const request = { method: "POST", target: "/mcp/createSession", headers: { ...right, ...headers }, body }
        const reply = yield* sendRequest(port, request)
        assert.strictEqual(reply.statuses.at(-1), status, title)
        isRefusal(reply, status, message)
      }
    }))

  it.effect("takes what is nested in a text, and an empty body", () =>
    Effect.gen(function*() {
      const { port, right } = yield* keyed
      const deep = JSON.stringify({ sessionId: "s", name: "shell", args: "[".repeat(100_000) })
      const reply = yield* sendRequest(port, { method: "POST", target: "/mcp", headers: right, body: deep })
      isRefusal(reply, 400, /args must be/)
      const empty = yield* sendRequest(port, { method: "POST", target: "/mcp/getSession", headers: right })
      isRefusal(empty, 400, /sessionId must be present/)
    }))

  it.effect("lets a client go on only when nothing speaks against its request", () =>
    Effect.gen(function*() {
      const { port, right } = yield* keyed
      const expecting = { ...right, expect: "100-continue", "content-length": "18" }
      const request = { method: "POST", target: "/mcp/getSession", body: "{\"sessionId\":\"s-\"}" }
      const good = yield* sendRequest(port, { ...request, headers: expecting })
      assert.deepStrictEqual(good.statuses, [100, 404])
      const keyless = yield* sendRequest(port, { ...request, headers: { ...expecting, authorization: "" } })
      assert.deepStrictEqual(keyless.statuses, [401])
      const huge = { ...expecting, "content-length": String(2 ** 40) }
      isRefusal(yield* sendRequest(port, { ...request, headers: huge }), 413, /larger than/)
    }))

  it.effect("understands requests of every form", () =>
    Effect.gen(function*() {
      const { port, right } = yield* keyed
      const forms: ReadonlyArray<{ readonly target: string; readonly headers?: Record<string, string> }> = [
        { ...list, target: `http://127.0.0.1:${port}/sdk/ListSession` },
        { ...list, target: `HTTP://LOCALHOST:${port}/sdk/ListSession?maxResults=1` },
        { ...list, headers: { host: `localhost:${port}` } },
        { ...list, headers: { host: `[::1]:${port}` } }
      ]
      for (const form of forms) {
        const reply = yield* sendRequest(port, { ...form, headers: { ...right, ...form.headers } })
        assert.deepStrictEqual(reply.statuses, [200], reply.text)
      }
      const old =
        `GET /sdk/ListSession HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nauthorization: ${right.authorization}\r\n\r\n`
      const reply = yield* sendBytes(port, [old])
      assert.deepStrictEqual([reply.statuses, reply.ended], [[200], true])
    }))

  it.effect("answers pipelined requests in their order", () =>
    Effect.gen(function*() {
      const { port, right } = yield* keyed
      const one = (target: string) => requestBytes(port, { target, headers: { ...right, connection: "keep-alive" } })[0]
      const last = requestBytes(port, { ...list, headers: right })[0]
      const targets = ["/sdk/ListSession", "/nowhere", "/sdk/GetLabel?sessionId=x", "/sdk/ListSession"]
      const reply = yield* sendBytes(port, [[...targets.map(one), last].join("")])
      assert.deepStrictEqual(reply.statuses, [200, 404, 404, 200, 200])
    }))

  const malformed = (port: number): ReadonlyArray<readonly [string, string, number, RegExp]> => [
    ["no HTTP", "\0\x01\x02\r\n\r\n", 400, /no HTTP/],
    ["two lengths", `GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400, /no HTTP/],
    ["length and chunks", `GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 400, /no HTTP/],
    ["headers too large", `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431, /headers are too large/],
    ["an address too long", `GET /${"x".repeat(20_000)} HTTP/1.1\r\n\r\n`, 431, /headers are too large/],
    ["two hosts", `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nHost: evil\r\n\r\n`, 400, /host must not be repeated/],
    ["no host", "GET / HTTP/1.1\r\n\r\n", 403, /Host header/],
    [
      "another host in its first line",
      `GET http://evil/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
      403,
      /Host header/
    ],
    ["a tunnel", `CONNECT evil:80 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`, 405, /no proxy/],
    [
      "another protocol",
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n`,
      404,
      /nothing to upgrade to/
    ]
  ]

  it.effect("refuses what is malformed in an envelope", () =>
    Effect.gen(function*() {
      const { port } = yield* keyed
      for (const [title, bytes, status, message] of malformed(port)) {
        const reply = yield* sendBytes(port, [Buffer.from(bytes, "latin1")], 1000)
        assert.deepStrictEqual([title, ...reply.statuses], [title, status])
        isRefusal(reply, status, message)
      }
    }))

  it.effect("refuses a body that breaks off into nonsense, in an envelope", () =>
    Effect.gen(function*() {
      const { port, right } = yield* keyed
      const [head] = requestBytes(port, {
        method: "POST",
        target: "/mcp/createSession",
        headers: { ...right, "transfer-encoding": "chunked" }
      })
      isRefusal(yield* sendBytes(port, [`${head}2\r\n{}\r\nnonsense\r\n`]), 400, /no HTTP/)
    }))

  it.effect("has no other methods", () =>
    Effect.gen(function*() {
      const { port, right } = yield* keyed
      for (const method of ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"]) {
        isRefusal(yield* sendRequest(port, { method, target: "/mcp", headers: right }), 404, /no such endpoint/)
      }
      const head = yield* sendRequest(port, { method: "HEAD", target: "/mcp", headers: right })
      assert.deepStrictEqual([head.statuses, head.text.endsWith("\r\n\r\n")], [[404], true])
    }))
})

const impatient = {
  headers: "300 millis",
  body: "300 millis",
  stall: "400 millis",
  idle: "300 millis",
  bodyBytes: 100_000,
  connections: 40
} as const

/** Sends a byte every so often until the server has had enough. */
const drip = (port: number, head: string) =>
  Effect.async<RawReply>((resume) => {
    const socket = Net.connect(port, "127.0.0.1")
    let text = ""
    socket.write(head)
    const timer = setInterval(() => socket.write("x"), 50)
    socket.on("data", (chunk) => text += chunk.toString())
    socket.on("error", () => {})
    socket.on("close", () => {
      clearInterval(timer)
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
      resume(Effect.succeed({ statuses, text, ended: true }))
    })
    return Effect.sync(() => socket.destroy())
  })

const connect = (port: number) =>
  Effect.acquireRelease(
    Effect.async<Net.Socket>((resume) => {
      const socket = Net.connect(port, "127.0.0.1", () => resume(Effect.succeed(socket)))
      socket.on("error", () => {})
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const closed = (socket: Net.Socket) =>
  Effect.async<void>((resume) => {
    if (socket.destroyed) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
    socket.resume()
  })

layer(serverLayer({ server: impatient }), { excludeTestServices: true })(
  "an impatient server",
  (it) => {
    const post = (port: number, apiKey: string, length: number, target = "/mcp/createSession") =>
      String(
        requestBytes(port, {
          method: "POST",
          target,
          headers: {
            authorization: `Bearer ${apiKey}`,
            ...json,
            "content-length": String(length),
            connection: "keep-alive"
          }
        })[0]
      )

    it.effect("cuts a client whose headers do not come to an end", () =>
      Effect.gen(function*() {
        const { port } = yield* wire
        isRefusal(yield* drip(port, `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: `), 408, /not there in time/)
      }))

    it.effect("cuts a client that says nothing", () =>
      Effect.gen(function*() {
        const { port } = yield* wire
        isRefusal(yield* sendBytes(port, []), 408, /not there in time/)
      }))

    it.effect("cuts a client whose body comes byte by byte", () =>
      Effect.gen(function*() {
        const { apiKey, port } = yield* wire
        isRefusal(yield* drip(port, post(port, apiKey, 10_000)), 408, /the body was not there/)
      }))

    it.effect("refuses a body that is too large, announced or not", () =>
      Effect.gen(function*() {
        const { apiKey, port } = yield* wire
        const body = Buffer.alloc(100_001, " ")
        isRefusal(yield* sendBytes(port, [post(port, apiKey, body.length), body]), 413, /larger than 100000 bytes/)
        const head = post(port, apiKey, 0).replace("content-length: 0", "transfer-encoding: chunked")
        const chunked = `${head}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
        isRefusal(yield* sendBytes(port, [chunked]), 413, /larger than 100000 bytes/)
      }))

    it.scoped("cuts a client that takes nothing of its reply", () =>
      Effect.gen(function*() {
        const { apiKey, callTool, createSession, port } = yield* wire
        const session = yield* createSession
        yield* callTool(session, "shell", { command: "head -c 16000000 /dev/zero > /tmp/big", timeout_ms: 30_000 })
        const args = JSON.stringify({ path: "/tmp/big", format: "binary" })
        const body = JSON.stringify({ sessionId: session.sessionId, name: "read_file", args })
        const socket = yield* connect(port)
        socket.pause()
        socket.write(post(port, apiKey, Buffer.byteLength(body), "/mcp") + body)
        const buffered = Effect.delay(Effect.sync(() => socket.readableLength), "100 millis")
        yield* Effect.repeat(buffered, { until: (bytes) => bytes > 0 })
        yield* Effect.repeat(buffered, { times: 40 })
        let received = 0
        socket.on("data", (chunk) => received += chunk.length)
        yield* closed(socket)
        assert.isAbove(received, 10_000)
        assert.isBelow(received, 21_000_000)
      }))

    it.effect("lets a call take its time", () =>
      Effect.gen(function*() {
        const { callTool, createSession } = yield* wire
        const reply = yield* callTool(yield* createSession, "shell", {
          command: "sleep 1; echo done",
          timeout_ms: 5000
        })
        assert.strictEqual(toolAnswer(reply).value.stdout, "done\n")
      }))

    it.scoped("cuts connections beyond their number, and goes on", () =>
      Effect.gen(function*() {
        const { apiKey, port } = yield* wire
        const crowd = yield* Effect.forEach(Array.from({ length: 60 }), () => connect(port))
        yield* Effect.forEach(crowd, closed, { concurrency: "unbounded" })
        const reply = yield* sendRequest(port, {
          target: "/sdk/ListSession",
          headers: { authorization: `Bearer ${apiKey}` }
        })
        assert.deepStrictEqual(reply.statuses, [200])
      }))
  }
)

describe("a server that keeps four strangers", () => {
  const apiKey = "akm-four-strangers"

  const portOf = (headers: "4 seconds" | "5 minutes") =>
    Effect.map(
      LocalAgb.make({ isolation: best, poolSize: 0, server: { unauthenticatedConnections: 4, headers }, apiKey }),
      ({ endpoint }) => Number(new URL(endpoint).port)
    )

  const ask = (port: number, socket: Net.Socket) =>
    Effect.async<string>((resume) => {
      socket.once("data", (chunk) => resume(Effect.succeed(chunk.toString().slice(0, 15))))
      socket.once("close", () => resume(Effect.succeed("closed")))
      const headers = { authorization: `Bearer ${apiKey}`, connection: "keep-alive" }
      socket.write(requestBytes(port, { target: "/sdk/ListSession", headers })[0] ?? "")
    })

  it.live("cuts the oldest of more", () =>
    Effect.scoped(Effect.gen(function*() {
      const port = yield* portOf("4 seconds")
      const known = yield* connect(port)
      yield* ask(port, known)
      const strangers = yield* Effect.forEach(Array.from({ length: 5 }), () => connect(port))
      yield* closed(strangers[0] as Net.Socket)
      assert.deepStrictEqual(strangers.slice(1).map(({ destroyed }) => destroyed), [false, false, false, false])
      assert.isFalse(known.destroyed)
    })))

  it.live("lets more of them connect at once who then show a key", () =>
    Effect.scoped(Effect.gen(function*() {
      const port = yield* portOf("5 minutes")
      const sockets = yield* Effect.forEach(Array.from({ length: 40 }), () => connect(port))
      const replies = yield* Effect.forEach(sockets, (socket) => ask(port, socket), { concurrency: "unbounded" })
      assert.deepStrictEqual([...new Set(replies)], ["HTTP/1.1 200 OK"])
    })))
})

describe("the end of the server", () => {
  const runtime = (drain: "5 seconds" | "200 millis") =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const options = { isolation: best, poolSize: 0, server: { drain }, apiKey: "akm-the-end" } as const
      const { endpoint } = yield* Scope.extend(LocalAgb.make(options), scope)
      const client = wireTo(endpoint, options.apiKey)
      return { ...client, end: Scope.close(scope, Exit.void), options: { ...options, port: client.port } }
    })

  it.live("lets calls in flight finish, and takes no new ones", () =>
    Effect.gen(function*() {
      const { callTool, createSession, end, port } = yield* runtime("5 seconds")
      const session = yield* createSession
      const { frames, send, until } = yield* talkTo(session)
      const waits = {
        language: "javascript",
        code: "console.log('begun'); await new Promise((on) => setTimeout(on, 600)); 'done'"
      }
      send(start("a", waits))
      const call = yield* Effect.fork(callTool(session, "shell", { command: "sleep 0.6; echo done", timeout_ms: 5000 }))
      yield* until((frames) => frames.length > 0)
      yield* Effect.sleep("100 millis")
      const ending = yield* Effect.fork(end)
      yield* Effect.sleep("50 millis")
      assert.deepStrictEqual((yield* sendRequest(port, { target: "/" })).statuses, [])
      send(start("b", waits))
      assert.strictEqual(toolAnswer(yield* call).value.stdout, "done\n")
      yield* ending
      const last = frames.filter(({ data }) => isLast(data)).map(({ data, invocationId }) => [
        invocationId,
        data.status ?? data.code
      ])
      assert.sameDeepMembers(last, [["a", "finished"], ["b", "ServerStopping"]])
    }).pipe(Effect.scoped))

  it.live("interrupts what takes longer, says so, and leaves the port", () =>
    Effect.gen(function*() {
      const { callTool, createSession, end, options } = yield* runtime("200 millis")
      const session = yield* createSession
      const { call, closed, until } = yield* talkTo(session)
      const endless = { language: "javascript", code: "console.log('begun'); while (true) {}" }
      const run = yield* Effect.fork(call("a", endless))
      const command = yield* Effect.fork(callTool(session, "shell", { command: "sleep 50", timeout_ms: 60_000 }))
      yield* until((frames) => frames.length > 0)
      yield* end
      const { json, status } = yield* command
      assert.deepStrictEqual([status, json.code], [503, "ServerStopping"])
      assert.deepInclude((yield* run).at(-1), { phase: "error", code: "ServerStopping" })
      assert.strictEqual((yield* closed).code, 1001)
      yield* Effect.scoped(LocalAgb.make(options))
    }).pipe(Effect.scoped))
})

describe("the depth of JSON, and its cost", () => {
  const cases: ReadonlyArray<readonly [string, number, boolean]> = [
    ["[[]]", 2, true],
    ["[[[]]]", 2, false],
    ["[[],[],{\"a\":[]}]", 3, true],
    ["{\"a\":\"[[[[\"}", 1, true],
    ["{\"a\\\"[[[[\":1}", 1, true],
    ["{\"a\\\\\":[[]]}", 2, false],
    ["\"", 1, true],
    ["", 1, true]
  ]

  it.each(cases)("%s within %i: %s", (text, limit, expected) => {
    assert.strictEqual(jsonCost(Buffer.from(text), { depth: limit, cost: 100 }) !== Infinity, expected)
  })

  const costs: ReadonlyArray<readonly [string, number]> = [
    ["1", 0],
    ["[1,2]", 9],
    ["{\"a\":[],\"b\":{}}", 41],
    ["\"[[{{,,::\"", 0]
  ]

  it.each(costs)("%s costs %i", (text, expected) => {
    assert.strictEqual(jsonCost(Buffer.from(text), { depth: 9, cost: expected }), expected)
    if (expected > 0) {
      assert.strictEqual(jsonCost(Buffer.from(text), { depth: 9, cost: expected - 1 }), Infinity)
    }
  })
})
