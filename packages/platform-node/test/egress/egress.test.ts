/** The way out of a session: what it carries, for real programs inside and over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as Crypto from "node:crypto"
import { availableLanguages, nodeOnly } from "../../src/internal/sandbox/confine/interpreters.js"
import { findInterpreters } from "../../src/internal/sandbox/languages/interpreterSearch.js"
import { make } from "../../src/internal/sandbox/sandbox.js"
import { type Isolation, probeAll } from "../../src/Isolation.js"
import {
  connect,
  get,
  outside,
  serve,
  shell,
  socks,
  socksAnswer,
  somewhere,
  talk
} from "../support/processes/outside.js"
import { until } from "../support/processes/processes.js"

const found = await Effect.runPromise(probeAll)
const isFirstOfItsKind = ({ mechanism }: Isolation, index: number) =>
  found.findIndex((other) => other.mechanism === mechanism) === index
const isolations = found.filter(isFirstOfItsKind).map((isolation) => [isolation.mechanism, isolation] as const)

const sha256 = (bytes: Uint8Array | string) => Crypto.createHash("sha256").update(bytes).digest("hex")

/** Answers only when it has heard the end, with what it has heard. */
const echo = serve((socket) => {
  const chunks: Array<Buffer> = []
  socket.on("data", (chunk) => chunks.push(chunk))
  socket.on("end", () => socket.end(Buffer.concat(chunks)))
})

