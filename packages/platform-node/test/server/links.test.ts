/** Links to ports inside sessions, over real sockets. */
import { Agb, Session } from "@effect-agb/core"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, TestServices } from "effect"
import * as Crypto from "node:crypto"
import * as Net from "node:net"
import { buffer } from "node:stream/consumers"
import { failsWith } from "../support/failsWith.js"
import { best, layerWith, none } from "../support/runtime.js"

/**
 * A web server inside: echoes what it is asked, serves five megabytes, and on upgrade turns a socket into an echo or
 * serves them once the client has said its last word.
 */
const program = `
const http = require("node:http")
const { createHash, randomBytes } = require("node:crypto")
const big = randomBytes(5_000_000)
const server = http.createServer((request, response) => {
  if (request.url === "/big") return response.end(big)
  if (request.url === "/slow") { response.write("first"); return }
  const chunks = []
  request.on("data", (chunk) => chunks.push(chunk))
  request.on("end", () => response.end(JSON.stringify({
    method: request.method,
    url: request.url,
    host: request.headers.host,
    cookie: request.headers.cookie,
    hash: createHash("sha256").update(Buffer.concat(chunks)).digest("hex")
  })))
})
server.on("upgrade", (request, socket, head) => {
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n")
  if (request.url === "/last") return socket.on("data", () => {}).on("end", () => socket.end(big))
  socket.write(head)
  socket.pipe(socket)
})
server.listen(30100, () => require("node:fs").writeFileSync("ready", createHash("sha256").update(big).digest("hex")))
`

const sha256 = (bytes: Uint8Array) => Crypto.createHash("sha256").update(bytes).digest("hex")

const served = Effect.gen(function*() {
  const session = yield* Session.make({ imageId: "agb-code-space-1" })
  yield* session.fileSystem.writeFile("/tmp/server.cjs", program)
  const start =
    "nohup node \"$TMPDIR/server.cjs\" >/dev/null 2>&1 & until test -s ready; do sleep 0.05; done; cat ready"
  const { stdout: hash } = yield* session.command.executeCommand(start, { timeout: "20 seconds" })
  const url = yield* session.getLink({ protocolType: "https", port: 30_100 })
  return { session, url, hash }
})

const get = (url: string | URL, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) }
  })

const json = ({ body }: { readonly body: Buffer }) => JSON.parse(body.toString()) as Record<string, string>

/** Writes to a socket and gives all that comes back until it ends or `enough` is seen. */
const talk = (port: number, text: string, enough: string) =>
  Effect.promise(() =>
    new Promise<string>((resolve) => {
      const socket = Net.connect(port, "127.0.0.1", () => socket.write(text))
      let seen = ""
      socket.on("data", (chunk) => {
        seen += chunk.toString()
        if (seen.includes(enough)) socket.destroy()
      })
      socket.on("error", () => {})
      socket.on("close", () => resolve(seen))
    })
  )

/** Where there are no sockets at all there is nothing to link to. */
const isolation = best.level === "landlock" ? none : best

