/** Ports of sessions as ports of this machine, over real sockets. */
import { Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Scope } from "effect"
import * as Crypto from "node:crypto"
import * as Http from "node:http"
import * as Net from "node:net"
import { WebSocket } from "ws"
import { failsWith } from "../support/failsWith.js"
import { best, layerWith, none } from "../support/runtime.js"

/**
 * Echoes requests, hashes what it is sent, serves 30 MB, streams, redirects, sets cookies, breaks off, and echoes WebSockets whose
 * messages are short.
 */
const program = `
const http = require("node:http")
const { createHash } = require("node:crypto")
const chunk = Buffer.alloc(1_000_000, "0123456789")
const routes = {
  "/big": async (_, response) => {
    for (let n = 0; n < 30; n++) if (!response.write(chunk)) await new Promise((resolve) => response.once("drain", resolve))
    response.end()
  },
  "/hash": async (request, response) => {
    const hash = createHash("sha256")
    for await (const bytes of request) hash.update(bytes)
    response.end(hash.digest("hex"))
  },
  "/events": (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" })
    response.write("data: one\\n\\n")
  },
  "/echo": async (request, response) => {
    for await (const bytes of request) response.write(bytes)
    response.end()
  },
  "/early": (request, response) => {
    response.writeHead(413, { connection: "close" }).end("too large")
    setTimeout(() => request.socket.destroy(), 50)
  },
  "/cut": (_, response) => {
    response.writeHead(200, { "content-length": "1000" })
    response.write("cut")
    setTimeout(() => response.destroy(), 50)
  },
  "/redirect": (request, response) =>
    response.writeHead(302, { location: new URL(request.url, "http://x").searchParams.get("to") }).end(),
  "/set": (_, response) => {
    response.setHeader("set-cookie", ["own=1; Path=/; Domain=localhost; Secure; HttpOnly", "other=2"])
    response.end()
  }
}
const server = http.createServer((request, response) => {
  const route = routes[request.url.split("?")[0]]
  if (route) return void route(request, response)
  const { cookie, host, origin, referer } = request.headers
  response.end(JSON.stringify({ method: request.method, url: request.url, host, origin, referer, cookie }))
})
server.on("upgrade", (request, socket) => {
  if (request.url === "/no") return socket.end("HTTP/1.1 403 Forbidden\\r\\nContent-Length: 4\\r\\n\\r\\nnope")
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
  const accept = createHash("sha1").update(key).digest("base64")
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n")
  socket.on("error", () => {})
  socket.on("data", (frame) => {
    const length = frame[1] & 127
    const mask = frame.subarray(2, 6)
    const text = Buffer.from(frame.subarray(6, 6 + length).map((byte, n) => byte ^ mask[n % 4]))
    if ((frame[0] & 15) === 8) return socket.end(Buffer.concat([Buffer.from([0x88, length]), text]))
    socket.write(Buffer.concat([Buffer.from([0x81, length]), text]))
  })
})
server.listen(30100, () => require("node:fs").writeFileSync("ready", "ready"))
`

const served = Effect.gen(function*() {
  const session = yield* Session.make({ imageId: "agb-code-space-1" })
  yield* session.fileSystem.writeFile("/tmp/server.cjs", program)
  const start = "nohup node \"$TMPDIR/server.cjs\" >/dev/null 2>&1 & until test -s ready; do sleep 0.05; done"
  yield* session.command.executeCommand(start, { timeout: "2 minutes" })
  const link = new URL(yield* session.getLink({ protocolType: "https", port: 30_100 }))
  return { session, link, token: link.pathname.slice(1, -1) }
})

const forwarded = Effect.gen(function*() {
  const { link, session, token } = yield* served
  return { ...yield* NodeAgb.forward(session, 30_100), session, link, token }
})

const get = (url: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, { redirect: "manual", ...init })
    const { headers, status } = response
    return { status, headers, body: Buffer.from(await response.arrayBuffer()) }
  })

const json = ({ body }: { readonly body: Buffer }) => JSON.parse(body.toString()) as Record<string, string>

/** Whether it fails before it has ended. */
const breaks = (promise: () => Promise<unknown>) => Effect.promise(() => promise().then(() => false, () => true))

/** Under another name than that of the address. */
const requestAs = (port: number, headers: Http.OutgoingHttpHeaders, path = "/") =>
  Effect.async<Http.IncomingMessage & { body: string }, Error>((resume) => {
    const sent = Http.get({ host: "127.0.0.1", port, path, headers })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.on("response", (response) => {
      let body = ""
      response.on("data", (chunk) => (body += chunk))
      response.on("end", () => resume(Effect.succeed(Object.assign(response, { body }))))
    })
  })

const answerTo = (port: number, text: string) =>
  Effect.promise(async () => {
    const socket = Net.connect(port, "127.0.0.1")
    let answer = ""
    socket.on("data", (chunk) => (answer += chunk.toString())).on("error", () => {})
    socket.write(text)
    await new Promise((resolve) => socket.once("close", resolve))
    return answer
  })

const chrome = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0", "sec-fetch-mode": "navigate" }

