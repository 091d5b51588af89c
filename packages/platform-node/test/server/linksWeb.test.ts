/** What web applications behind a link need: one address inside, redirects that stay in the link, and cookies of its own. */
import { Session } from "@effect-agb/core"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Http from "node:http"
import * as Net from "node:net"
import { best, layerWith, none } from "../support/runtime.js"

/** Redirects to where `?to=` says, echoes headers, sends the head of a stream alone, and refuses large bodies early. */
const program = `
const http = require("node:http")
const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://inside")
  if (url.pathname === "/redirect") return response.writeHead(302, { location: url.searchParams.get("to") }).end()
  if (url.pathname === "/refresh") return response.writeHead(200, { refresh: "3; url=/next" }).end()
  if (url.pathname === "/stream") return response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders()
  if (url.pathname === "/set") {
    response.setHeader("set-cookie", ["own=1; Path=/; Domain=localhost; HttpOnly", "agb-link-1=x"])
    return response.end()
  }
  if (url.pathname === "/early") {
    response.writeHead(413, { connection: "close" }).end("too large")
    return setTimeout(() => request.socket.destroy(), 50)
  }
  const { cookie, host, origin, referer } = request.headers
  response.end(JSON.stringify({ url: request.url, host, origin, referer, cookie }))
})
http.createServer((_, response) => response.end("over IPv6")).on("error", () => {}).listen(30101, "::1")
server.listen(30100, () => require("node:fs").writeFileSync("ready", "ready"))
`

const served = Effect.gen(function*() {
  const session = yield* Session.make({ imageId: "agb-code-space-1" })
  yield* session.fileSystem.writeFile("/tmp/server.cjs", program)
  const start = "nohup node \"$TMPDIR/server.cjs\" >/dev/null 2>&1 & until test -s ready; do sleep 0.05; done"
  yield* session.command.executeCommand(start, { timeout: "20 seconds" })
  const url = new URL(yield* session.getLink({ protocolType: "https", port: 30_100 }))
  return { session, url, token: url.pathname.slice(1, -1) }
})

const request = (url: URL, path: string, headers: Http.OutgoingHttpHeaders = {}) =>
  Effect.async<Http.IncomingMessage & { body: string }, Error>((resume) => {
    const sent = Http.get({ host: "127.0.0.1", port: url.port, path, headers: { host: url.host, ...headers } })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.on("response", (response) => {
      let body = ""
      response.on("data", (chunk) => (body += chunk))
      response.on("end", () => resume(Effect.succeed(Object.assign(response, { body }))))
    })
  })

const seen = ({ body }: { readonly body: string }) => JSON.parse(body) as Record<string, string>

const chrome = {
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
}

/** What a raw client is told, until the connection ends. */
const answerTo = (url: URL, text: string | Buffer, more: ReadonlyArray<Buffer> = [], pauseMs = 0) =>
  Effect.promise(async () => {
    // One that has not sent all goes on, whatever has come.
    const socket = Net.connect({ port: Number(url.port), host: "127.0.0.1", allowHalfOpen: true })
    let answer = ""
    socket.on("data", (chunk) => (answer += chunk.toString())).on("error", (error) => (answer += error.message))
    socket.write(text)
    const closed = new Promise((resolve) => socket.once("close", resolve))
    const ended = new Promise((resolve) => socket.once("end", resolve).once("close", resolve))
    for (const piece of more) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      socket.write(piece)
    }
    await ended
    socket.end()
    await closed
    return answer
  })