/** Answers one request, and shows in the answer what it was asked. */
const web = serve((socket) => {
  let seen = ""
  socket.on("data", (chunk) => {
    seen += chunk.toString("latin1")
    if (!seen.includes("\r\n\r\n")) return
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${seen.length}\r\nConnection: close\r\n\r\n${seen}`)
  })
})

describe.skipIf(isolations.length === 0).each(isolations)("the way out, %s,", (_, isolation) => {
  const start = (egress: ReturnType<typeof outside>["egress"]) => make({ isolation, interpreters: nodeOnly, egress })

  it.live("takes requests as an HTTP proxy, and hands them on as the server expects them", () =>
    Effect.gen(function*() {
      const { port } = yield* web
      const { dialled, egress } = outside({ "example.com": [somewhere] })
      const sandbox = yield* start(egress)
      const answer = yield* talk(sandbox, get("example.com", port, "/a?b=c"))
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
      assert.include(answer, "\r\n\r\nGET /a?b=c HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
      assert.notInclude(answer, "Proxy-Authorization")
      assert.deepStrictEqual(dialled, [`${somewhere} ${port}`])
    }).pipe(Effect.scoped))

  it.live("takes streams through CONNECT and SOCKS5, by name and by address, and keeps one half open", () =>
    Effect.gen(function*() {
      const { port } = yield* echo
      const { dialled, egress } = outside({ "example.com": ["2606:2800:220:1::1"] })
      const sandbox = yield* start(egress)
      const established = "HTTP/1.1 200 Connection established\r\n\r\nhello"
      assert.strictEqual(yield* talk(sandbox, connect("example.com", port, "hello"), "end"), established)
      assert.strictEqual(yield* talk(sandbox, connect("2606:2800:220:1::2", port, "hello"), "end"), established)
      assert.strictEqual(yield* talk(sandbox, socks("example.com", port, "hello"), "end"), `${socksAnswer(0)}hello`)
      assert.strictEqual(yield* talk(sandbox, socks(somewhere, port, "hello"), "end"), `${socksAnswer(0)}hello`)
      const addresses = ["2606:2800:220:1:0:0:0:1", "2606:2800:220:1:0:0:0:2", "2606:2800:220:1:0:0:0:1", somewhere]
      assert.deepStrictEqual(dialled, addresses.map((address) => `${address} ${port}`))
    }).pipe(Effect.scoped))

  it.live("is named by the environment, and its own loopback is not part of it", () =>
    Effect.gen(function*() {
      const sandbox = yield* start(outside().egress)
      const told = (yield* shell(sandbox, "env | grep -i _proxy= | sort -f")).toString().trim().split("\n")
      const proxy = "http://127.0.0.1:3128"
      for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]) {
        assert.includeMembers(told, [`${name}=${proxy}`, `${name.toLowerCase()}=${proxy}`])
      }
      assert.isTrue(told.some((line) => /^no_proxy=.*localhost.*127\.0\.0\.1/.test(line)))
      const served = "require(\"http\").createServer((_, r) => r.end(\"inside\")).listen(8000)"
      const fetched = "fetch(\"http://127.0.0.1:8000\").then((it) => it.text()).then(console.log)"
      const inside = yield* shell(
        sandbox,
        `node -e '${served}' & until node -e '${fetched}' 2>&-; do sleep 0.1; done; kill $!`
      )
      assert.strictEqual(inside.toString(), "inside\n")
    }).pipe(Effect.scoped))

  it.live("says why there is no connection", () =>
    Effect.gen(function*() {
      const { egress } = outside({ "unknown.example": [] })
      const sandbox = yield* start(egress)
      const closed = yield* Effect.scoped(Effect.map(echo, ({ port }) => port))
      assert.match(yield* talk(sandbox, get(somewhere, closed)), /^HTTP\/1\.1 502 .*refused the connection\n$/s)
      assert.strictEqual(yield* talk(sandbox, socks(somewhere, closed)), socksAnswer(5))
      assert.match(yield* talk(sandbox, get("unknown.example", 80)), /^HTTP\/1\.1 502 .*has no address\n$/s)
      assert.strictEqual(yield* talk(sandbox, socks("unknown.example", 80)), socksAnswer(4))
    }).pipe(Effect.scoped))

  it.live("takes nonsense for what it is", () =>
    Effect.gen(function*() {
      const { asked, dialled, egress } = outside()
      const sandbox = yield* start(egress)
      const bad: ReadonlyArray<string> = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET https://a/ HTTP/1.1\r\n\r\n",
        "GET http://user:word@a/ HTTP/1.1\r\n\r\n",
        "GET http://:80/ HTTP/1.1\r\n\r\n",
        "GET http://a:65536/ HTTP/1.1\r\n\r\n",
        "CONNECT a HTTP/1.1\r\n\r\n",
        "CONNECT a:0 HTTP/1.1\r\n\r\n",
        `CONNECT ${"a".repeat(256)}:1 HTTP/1.1\r\n\r\n`,
        "GET http://a/ HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "\x16\x03\x01\r\n\r\n"
      ]
      for (const text of bad) assert.match(yield* talk(sandbox, text), /^HTTP\/1\.1 400 /, text)
      const long = `node -e 'process.stdout.write("GET http://a/ HTTP/1.1\\r\\nA: " + "b".repeat(70000))' | node -e '
        const s = require("net").connect(3128, "127.0.0.1"); process.stdin.pipe(s, { end: false }); s.pipe(process.stdout)'`
      assert.match((yield* shell(sandbox, long)).toString(), /^HTTP\/1\.1 431 /)
      assert.strictEqual(yield* talk(sandbox, Buffer.from([5, 1, 2])), "\x05\xff")
      assert.strictEqual(yield* talk(sandbox, socks("a", 80, "", 2)), socksAnswer(7))
      assert.strictEqual(yield* talk(sandbox, socks("", 80)), socksAnswer(8))
      assert.strictEqual(yield* talk(sandbox, socks("a", 0)), socksAnswer(8))
      assert.deepStrictEqual([...asked, ...dialled], [])
    }).pipe(Effect.scoped))

  it.live("carries a lot, both ways at once", () =>
    Effect.gen(function*() {
      const down = Crypto.randomBytes(24_000_000)
      const up = "0123456789abcdef".repeat(1_500_000)
      let heard = ""
      const { port } = yield* serve((socket) => {
        const hash = Crypto.createHash("sha256")
        socket.on("data", (chunk) => hash.update(chunk))
        socket.on("end", () => heard = hash.digest("hex"))
        socket.end(down)
      })
      const sandbox = yield* start(outside().egress)
      const program = `
        const { createHash } = require("node:crypto")
        const socket = require("node:net").connect({ port: 3128, host: "127.0.0.1", allowHalfOpen: true })
        const hash = createHash("sha256")
        socket.write("CONNECT ${somewhere}:${port} HTTP/1.1\\r\\n\\r\\n")
        socket.end("0123456789abcdef".repeat(1500000))
        let greeting = 39
        socket.on("data", (chunk) => {
          hash.update(chunk.subarray(Math.min(greeting, chunk.length)))
          greeting = Math.max(0, greeting - chunk.length)
        })
        socket.on("end", () => console.log(hash.digest("hex")))`
      yield* sandbox.call({ op: "writeFile", path: "/tmp/both.cjs", mode: "overwrite" }, Buffer.from(program))
      assert.strictEqual((yield* shell(sandbox, "node /tmp/both.cjs", 50_000)).toString().trim(), sha256(down))
      assert.isTrue(yield* until(() => heard === sha256(up)))
    }).pipe(Effect.scoped))
})