/** Where there are no sockets at all there is nothing to lead to. */
const isolation = best.level === "landlock" ? none : best

layer(layerWith(isolation), { timeout: "1 minute" })("a forwarded port", (it) => {
  describe("carries", () => {
    it.scoped("requests as they are, to a server that sees its own name", () =>
      Effect.gen(function*() {
        const { port, url } = yield* forwarded
        assert.strictEqual(url, `http://127.0.0.1:${port}`)
        const headers = { origin: url, referer: `${url}/page?a=1` }
        assert.deepStrictEqual(json(yield* get(`${url}/a/b?c=d`, { method: "DELETE", headers })), {
          method: "DELETE",
          url: "/a/b?c=d",
          host: "localhost:30100",
          origin: "http://localhost:30100",
          referer: "http://localhost:30100/page"
        })
      }))

    it.scoped("large bodies both ways, as they come", () =>
      Effect.gen(function*() {
        const { url } = yield* forwarded
        const { body } = yield* get(`${url}/big`)
        assert.strictEqual(body.length, 30_000_000)
        const hash = Crypto.createHash("sha256").update(body).digest("hex")
        assert.strictEqual((yield* get(`${url}/hash`, { method: "POST", body })).body.toString(), hash)
        const streamed = new ReadableStream<Uint8Array>({
          start: (controller) => {
            for (let start = 0; start < body.length; start += 1_000_000) {
              controller.enqueue(body.subarray(start, start + 1_000_000))
            }
            controller.close()
          }
        })
        const init = { method: "POST", body: streamed, duplex: "half" } as RequestInit
        assert.strictEqual((yield* get(`${url}/hash`, init)).body.toString(), hash)
      }))

    it.scoped("the first part of a reply before there is a second", () =>
      Effect.gen(function*() {
        const { url } = yield* forwarded
        const stop = new AbortController()
        const text = yield* Effect.promise(async () => {
          const { body } = await fetch(`${url}/events`, { signal: stop.signal })
          const { value } = await body?.getReader().read() ?? {}
          return new TextDecoder().decode(value)
        })
        stop.abort()
        assert.strictEqual(text, "data: one\n\n")
      }))

    it.scoped("WebSockets", () =>
      Effect.gen(function*() {
        const { port } = yield* forwarded
        const seen = yield* Effect.promise(() =>
          new Promise<ReadonlyArray<string>>((resolve, reject) => {
            const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`)
            const seen: Array<string> = []
            socket.on("error", reject)
            socket.on("open", () => socket.send("hello"))
            socket.on("message", (data: Buffer) => {
              seen.push(data.toString())
              if (seen.length === 1) socket.send("again")
              else socket.close(1000)
            })
            socket.on("close", () => resolve(seen))
          })
        )
        assert.deepStrictEqual(seen, ["hello", "again"])
      }))

    it.scoped("the refusal of an upgrade, and the reply to a body that is not read", () =>
      Effect.gen(function*() {
        const { port, url } = yield* forwarded
        const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        const answer = yield* answerTo(port, `GET /no HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${upgrade}`)
        assert.match(answer, /^HTTP\/1\.1 403 /)
        assert.match(answer, /nope$/)
        const early = yield* get(`${url}/early`, { method: "POST", body: Buffer.alloc(100_000) })
        assert.deepStrictEqual([early.status, early.body.toString()], [413, "too large"])
      }))
  })

  describe("keeps the link to itself", () => {
    it.scoped("in redirects, which lead to the port", () =>
      Effect.gen(function*() {
        const { link, token, url } = yield* forwarded
        const locations: ReadonlyArray<readonly [to: string, seen: string]> = [
          ["/next?a=1#b", "/next?a=1#b"],
          ["next", "/next"],
          ["http://localhost:30100/inside", "/inside"],
          [`${link.origin}/${token}/deep`, "/deep"],
          [`/${token}/deep`, "/deep"],
          [`/${token}/${token}/deep`, "/"],
          ["https://example.com/away", "https://example.com/away"]
        ]
        for (const [to, seen] of locations) {
          const { headers, status } = yield* get(`${url}/redirect?to=${encodeURIComponent(to)}`)
          assert.deepStrictEqual([status, headers.get("location")], [302, seen], to)
        }
      }))

    it.scoped("in every header, also before a browser", () =>
      Effect.gen(function*() {
        const { link, port, token, url } = yield* forwarded
        const foreign = `https://example.com/?to=${token}`
        const paths = ["/", "/set", `/redirect?to=${encodeURIComponent(foreign)}`]
        for (const path of paths) {
          for (const headers of [{}, chrome]) {
            const reply = yield* requestAs(port, { host: `127.0.0.1:${port}`, ...headers }, path)
            assert.notInclude(JSON.stringify(reply.rawHeaders), token, path)
            assert.notInclude(JSON.stringify(reply.rawHeaders), link.port, path)
            assert.notInclude(reply.body, token)
          }
        }
        assert.notInclude(JSON.stringify(json(yield* get(`${url}/${token}/x`))["referer"] ?? ""), token)
      }))

    it.scoped("in cookies, and gives a session none of other programs", () =>
      Effect.gen(function*() {
        const { port } = yield* forwarded
        const host = `localhost:${port}`
        const set = yield* requestAs(port, { host, "user-agent": "curl" }, "/set")
        assert.deepStrictEqual(set.headers["set-cookie"], ["own=1; Path=/; HttpOnly", "other=2"])
        const cookie = "own=1; stranger=3; other=2"
        const browser = JSON.parse((yield* requestAs(port, { host, "sec-fetch-site": "none", cookie })).body)
        assert.notInclude(JSON.stringify(browser), "stranger")
        const program = JSON.parse((yield* requestAs(port, { host, cookie })).body) as Record<string, string>
        assert.strictEqual(program["cookie"], cookie)
      }))
  })

  it.scoped("is for its own pages and programs alone", () =>
    Effect.gen(function*() {
      const { port, url } = yield* forwarded
      assert.strictEqual((yield* requestAs(port, { host: `evil.example:${port}` })).statusCode, 403)
      assert.strictEqual((yield* get(url, { headers: { origin: "http://evil.example" } })).status, 403)
      assert.strictEqual((yield* get(url, { headers: { origin: `http://localhost:${port}` } })).status, 200)
      const upgrade = `Origin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
      const head = `GET /socket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`
      assert.match(yield* answerTo(port, head + upgrade), /^HTTP\/1\.1 403 /)
      const others = yield* breaks(() =>
        new Promise((resolve, reject) => Net.connect(port, "127.0.0.2").once("connect", resolve).once("error", reject))
      )
      assert.isTrue(others, "it listens on another address")
    }))

  it.scoped("says that only HTTP is carried", () =>
    Effect.gen(function*() {
      const { port } = yield* forwarded
      assert.match(yield* answerTo(port, "SSH-2.0-OpenSSH_9.6\r\n\r\n"), /^HTTP\/1\.1 400 [^]*only HTTP/)
      assert.match(
        yield* answerTo(port, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n"),
        /^HTTP\/1\.1 501 [^]*only HTTP/
      )
    }))

  it.scoped("takes no target that is no path, and goes on", () =>
    Effect.gen(function*() {
      const { port, url } = yield* forwarded
      for (const target of [`http://127.0.0.1:${port}/x`, "*", "/é"]) {
        for (const more of ["", "Connection: Upgrade\r\nUpgrade: websocket\r\n"]) {
          const head = `OPTIONS ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${more || "Connection: close\r\n"}\r\n`
          assert.match(yield* answerTo(port, head), /^HTTP\/1\.1 400 /, target)
        }
      }
      assert.strictEqual((yield* get(`${url}//[`)).status, 200)
      assert.strictEqual((yield* get(`${url}/redirect?to=//[`)).status, 302)
    }))

  it.scoped("a reply that breaks off does not look whole, and nothing is there before something listens", () =>
    Effect.gen(function*() {
      const { session, url } = yield* forwarded
      assert.isTrue(yield* breaks(async () => (await fetch(`${url}/cut`)).arrayBuffer()))
      const early = yield* NodeAgb.forward(session, 30_101)
      assert.strictEqual((yield* get(early.url)).status, 502)
    }))

  it.scoped("ends at once with its scope, with what goes through it", () =>
    Effect.gen(function*() {
      const { session } = yield* served
      const scope = yield* Scope.make()
      const { port, url } = yield* Scope.extend(NodeAgb.forward(session, 30_100), scope)
      const begun = yield* Deferred.make<void>()
      const streamed = yield* Effect.fork(breaks(async () => {
        const { body } = await fetch(`${url}/events`)
        for await (const _ of body as unknown as AsyncIterable<Uint8Array>) Deferred.unsafeDone(begun, Exit.void)
      }))
      const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`)
      yield* Effect.promise(() => new Promise((resolve) => socket.on("error", () => {}).once("open", resolve)))
      yield* Deferred.await(begun)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(yield* streamed.await.pipe(Effect.flatten))
      yield* Effect.promise(async () => {
        for (let tries = 0; socket.readyState !== WebSocket.CLOSED; tries += 1) {
          assert(tries < 250, "an upgraded connection goes on")
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })
      assert.isTrue(yield* breaks(() => fetch(url)))
      const again = yield* NodeAgb.forward(session, 30_100, { localPort: port })
      assert.strictEqual(again.port, port)
    }))

  it.scoped("is refused by name", () =>
    Effect.gen(function*() {
      const { port, session } = yield* forwarded
      const refused = (field: string, effect: ReturnType<typeof NodeAgb.forward>) =>
        Effect.map(failsWith(effect, "InvalidRequestError"), (error) => assert.strictEqual(error.field, field))
      yield* refused("localPort", NodeAgb.forward(session, 30_100, { localPort: port }))
      yield* refused("localPort", NodeAgb.forward(session, 30_100, { localPort: -1 }))
      yield* refused("port", NodeAgb.forward(session, 0))
      yield* refused("host", NodeAgb.forward(session, 30_100, { host: "0.0.0.0" } as never))
      yield* failsWith(NodeAgb.forward(session, 8080), "RequestRejectedError")
    }))
})
