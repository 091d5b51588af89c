/** Who may see a session's page: attacks over plain HTTP and WebSockets, by programs, other sites and other sessions' pages. */
import { Agb, Session } from "@effect-agb/core"
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Net from "node:net"
import { liveSocket, openPage, type PageReply, type PageRequest, sendTo } from "../support/pageClient.js"
import { best, layerWith } from "../support/runtime.js"

const params = { imageId: "agb-code-space-1" }

interface Address {
  readonly port: number
  readonly host: string
  readonly target: string
  readonly code: string
}

const partsOf = (url: string): Address => {
  const { host, pathname, port, search, searchParams } = new URL(url)
  return { port: Number(port), host, target: `${pathname}${search}`, code: searchParams.get("authcode") ?? "" }
}

const go = <A>(work: () => Promise<A>) => Effect.promise(work)

const send = ({ host, port }: Address, target: string, request: PageRequest = {}) =>
  go(() => sendTo(port, host, target, request))

/** What may differ between two replies by chance. */
const essence = ({ headers: { date: _date, ...headers }, status, text }: PageReply, host: string) => ({
  status,
  text,
  headers: JSON.parse(JSON.stringify(headers).replaceAll(host, "HOST")) as object
})

const nothing = /^Nothing here\. /

const paths = [
  "/",
  "/?authcode=",
  "/?authcode=0123456789abcdef0123456789abcdef",
  "/api/session",
  "/api/live",
  "/api/file?path=/etc/passwd",
  "/assets/../../package.json",
  "/frames/e1-0",
  "/health",
  "/sdk/ListSession",
  "/favicon.ico"
]

