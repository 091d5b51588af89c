/** Where the server listens, which host names it answers to, what it calls itself then, and its health. */
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Logger, LogLevel, Redacted } from "effect"
import { sendRequest } from "../support/rawHttp.js"
import { best, serverLayer } from "../support/runtime.js"
import { type Envelope, wire } from "../support/wire.js"

const statusOf = (url: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const reply = await fetch(url, init)
    return { status: reply.status, text: await reply.text() }
  })

const refused = (url: string) => Effect.promise(() => fetch(url).then(() => false, () => true))

layer(serverLayer(), { excludeTestServices: true })("the health of the server", (it) => {
  it.effect("is told without a key, and nothing else is", () =>
    Effect.gen(function*() {
      const { endpoint, port } = yield* wire
      assert.deepStrictEqual(yield* statusOf(`${endpoint}/health`), { status: 200, text: "{\"status\":\"ok\"}" })
      const head = yield* sendRequest(port, { method: "HEAD", target: "/health" })
      assert.deepStrictEqual([head.statuses, head.text.endsWith("\r\n\r\n")], [[200], true])
      assert.strictEqual((yield* statusOf(`${endpoint}/health`, { method: "POST" })).status, 405)
      assert.strictEqual((yield* statusOf(`${endpoint}/health/sessions`)).status, 401)
    }))

  it.effect("is told to no other host name and to no browser page", () =>
    Effect.gen(function*() {
      const { port } = yield* wire
      for (const headers of [{ host: `evil.example:${port}` }, { origin: "https://evil.example" }]) {
        const reply = yield* sendRequest(port, { target: "/health", headers })
        assert.deepStrictEqual(reply.statuses, [403], reply.text)
      }
    }))
})

describe("the address", () => {
  it.live("is loopback alone unless another is asked for, and no warning is logged", () =>
    Effect.gen(function*() {
      const warnings: Array<unknown> = []
      const { endpoint } = yield* start({}, warnings)
      assert.match(endpoint, /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.isTrue(yield* refused(endpoint.replace("127.0.0.1", "127.0.0.2")))
      assert.deepStrictEqual(warnings, [])
    }).pipe(Effect.scoped))

  it.live("that is no address, or not one of this machine, is named in the error", () =>
    Effect.gen(function*() {
      const failing = (options: LocalAgb.Options) =>
        Effect.flip(Effect.scoped(LocalAgb.make({ isolation: best, poolSize: 0, ...options })))
      for (const host of ["http://127.0.0.1", "", "a b", "::1]"]) {
        assert.include(yield* failing({ host }), { _tag: "ConfigurationError", field: "host" })
      }
      for (const name of ["", "runtime:80", "http://runtime", "*", "a,b"]) {
        assert.include(yield* failing({ allowedHosts: [name] }), { _tag: "ConfigurationError", field: "allowedHosts" })
      }
      const error = yield* failing({ host: "192.0.2.1" })
      assert.include(error, { _tag: "LocalServerError", host: "192.0.2.1", code: "EADDRNOTAVAIL" })
      assert.include(error.message, "choose an address of this machine")
    }))
})

const start = (options: LocalAgb.Options, warnings: Array<unknown>) => {
  const logger = Logger.make(({ logLevel, message }) => {
    if (LogLevel.greaterThanEqual(logLevel, LogLevel.Warning)) warnings.push(message)
  })
  return LocalAgb.make({ isolation: best, poolSize: 0, ...options }).pipe(
    Effect.provide(Logger.replace(Logger.defaultLogger, logger))
  )
}

describe("a server that others may reach", () => {
  const exposed = Effect.gen(function*() {
    const warnings: Array<unknown> = []
    const { apiKey, endpoint } = yield* start({ host: "0.0.0.0", allowedHosts: ["Runtime", "[::1]"] }, warnings)
    const port = Number(new URL(endpoint).port)
    const authorization = `Bearer ${Redacted.value(apiKey)}`
    const call = (method: string, target: string, host: string) =>
      Effect.map(
        sendRequest(port, { method, target, headers: { authorization, host } }),
        ({ text }) => JSON.parse(text.slice(text.lastIndexOf("\r\n\r\n") + 4)) as Envelope
      )
    return { call, endpoint, port, warnings }
  })

  it.live("says so, listens on all addresses, and checks the Host header all the same", () =>
    Effect.gen(function*() {
      const { endpoint, port, warnings } = yield* exposed
      assert.lengthOf(warnings, 1)
      assert.match(String(warnings[0]), /reached from other machines: .*0\.0\.0\.0.*Runtime.*key can run code/)
      assert.strictEqual(endpoint, `http://127.0.0.1:${port}`)
      assert.strictEqual((yield* statusOf(`http://127.0.0.2:${port}/health`)).status, 200)
      const asked = (host: string) =>
        Effect.map(sendRequest(port, { target: "/health", headers: { host } }), ({ statuses }) => [host, ...statuses])
      for (const host of [`localhost:${port}`, "runtime", "RUNTIME:9000", "[::1]:1"]) {
        assert.deepStrictEqual(yield* asked(host), [host, 200])
      }
      const strangers = [
        "evil.example",
        `127.0.0.2:${port}`,
        `127.0.0.1:${port + 1}`,
        "localhost",
        "runtime.evil",
        "",
        "a@runtime"
      ]
      for (const host of strangers) assert.deepStrictEqual(yield* asked(host), [host, 403])
      const page = yield* sendRequest(port, {
        target: "/health",
        headers: { host: "runtime", origin: "http://runtime" }
      })
      assert.deepStrictEqual(page.statuses, [403])
    }).pipe(Effect.scoped))

  it.live("gives its addresses as the client calls it", () =>
    Effect.gen(function*() {
      const { call, endpoint, port } = yield* exposed
      for (
        const [host, origin] of [
          [`localhost:${port}`, endpoint],
          ["runtime:9000", "http://runtime:9000"],
          ["Runtime", "http://Runtime"]
        ] as const
      ) {
        const envelope = yield* call("POST", "/mcp/createSession?imageId=agb-browser-use-1", host)
        const data = envelope.data as Record<string, string>
        assert.strictEqual(data["linkUrl"], `${origin}/link/${data["sessionId"]}`)
        assert.strictEqual(data["wsUrl"], `${origin.replace("http:", "ws:")}/ws/${data["sessionId"]}`)
      }
    }).pipe(Effect.scoped))

  it.live("opens links under the name that the client uses, and under no other", () =>
    Effect.gen(function*() {
      const { call } = yield* exposed
      const created = yield* call("POST", "/mcp/createSession", "runtime:9000")
      const { sessionId } = created.data as { sessionId: string }
      const query = `sessionId=${sessionId}&protocolType=https&port=30100`
      const opened = yield* call("GET", `/internet/getLink?${query}`, "runtime:9000")
      const url = new URL((opened.data as { url: string }).url)
      assert.strictEqual(url.hostname, "runtime")
      const through = (headers: Record<string, string>) =>
        Effect.map(sendRequest(Number(url.port), { target: url.pathname, headers }), ({ statuses }) => statuses)
      assert.deepStrictEqual(yield* through({ host: url.host }), [502])
      assert.deepStrictEqual(yield* through({ host: url.host, origin: "http://evil.example" }), [403])
      assert.deepStrictEqual(yield* through({ host: `evil.example:${url.port}` }), [403])
    }).pipe(Effect.scoped))
})