describe.skipIf(isolations.length === 0)("the way out", () => {
  const isolation = found[0]!
  const start = (egress: ReturnType<typeof outside>["egress"]) => make({ isolation, interpreters: nodeOnly, egress })
  const run = (program: string) => `node -e '${program}' >/dev/null 2>&1 &`
  const open = (port: number) =>
    `const s = require("net").connect(3128, "127.0.0.1"); s.write("CONNECT ${somewhere}:${port} HTTP/1.1\\r\\n\\r\\n");`

  /** More than all buffers on the way together, and much less than what waits to be sent. */
  const enough = 40_000_000

  it.live("waits for a program that does not read, and nothing else does", () =>
    Effect.gen(function*() {
      let left = 0
      const { port } = yield* serve((socket) => {
        const send = (error?: Error | null) => {
          if (error) return
          left += 1_000_000
          socket.write(Buffer.alloc(1_000_000), send)
        }
        send()
      })
      const sandbox = yield* start(outside().egress)
      yield* shell(sandbox, run(`${open(port)} s.pause(); setInterval(() => 0, 1000)`))
      assert.isTrue(yield* until(() => left > 0))
      yield* stands(() => left)
      assert.isBelow(left, enough)
      assert.strictEqual((yield* shell(sandbox, "echo still here")).toString(), "still here\n")
    }).pipe(Effect.scoped))

  it.live("waits for a server that does not read", () =>
    Effect.gen(function*() {
      const { port } = yield* serve((socket) => socket.pause())
      const sandbox = yield* start(outside().egress)
      const count = "require(\"fs\").writeFileSync(\"/tmp/left\", String(left += 1e6))"
      yield* shell(
        sandbox,
        run(
          `let left = 0; ${open(port)} const send = () => s.write(Buffer.alloc(1e6), () => (${count}, send())); send()`
        )
      )
      let left = 0
      const look = Effect.map(shell(sandbox, "cat /tmp/left"), (text) => left = Number(text.toString()))
      yield* Effect.repeat(look, { until: (now) => now > 0 })
      let before = 0
      do {
        before = left
        yield* Effect.zipRight(Effect.sleep("500 millis"), look)
      } while (left !== before && left < enough)
      assert.isBelow(left, enough)
    }).pipe(Effect.scoped))

  it.live("carries thousands of short connections, more at once than it makes", () =>
    Effect.gen(function*() {
      const { port, sockets, visits } = yield* web
      const sandbox = yield* start(outside().egress)
      const program = `
        let [started, done, good] = [0, 0, 0]
        const go = () => {
          if (started++ >= 2000) return
          const socket = require("net").connect(3128, "127.0.0.1")
          let seen = ""
          socket.write("GET http://${somewhere}:${port}/ HTTP/1.1\\r\\n\\r\\n")
          socket.on("data", (chunk) => seen += chunk)
          socket.on("error", () => {})
          socket.on("close", () => {
            if (seen.startsWith("HTTP/1.1 200 OK")) good++
            if (++done === 2000) console.log(good)
            else go()
          })
        }
        for (let index = 0; index < 400; index++) go()`
      assert.strictEqual((yield* shell(sandbox, `node -e '${program}'`, 500_000)).toString(), "2000\n")
      assert.strictEqual(visits(), 2000)
      assert.isTrue(yield* until(() => sockets.size === 0))
    }).pipe(Effect.scoped), 600_000)

  it.live("makes 128 connections at a time, and the others when there is room", () =>
    Effect.gen(function*() {
      const { port, sockets, visits } = yield* serve(() => {})
      const sandbox = yield* start(outside().egress)
      yield* shell(sandbox, run(`for (let index = 0; index < 140; index++) { ${open(port)} s.on("end", () => 0) }`))
      assert.isTrue(yield* until(() => sockets.size === 128))
      yield* Effect.sleep("200 millis")
      assert.strictEqual(visits(), 128)
      for (const socket of [...sockets].slice(0, 20)) socket.resetAndDestroy()
      assert.isTrue(yield* until(() => visits() === 140))
      assert.strictEqual((yield* shell(sandbox, "echo well")).toString(), "well\n")
    }).pipe(Effect.scoped))

  it.live("breaks off inside what breaks off outside, and outside what breaks off inside", () =>
    Effect.gen(function*() {
      let broken = ""
      const { port } = yield* serve((socket) => {
        socket.on("error", (error: NodeJS.ErrnoException) => broken = error.code ?? "")
        socket.on("data", (chunk) => chunk.toString() === "break off" ? socket.resetAndDestroy() : undefined)
      })
      const sandbox = yield* start(outside().egress)
      const client = `node -e '${open(port)} s.once("data", () => s.write("break off"));
        s.on("end", () => console.log("end")); s.on("error", (error) => console.log(error.code))'`
      assert.strictEqual((yield* shell(sandbox, client)).toString(), "ECONNRESET\n")
      yield* shell(sandbox, run(`${open(port)} s.once("data", () => setTimeout(() => s.resetAndDestroy(), 200))`))
      assert.isTrue(yield* until(() => broken === "ECONNRESET"))
    }).pipe(Effect.scoped))

  it.live("ends with the session, and with it every connection", () =>
    Effect.gen(function*() {
      const { port, sockets } = yield* serve((socket) => socket.on("data", () => {}))
      const scope = yield* Scope.make()
      const sandbox = yield* Scope.extend(start(outside().egress), scope)
      yield* shell(sandbox, run(`for (let index = 0; index < 50; index++) { ${open(port)} }`))
      assert.isTrue(yield* until(() => sockets.size === 50))
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(yield* until(() => sockets.size === 0))
    }).pipe(Effect.scoped))

  it.live("that one session floods does not hold up another", () =>
    Effect.gen(function*() {
      const { port } = yield* web
      const { egress } = outside({ "example.com": [somewhere] })
      const [neighbour, hostile] = yield* Effect.all([start(egress), start(egress)])
      const flood = `const go = () => { const s = require("net").connect(3128, "127.0.0.1");
        s.write("CONNECT 127.0.0.1:1 HTTP/1.1\\r\\n\\r\\n"); s.on("error", () => 0); s.on("close", go); s.resume() }
        for (let index = 0; index < 500; index++) go()`
      yield* shell(hostile, run(flood))
      for (let round = 0; round < 5; round++) {
        assert.strictEqual((yield* shell(neighbour, "echo hello", 10_000)).toString(), "hello\n")
        assert.match(yield* talk(neighbour, get("example.com", port)), /^HTTP\/1\.1 200 OK/)
      }
      assert.isFalse(yield* hostile.isLost)
    }).pipe(Effect.scoped))
})