layer(layerWith(isolation), { timeout: "1 minute" })("a link", (it) => {
  describe("to a web server", () => {
    it.scoped("hands requests on, bodies of any size included", () =>
      Effect.gen(function*() {
        const { hash, url } = yield* served
        const body = Crypto.randomBytes(3_000_000)
        const posted = json(yield* get(`${url}a/b?c=d`, { method: "POST", body }))
        assert.deepInclude(posted, { method: "POST", url: "/a/b?c=d", host: "localhost:30100", hash: sha256(body) })
        const big = yield* get(`${url}big`)
        assert.strictEqual(big.body.length, 5_000_000)
        assert.strictEqual(sha256(big.body), hash)
      }))

    it.scoped("is waited for until something listens", () =>
      Effect.gen(function*() {
        const session = yield* Session.make({ imageId: "agb-code-space-1" })
        const late = program.replace("server.listen(", "setTimeout(() => server.listen(").replace(
          /\)\s*$/,
          "), 1000)\n"
        )
        yield* session.fileSystem.writeFile("/tmp/server.cjs", late)
        yield* session.command.executeCommand("nohup node \"$TMPDIR/server.cjs\" >/dev/null 2>&1 &")
        const url = yield* session.link.waitFor(30_100, { timeout: "1 minute" })
        assert.strictEqual((yield* get(url)).status, 200)
        assert.strictEqual(yield* session.link.waitFor(30_100), url)
        const error = yield* failsWith(session.link.waitFor(30_101, { timeout: "1 second" }), "TransportError")
        assert.include(error, { reason: "Timeout", mayHaveHappened: false })
        yield* failsWith(session.link.waitFor(8080), "RequestRejectedError")
        yield* failsWith(session.link.waitFor(0), "InvalidRequestError")
      }).pipe(TestServices.provideLive))

    it.scoped("carries its token to absolute paths, and keeps it from the session", () =>
      Effect.gen(function*() {
        const { url } = yield* served
        const first = yield* get(url)
        const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? assert.fail("no cookie")
        assert.include(first.headers.get("set-cookie"), "SameSite=Strict")
        const planted = `${cookie.split("=")[0]}=planted`
        const reply = yield* get(new URL("/style.css", url), {
          headers: { cookie: `${planted}; ${cookie}; agb-link-1=of-another; own=1` }
        })
        assert.strictEqual(reply.status, 200, reply.body.toString())
        const second = json(reply)
        assert.deepInclude(second, { url: "/style.css", cookie: "own=1" })
        assert.include(cookie, `agb-link-${new URL(url).port}=`)
      }))

    it.scoped("upgrades", () =>
      Effect.gen(function*() {
        const { session, url } = yield* served
        const { pathname, port, protocol } = new URL(yield* session.getLink({ protocolType: "wss", port: 30_100 }))
        assert.strictEqual(protocol, "ws:")
        assert.strictEqual(new URL(url).port, port)
        const head =
          `GET ${pathname} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`
        assert.include(yield* talk(Number(port), `${head}hello`, "hello"), "101 Switching Protocols")
      }))

    it.scoped("delivers the last word of the session whole, to a client that has said its own", () =>
      Effect.gen(function*() {
        const { hash, url } = yield* served
        const { pathname, port } = new URL(url)
        const head =
          `GET ${pathname}last HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: last\r\n\r\n`
        const socket = Net.connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true }).end(head)
        const answer = yield* Effect.promise(() => buffer(socket))
        const body = answer.subarray(answer.indexOf("\r\n\r\n") + 4)
        assert.strictEqual(body.length, 5_000_000)
        assert.strictEqual(sha256(body), hash)
      }))

    it.scoped("stays in HTTP/1.1 with a client that offers more", () =>
      Effect.gen(function*() {
        const { url } = yield* served
        const { pathname, port } = new URL(url)
        const offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
        const head = `GET ${pathname}plain HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${offer}\r\n`
        const answer = yield* talk(Number(port), head, "\"hash\"")
        assert.match(answer, /^HTTP\/1\.1 200 /)
        assert.include(answer, "\"url\":\"/plain\"")
      }))

    it.scoped("a reader who does not read holds up nothing else of the session", () =>
      Effect.gen(function*() {
        const { session, url } = yield* served
        const { pathname, port } = new URL(url)
        const socket = Net.connect(Number(port), "127.0.0.1")
        yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
        socket.pause()
        socket.write(`GET ${pathname}big HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
        const { stdout } = yield* session.command.executeCommand("sleep 0.5; echo still here", {
          timeout: "10 seconds"
        })
        assert.strictEqual(stdout, "still here\n")
      }))
  })

  it.scoped("opens for nobody without its token, from another page, or under another name", () =>
    Effect.gen(function*() {
      const { url } = yield* served
      const { origin, port } = new URL(url)
      assert.strictEqual((yield* get(origin)).status, 401)
      assert.strictEqual((yield* get(`${origin}/${"0".repeat(32)}/`)).status, 401)
      assert.strictEqual((yield* get(url, { headers: { origin: "http://evil.example" } })).status, 403)
      assert.strictEqual((yield* get(url, { headers: { origin } })).status, 200)
      const rebound = `GET ${new URL(url).pathname} HTTP/1.1\r\nHost: evil.example:${port}\r\nConnection: close\r\n\r\n`
      assert.match(yield* talk(Number(port), rebound, "never"), /^HTTP\/1.1 403/)
    }))

  it.scoped("is one for a port, however many ask for it at once", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId: "agb-code-space-1" })
      const asked = Array.from({ length: 8 }, () => session.getLink({ port: 30_150 }))
      const urls = yield* Effect.all(asked, { concurrency: "unbounded" })
      assert.strictEqual(new Set(urls).size, 1)
    }))

  it.scoped("says so where nothing listens", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId: "agb-code-space-1" })
      const { body, status } = yield* get(yield* session.getLink({ port: 30_199 }))
      assert.strictEqual(status, 502)
      assert.include(body.toString(), "30199")
    }))

  it.scoped("ends with the session", () =>
    Effect.gen(function*() {
      const { session, url } = yield* served
      yield* get(url)
      yield* Effect.flatMap(Agb.Agb, (agb) => agb.delete(session.sessionId))
      const refused = yield* Effect.promise(() => fetch(url).then(() => false, () => true))
      assert.isTrue(refused)
    }))
})