const upgradeHead = (path: string, host: string, more = "") =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`

/** Where there are no sockets at all there is nothing to link to. */
const isolation = best.level === "landlock" ? none : best

layer(layerWith(isolation), { timeout: "1 minute" })("a web application behind a link", (it) => {
  it.scoped("sees itself in Host, Origin and Referer alike", () =>
    Effect.gen(function*() {
      const { token, url } = yield* served
      const own = seen(
        yield* request(url, `/${token}/form`, { origin: url.origin, referer: `${url.href}page?a=1` })
      )
      assert.deepInclude(own, {
        host: "localhost:30100",
        origin: "http://localhost:30100",
        referer: "http://localhost:30100/page?a=1"
      })
      const other = seen(
        yield* request(url, `/${token}/form`, {
          origin: `http://localhost:${url.port}`,
          referer: "http://elsewhere.example/"
        })
      )
      assert.deepInclude(other, { origin: `http://localhost:${url.port}`, referer: "http://elsewhere.example/" })
    }))

  it.scoped("keeps its redirects inside of the link", () =>
    Effect.gen(function*() {
      const { token, url } = yield* served
      const inside: ReadonlyArray<readonly [to: string, location: string]> = [
        ["/next?a=1#b", "/next?a=1#b"],
        ["next", "/next"],
        ["../../../next", "/next"],
        ["?b=2", "/redirect?b=2"],
        ["http://localhost:30100/next", "/next"],
        ["http://127.0.0.1:30100", "/"],
        ["https://[::1]:30100/next", "/next"],
        ["//localhost:30100/next", "/next"],
        [`${url.origin}/next`, "/next"]
      ]
      const { headers } = yield* request(url, `/${token}/`)
      const cookie = headers["set-cookie"]?.[0]?.split(";")[0] ?? assert.fail("no cookie")
      for (const [to, location] of inside) {
        const path = `/redirect?to=${encodeURIComponent(to)}`
        assert.strictEqual((yield* request(url, `/${token}${path}`)).headers.location, `/${token}${location}`, to)
        assert.strictEqual((yield* request(url, path, { cookie })).headers.location, location, to)
      }
      for (const to of ["http://elsewhere.example/x", "http://localhost:30101/x", "mailto:a@b.example"]) {
        const path = `/${token}/redirect?to=${encodeURIComponent(to)}`
        assert.strictEqual((yield* request(url, path)).headers.location, to)
      }
      const slashes = `/redirect?to=${encodeURIComponent("http://localhost:30100//elsewhere.example/")}`
      assert.strictEqual((yield* request(url, slashes, { cookie })).headers.location, "/.//elsewhere.example/")
      assert.strictEqual((yield* request(url, `/${token}/refresh`)).headers["refresh"], `3; url=/${token}/next`)
    }))

  it.scoped("sends the head of a stream before its first byte", () =>
    Effect.gen(function*() {
      const { url } = yield* served
      const response = yield* Effect.promise(() => fetch(`${url.href}stream`))
      assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
      yield* Effect.promise(async () => response.body?.cancel())
    }))

  it.scoped("delivers what it answers before it has read the request", () =>
    Effect.gen(function*() {
      const { token, url } = yield* served
      const body = Buffer.alloc(32 * 2 ** 20, "b")
      for (const connection of ["keep-alive", "close"]) {
        const head = `POST /${token}/early HTTP/1.1\r\nHost: ${url.host}\r\nConnection: ${connection}\r\n` +
          `Content-Length: ${body.length + (connection === "close" ? 0 : 1)}\r\n\r\n`
        const answer = yield* answerTo(url, Buffer.concat([Buffer.from(head), body]))
        assert.match(answer, /^HTTP\/1\.1 413 [^]*too large/, connection)
        assert.notMatch(answer, /ECONNRESET|EPIPE/)
      }
    }))

  it.scoped("delivers it also to who goes on sending for long", () =>
    Effect.gen(function*() {
      const { token, url } = yield* served
      const pieces = Array.from({ length: 8 }, () => Buffer.alloc(2 ** 20, "b"))
      const head = `POST /${token}/early HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n` +
        `Content-Length: ${8 * 2 ** 20}\r\n\r\n`
      const answer = yield* answerTo(url, head, pieces, 400)
      assert.match(answer, /^HTTP\/1\.1 413 [^]*too large/)
      assert.notMatch(answer, /ECONNRESET|EPIPE/)
    }))

  it.effect.runIf(best.level === "namespaces")(
    "may listen on ::1 alone",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { session } = yield* served
        const url = yield* session.getLink({ port: 30_101 })
        const body = yield* Effect.promise(() => fetch(url).then((response) => response.text()))
        assert.strictEqual(body, "over IPv6")
      }))
  )

  it.scoped("says with a status why a connection is not upgraded", () =>
    Effect.gen(function*() {
      const { session, token, url } = yield* served
      const nobody = new URL(yield* session.getLink({ port: 30_199 }))
      assert.match(yield* answerTo(url, upgradeHead(`/${"0".repeat(32)}/`, url.host)), /^HTTP\/1\.1 401 [^]*token/)
      const foreign = upgradeHead(`/${token}/`, url.host, "Origin: http://evil.example\r\n")
      assert.match(yield* answerTo(url, foreign), /^HTTP\/1\.1 403 /)
      assert.match(yield* answerTo(nobody, upgradeHead(nobody.pathname, nobody.host)), /^HTTP\/1\.1 502 [^]*30199/)
    }))

  it.scoped("has a host name of its own in browsers, where no cookies of others are", () =>
    Effect.gen(function*() {
      const { token, url } = yield* served
      const cookie = "of-another-program=secret; agb-link-1=x"
      const page = yield* request(url, `/${token}/page?a=1`, {
        ...chrome,
        "sec-fetch-mode": "navigate",
        "sec-fetch-site": "none",
        cookie
      })
      assert.strictEqual(page.statusCode, 307)
      const own = new URL(page.headers.location ?? "")
      assert.match(own.host, new RegExp(`^agb-[0-9a-f]{16}\\.localhost:${url.port}$`))
      assert.strictEqual(own.pathname + own.search, `/${token}/page?a=1`)
      const browser = {
        ...chrome,
        host: own.host,
        origin: own.origin,
        "sec-fetch-mode": "navigate",
        "sec-fetch-site": "none"
      }
      const reply = seen(yield* request(url, `/${token}/page`, { ...browser, cookie: "own=1; agb-link-1=x" }))
      assert.deepInclude(reply, { cookie: "own=1", origin: "http://localhost:30100" })
      const set = (yield* request(url, `/${token}/set`, browser)).headers["set-cookie"]
      assert.strictEqual(set?.[0], "own=1; Path=/; HttpOnly")
      assert.strictEqual(set?.length, 2)
      const others = yield* request(url, `/${token}/`, { host: `agb-0123456789abcdef.localhost:${url.port}` })
      assert.strictEqual(others.statusCode, 403)
    }))

  it.scoped("gets of a browser, under the name of the machine, the cookies alone that it has set", () =>
    Effect.gen(function*() {
      const { token, url } = yield* served
      const set = (yield* request(url, `/${token}/set`, chrome)).headers["set-cookie"] ?? []
      const [name = "", value = ""] = set[0]?.split(/[=;]/) ?? []
      assert.match(name, /^agb-link-agb-[0-9a-f]{16}-own$/)
      const cookie = `of-another-program=secret; own=of-another; ${name}=${value}`
      assert.strictEqual(seen(yield* request(url, `/${token}/`, { ...chrome, cookie }))["cookie"], "own=1")
      const program = seen(yield* request(url, `/${token}/`, { cookie: "given=1; agb-link-1=x" }))
      assert.strictEqual(program["cookie"], "given=1")
    }))
})