layer(layerWith(best), { excludeTestServices: true })("a session's page", (it) => {
  it.scoped("gives nothing without its address, and does not tell whether there is such a session", () =>
    Effect.gen(function*() {
      const { resourceUrl } = yield* Session.make(params)
      const real = partsOf(resourceUrl)
      const hosts = [real.host, `s-0123456789abcdef0123.localhost:${real.port}`, `runtime.localhost:${real.port}`]
      for (const path of paths) {
        for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
          const replies = yield* Effect.forEach(
            hosts,
            (host) => Effect.map(send({ ...real, host }, path, { method }), (reply) => essence(reply, host))
          )
          const [first, ...others] = replies
          assert.strictEqual(first?.status, 404, `${method} ${path}`)
          if (method !== "HEAD") assert.match(first?.text ?? "", nothing)
          for (const other of others) assert.deepStrictEqual(other, first, `${method} ${path}`)
        }
      }
      // The address was not used up by any of it.
      yield* go(() => openPage(resourceUrl))
    }))

  it.scoped("is entered once by its address, with a cookie for it alone", () =>
    Effect.gen(function*() {
      const { resourceUrl } = yield* Session.make(params)
      const address = partsOf(resourceUrl)
      assert.match(
        resourceUrl,
        /^http:\/\/s-[\da-f]{20}\.localhost:\d+\/\?resourceId=p-[\da-f]{20}&authcode=[\da-f]{32}$/
      )
      const entered = yield* send(address, address.target, { headers: { "sec-fetch-site": "none" } })
      assert.strictEqual(entered.status, 303)
      assert.strictEqual(entered.headers.location, "/")
      const [cookie = "", ...more] = entered.headers["set-cookie"] ?? []
      assert.lengthOf(more, 0)
      assert.match(cookie, /^agb_page_\d+=[\da-f]{32}; Path=\/; HttpOnly; SameSite=Strict$/)
      const again = yield* send(address, address.target)
      assert.strictEqual(again.status, 404)
      const mine = { cookie: cookie.split(";")[0] ?? "" }
      assert.strictEqual((yield* send(address, "/api/session", { headers: mine })).status, 200)
      // A reload of the address leads to the page.
      assert.strictEqual((yield* send(address, address.target, { headers: mine })).headers.location, "/")
    }))

  it.scoped("sends what protects it with every reply", () =>
    Effect.gen(function*() {
      const { resourceUrl } = yield* Session.make(params)
      const address = partsOf(resourceUrl)
      const page = yield* go(() => openPage(resourceUrl))
      const replies = [
        yield* send(address, "/"),
        yield* go(() => page.get("/")),
        yield* go(() => page.get("/api/session")),
        yield* go(() => page.get("/api/nothing")),
        yield* go(() => page.get("/api/file?path=/etc/hostname&limit=1"))
      ]
      for (const { headers } of replies) {
        const csp = headers["content-security-policy"] ?? ""
        for (
          const part of ["default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "form-action 'none'"]
        ) {
          assert.include(csp, part)
        }
        assert.notMatch(csp, /script-src[^;]*unsafe/)
        assert.strictEqual(headers["referrer-policy"], "no-referrer")
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
        assert.strictEqual(headers["cross-origin-opener-policy"], "same-origin")
        assert.strictEqual(headers["cross-origin-resource-policy"], "same-origin")
        assert.strictEqual(headers["cache-control"], "no-store")
        assert.strictEqual(headers["access-control-allow-origin"], undefined)
      }
    }))

  it.scoped("does not take the cookie or the address of another session, or of another port's name", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* Session.make(params), yield* Session.make(params)]
      const page = yield* go(() => openPage(one.resourceUrl))
      const foreign = partsOf(other.resourceUrl)
      const stolen = yield* send(foreign, "/api/session", { headers: { cookie: page.cookie } })
      assert.strictEqual(stolen.status, 404)
      assert.strictEqual((yield* send({ ...foreign, host: page.host }, foreign.target)).status, 404)
      assert.strictEqual(
        (yield* send({ ...foreign, host: `runtime.localhost:${foreign.port}` }, foreign.target)).status,
        404
      )
      // It was not used up on another host.
      yield* go(() => openPage(other.resourceUrl))
      const otherPort = yield* send({ ...foreign, host: `${foreign.host.split(":")[0]}:1` }, "/", {
        headers: { cookie: page.cookie }
      })
      assert.strictEqual(otherPort.status, 403)
    }))

  it.scoped("answers to no other site, and changes nothing without its own origin", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const address = partsOf(session.resourceUrl)
      const { cookie, host } = yield* go(() => openPage(session.resourceUrl))
      const origin = `http://${host}`
      const refused: ReadonlyArray<readonly [method: string, headers: Record<string, string>]> = [
        ["GET", { origin: "https://evil.example" }],
        ["GET", { origin: "null" }],
        ["GET", { origin: `http://runtime.localhost:${address.port}` }],
        ["GET", { origin: `http://127.0.0.1:${address.port}` }],
        ["GET", { origin: `https://${host}` }],
        ["GET", { "sec-fetch-site": "cross-site" }],
        ["GET", { "sec-fetch-site": "same-site" }],
        ["GET", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }],
        ["POST", {}],
        ["POST", { origin: "https://evil.example" }],
        ["POST", { origin, "sec-fetch-site": "cross-site" }],
        ["DELETE", {}],
        ["PUT", {}]
      ]
      for (const [method, headers] of refused) {
        const path = method === "GET" ? "/api/session" : method === "PUT" ? "/api/file?path=/tmp/x" : "/api/session"
        const reply = yield* send(address, path, { method, headers: { cookie, ...headers } })
        assert.strictEqual(reply.status, 403, `${method} ${JSON.stringify(headers)}`)
      }
      assert.strictEqual(yield* session.status, "RUNNING")
      const sockets: ReadonlyArray<Record<string, string>> = [
        {},
        { origin: "https://evil.example" },
        { origin: "null" },
        { origin, "sec-fetch-site": "cross-site" }
      ]
      for (const headers of sockets) {
        const opened = yield* Effect.either(
          Effect.tryPromise(() => liveSocket(address.port, host, "/api/live", { cookie, ...headers }))
        )
        assert.strictEqual(opened._tag, "Left", JSON.stringify(headers))
      }
      const anonymous = yield* Effect.flip(
        Effect.tryPromise({
          try: () => liveSocket(address.port, host, "/api/live", { origin }),
          catch: (error) => String(error)
        })
      )
      assert.include(anonymous, "404")
    }))

  it.scoped("is entered from another site by a navigation with its address, and by nothing else", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const address = partsOf(session.resourceUrl)
      const enter = (headers: Record<string, string>) => send(address, address.target, { headers })
      const foreign = { "sec-fetch-site": "cross-site" }
      assert.strictEqual(
        (yield* enter({ ...foreign, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" })).status,
        403
      )
      assert.strictEqual(
        (yield* enter({ ...foreign, "sec-fetch-mode": "cors", origin: "https://evil.example" })).status,
        403
      )
      assert.strictEqual((yield* enter({ "sec-purpose": "prefetch;prerender" })).status, 404)
      assert.strictEqual((yield* enter({ purpose: "prefetch" })).status, 404)
      assert.strictEqual((yield* send(address, address.target, { method: "HEAD" })).status, 404)
      const entered = yield* enter({ ...foreign, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" })
      assert.strictEqual(entered.status, 200)
      assert.include(entered.text, "http-equiv=\"refresh\" content=\"0;url=/\"")
      assert.notInclude(entered.text, "<script")
      assert.match(entered.headers["set-cookie"]?.[0] ?? "", /SameSite=Strict$/)
    }))

  it.scoped("can be for looking only: whoever has a read-only address changes nothing", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const steering = yield* go(() => openPage(session.resourceUrl))
      const made = yield* go(() => steering.send("POST", "/api/addresses", { access: "read" }))
      const page = yield* go(() => openPage(made.json<{ url: string }>().url))
      assert.strictEqual((yield* go(() => page.get("/api/session"))).json<{ access: string }>().access, "read")
      const attempts: ReadonlyArray<readonly [method: string, path: string, body?: unknown]> = [
        ["POST", "/api/run", { language: "python", code: "open('/tmp/x', 'w')" }],
        ["POST", "/api/command", { command: "touch /tmp/x" }],
        ["PUT", "/api/file?path=/tmp/x", Buffer.from("x")],
        ["DELETE", "/api/file?path=/tmp"],
        ["POST", "/api/processes/~1/kill", { signal: "KILL" }],
        ["POST", "/api/keep-alive"],
        ["POST", "/api/addresses", { access: "steer" }],
        ["POST", "/api/addresses", { access: "read" }],
        ["DELETE", "/api/session"]
      ]
      for (const [method, path, body] of attempts) {
        const reply = yield* go(() => page.send(method, path, body))
        assert.strictEqual(reply.status, 403, `${method} ${path}`)
        assert.strictEqual(reply.json<{ error: { code: string } }>().error.code, "Forbidden.ReadOnly")
      }
      const origin = `http://${page.host}`
      const terminal = yield* go(() =>
        liveSocket(partsOf(session.resourceUrl).port, page.host, "/api/terminal", { cookie: page.cookie, origin })
          .then(({ socket }) => (socket.terminate(), "opened"), String)
      )
      assert.include(terminal, "403")
      assert.isFalse(yield* session.fileSystem.exists("/tmp/x"))
      const live = yield* go(() => page.live())
      assert.strictEqual((yield* go(() => live.next(({ type }) => type === "hello")))["session"].access, "read")
    }))

  it.scoped("has no other files than its own", () =>
    Effect.gen(function*() {
      const { resourceUrl } = yield* Session.make(params)
      const page = yield* go(() => openPage(resourceUrl))
      const outside = [
        "/assets/..%2f..%2fpackage.json",
        "/assets/%2e%2e/%2e%2e/package.json",
        "/assets/../manifest.json",
        "/assets/manifest.json",
        "/assets/constructor",
        "/assets/__proto__",
        "/assets//etc/passwd",
        "/frames/e1-0",
        "/frames/../api/session",
        "/mcp",
        "/health"
      ]
      for (const path of outside) assert.strictEqual((yield* go(() => page.get(path))).status, 404, path)
      const other = yield* go(() => page.get("/api/file?path=../../etc/passwd"))
      assert.strictEqual(other.status, 400)
    }))

  it.scoped("keeps a bounded number of addresses, the newest", () =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const session = yield* Session.make(params)
      const newest: Array<string> = []
      for (let made = 0; made < 32; made++) {
        newest.push((yield* agb.client.getMcpResource({ sessionId: session.sessionId })).resourceUrl ?? "")
      }
      const first = partsOf(session.resourceUrl)
      assert.strictEqual((yield* send(first, first.target)).status, 404)
      for (const url of [newest[0], newest.at(-1)]) yield* go(() => openPage(url ?? ""))
    }))

  it.scoped("leaves the routes of the API to programs, and its own routes to its host", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const { endpoint, apiKey } = yield* LocalAgb.LocalAgb
      const address = partsOf(session.resourceUrl)
      const api = new URL(endpoint).host
      const { cookie } = yield* go(() => openPage(session.resourceUrl))
      const authorization = `Bearer ${Redacted.value(apiKey)}`
      const list = "/sdk/ListSession?maxResults=5"
      const ask = (host: string, target: string, headers: Record<string, string>) =>
        send({ ...address, host }, target, { headers })
      assert.strictEqual((yield* ask(api, list, { authorization })).status, 200)
      assert.strictEqual((yield* ask(address.host, list, { authorization })).status, 404)
      assert.strictEqual((yield* ask(address.host, list, { authorization, cookie })).status, 404)
      assert.strictEqual((yield* ask(api, "/api/session", { authorization, cookie })).status, 404)
      assert.strictEqual((yield* ask(api, list, { authorization, origin: `http://${api}` })).status, 403)
      assert.strictEqual((yield* ask(`${address.host}.evil.example`, "/", { cookie })).status, 403)
      assert.strictEqual((yield* ask("x.localhost", "/", { cookie })).status, 403)
    }))

  it.scoped("takes the host from one place: a target in absolute form names no other", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const { host, port } = partsOf(session.resourceUrl)
      const { cookie } = yield* go(() => openPage(session.resourceUrl))
      const raw = (head: string) =>
        go(() =>
          new Promise<string>((resolve) => {
            const socket = Net.connect(port, "127.0.0.1", () => socket.write(`${head}\r\nconnection: close\r\n\r\n`))
            let text = ""
            socket.on("data", (chunk) => void (text += chunk))
            socket.on("close", () => resolve(text))
          })
        )
      const own = yield* raw(`GET http://${host}/api/session HTTP/1.1\r\nhost: ${host}\r\ncookie: ${cookie}`)
      assert.match(own, /^HTTP\/1\.1 200 /)
      const other = yield* raw(
        `GET http://127.0.0.1:${port}/api/session HTTP/1.1\r\nhost: ${host}\r\ncookie: ${cookie}`
      )
      assert.match(other, /^HTTP\/1\.1 404 /)
      const twice = yield* raw(
        `GET /api/session HTTP/1.1\r\nhost: ${host}\r\norigin: http://${host}\r\norigin: null\r\ncookie: ${cookie}`
      )
      assert.match(twice, /^HTTP\/1\.1 403 /)
    }))

  it.scoped("takes bodies of a bounded size, as JSON", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const page = yield* go(() => openPage(session.resourceUrl))
      const big = JSON.stringify({ command: "x".repeat(64 * 2 ** 20) })
      const tooLarge = yield* go(() => page.send("POST", "/api/command", Buffer.from(big)))
      assert.strictEqual(tooLarge.status, 413)
      const malformed = yield* go(() => page.send("POST", "/api/command", Buffer.from("{")))
      assert.strictEqual(malformed.status, 400)
    }))

  it.scoped("is told when the session ends, and then knows nothing but that", () =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const session = yield* agb.create(params)
      const [page, stranger] = [yield* go(() => openPage(session.resourceUrl)), partsOf(session.resourceUrl)]
      const unused = yield* agb.client.getMcpResource({ sessionId: session.sessionId })
      const live = yield* go(() => page.live())
      yield* agb.delete(session.sessionId)
      const frame = yield* go(() => live.next(({ type }) => type === "ended"))
      assert.strictEqual(frame["reason"], "it was deleted")
      assert.strictEqual((yield* go(() => live.closed)).code, 1000)
      assert.strictEqual((yield* go(() => page.get("/api/session"))).status, 410)
      assert.strictEqual((yield* go(() => page.send("POST", "/api/command", { command: "true" }))).status, 410)
      assert.strictEqual((yield* send(stranger, "/")).status, 404)
      const late = partsOf(unused.resourceUrl ?? "")
      assert.strictEqual((yield* send(late, late.target)).status, 404)
    }))
})