const interpreters = isolations.length === 0
  ? nodeOnly
  : await Effect.runPromise(findInterpreters(found[0]!.confinement))
const languages = availableLanguages(interpreters)

/** What finds the proxy by itself; Node does not before version 24. */
const programs = [
  ["python", (url: string) => `import urllib.request\nurllib.request.urlopen("${url}").read().decode()`],
  ["java", (url: string) => `new String(new java.net.URL("${url}").openStream().readAllBytes())`],
  ["r", (url: string) => `readLines("${url}", warn = FALSE)`]
] as const

describe("the way out is found by itself", () => {
  for (const [language, program] of programs) {
    it.live.skipIf(isolations.length === 0 || !languages.includes(language))(
      `by ${language}`,
      () =>
        Effect.gen(function*() {
          const { port, visits } = yield* web
          const { egress } = outside({ "example.com": [somewhere] })
          const sandbox = yield* make({ isolation: found[0]!, interpreters, egress })
          const code = program(`http://example.com:${port}/page`)
          const { value } = yield* sandbox.call({ op: "runCode", language, code, timeoutMs: 30_000 })
          assert.include(JSON.stringify(value), "GET /page HTTP/1.1")
          assert.strictEqual(visits(), 1)
        }).pipe(Effect.scoped)
    )
  }
})

/** Waits until a number has stopped growing. */
const stands = (read: () => number) =>
  Effect.gen(function*() {
    for (let before = -1; before !== read() && read() < 1e9;) {
      before = read()
      yield* Effect.sleep("500 millis")
    }
  })
