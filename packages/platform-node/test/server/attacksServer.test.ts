/** Attacks on the server from outside, over plain sockets: by programs without the key, and by browser pages. */
import { AgbApi } from "@effect-agb/core"
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import * as Net from "node:net"
import { networkInterfaces } from "node:os"
import { jsonOf, type RawReply, requestBytes, sendBytes, sendRequest } from "../support/rawHttp.js"
import { serverLayer } from "../support/runtime.js"

const apiKey = "akm-0c0ffee0-attacks"

const right = { authorization: `Bearer ${apiKey}` }

interface Target {
  readonly port: number
  /** How many sessions there are: an attack that got through has made or ended one. */
  readonly sessions: Effect.Effect<number>
}

const targetOf = Effect.map(LocalAgb.LocalAgb, ({ endpoint }): Target => {
  const port = Number(new URL(endpoint).port)
  const listed = sendRequest(port, { target: "/sdk/ListSession?maxResults=50", headers: right })
  const countOf = (reply: RawReply) => {
    const { count } = jsonOf(reply) as { readonly count: number }
    assert.isNumber(count)
    return count
  }
  return { port, sessions: Effect.map(listed, countOf) }
})

const routes = Object.values(AgbApi.endpoints).map(({ method, path }) => ({ method, path }))

const isRefused = ({ statuses }: RawReply) => statuses.length > 0 && statuses.every((status) => status >= 400)

/** Sends each of them at once, and gives the titles of those that were not refused. */
const notRefused = <A extends { readonly title: string }>(
  attempts: ReadonlyArray<A>,
  send: (attempt: A) => Effect.Effect<RawReply>
) =>
  Effect.map(
    Effect.forEach(attempts, (attempt) => Effect.map(send(attempt), (reply) => ({ attempt, reply })), {
      concurrency: 16
    }),
    (all) =>
      all.filter(({ reply }) => !isRefused(reply)).map(({ attempt, reply }) => `${attempt.title}: ${reply.statuses}`)
  )

const canConnect = (address: string, port: number): Effect.Effect<boolean> =>
  Effect.async((resume) => {
    const socket = Net.connect(port, address)
    const finish = (connected: boolean) => {
      socket.destroy()
      resume(Effect.succeed(connected))
    }
    socket.on("connect", () => finish(true))
    socket.on("error", () => finish(false))
  })

const quiet = Logger.minimumLogLevel(LogLevel.None)

const server = serverLayer({ apiKey: Redacted.make(apiKey), poolSize: 0 })

layer(Layer.provideMerge(server, quiet), { excludeTestServices: true })("the server", (it) => {
  const wrongKeys: Readonly<Record<string, Record<string, string>>> = {
    "no key": {},
    "an empty header": { authorization: "" },
    "the scheme alone": { authorization: "Bearer" },
    "an empty key": { authorization: "Bearer " },
    "another key": { authorization: "Bearer akm-0c0ffee0-attackz" },
    "the key without its end": { authorization: `Bearer ${apiKey.slice(0, -1)}` },
    "the key with more behind it": { authorization: `Bearer ${apiKey}x` },
    "the key with a NUL behind it": { authorization: `Bearer ${apiKey}\0` },
    "the key with another behind it": { authorization: `Bearer ${apiKey}, Bearer ${apiKey}` },
    "the key in other letters": { authorization: `Bearer ${apiKey.toUpperCase()}` },
    "the key as a password": { authorization: `Basic ${Buffer.from(`:${apiKey}`).toString("base64")}` },
    "the key without a scheme": { authorization: apiKey },
    "the key as a cookie": { cookie: `authorization=Bearer ${apiKey}` },
    "the key in a proxy's header": { "proxy-authorization": `Bearer ${apiKey}`, "x-api-key": apiKey }
  }

  it.effect("gives nothing to a program with a wrong key, on any route", () =>
    Effect.gen(function*() {
      const { port, sessions } = yield* targetOf
      const before = yield* sessions
      const attempts = routes.flatMap(({ method, path }) =>
        Object.entries(wrongKeys).map(([title, headers]) => ({ title: `${title} on ${path}`, method, path, headers }))
      )
      const got = yield* notRefused(
        attempts,
        ({ headers, method, path }) =>
          sendRequest(port, { method, target: `${path}?imageId=code_latest&key=${apiKey}`, headers, body: "{}" })
      )
      assert.deepStrictEqual(got, [])
      assert.strictEqual(yield* sessions, before)
    }))

  it.effect("says 401 for a wrong key, and the same for a route that does not exist", () =>
    Effect.gen(function*() {
      const { port } = yield* targetOf
      for (const target of ["/mcp", "/nowhere", "/callTool", "/", "*"]) {
        const reply = yield* sendRequest(port, { method: "POST", target, headers: { authorization: "Bearer x" } })
        assert.deepStrictEqual([target, ...reply.statuses], [target, 401])
      }
    }))

  const origins = [
    "https://evil.example",
    "http://localhost:3000",
    "null",
    "file://",
    "",
    "chrome-extension://abcdefghijklmnop",
    "vscode-webview://x"
  ]

  it.effect("gives nothing to a browser page, even one that knows the key", () =>
    Effect.gen(function*() {
      const { port, sessions } = yield* targetOf
      const before = yield* sessions
      const pages = [...origins, `http://127.0.0.1:${port}`, `http://localhost:${port}`]
      const attempts = routes.flatMap(({ method, path }) =>
        pages.flatMap((origin) =>
          [method, "OPTIONS"].map((method) => ({ title: `${method} ${path} from ${origin}`, method, path, origin }))
        )
      )
      const allowed: Array<string> = []
      const got = yield* notRefused(attempts, ({ method, origin, path, title }) =>
        sendRequest(port, {
          method,
          target: `${path}?imageId=code_latest`,
          headers: { ...right, origin, "access-control-request-method": method },
          body: "{}"
        }).pipe(Effect.tap(({ text }) =>
          Effect.sync(() => {
            if (/access-control-allow/i.test(text)) allowed.push(title)
          })
        )))
      assert.deepStrictEqual([...got, ...allowed], [])
      assert.strictEqual(yield* sessions, before)
    }))

  const forms: Readonly<Record<string, string>> = {
    "text/plain": "{\"imageId\":\"code_latest\"}",
    "application/x-www-form-urlencoded": "imageId=code_latest",
    "multipart/form-data; boundary=b":
      "--b\r\ncontent-disposition: form-data; name=imageId\r\n\r\ncode_latest\r\n--b--\r\n"
  }

  it.effect("takes no form that a page posts without an Origin", () =>
    Effect.gen(function*() {
      const { port, sessions } = yield* targetOf
      const before = yield* sessions
      const attempts = routes.flatMap(({ path }) =>
        Object.entries(forms).map(([type, body]) => ({ title: `${type} to ${path}`, type, body, path }))
      )
      const got = yield* notRefused(attempts, ({ body, path, type }) =>
        sendRequest(port, { method: "POST", target: path, headers: { "content-type": type }, body }))
      assert.deepStrictEqual(got, [])
      assert.strictEqual(yield* sessions, before)
    }))

  it.effect("answers under no other host name", () =>
    Effect.gen(function*() {
      const { port, sessions } = yield* targetOf
      const before = yield* sessions
      const hosts = [
        "evil.example",
        `evil.example:${port}`,
        `127.0.0.1.evil.example:${port}`,
        `127.0.0.1:${port}.evil.example`,
        `evil.example#127.0.0.1:${port}`,
        `127.0.0.1:${port}, evil.example`,
        `user@127.0.0.1:${port}`,
        `0.0.0.0:${port}`,
        `127.0.0.1:${port + 1}`,
        `localhost.:${port}`,
        "[::ffff:127.0.0.1]",
        ""
      ]
      const attempts = routes.flatMap(({ method, path }) =>
        hosts.map((host) => ({ title: `${method} ${path} as ${host}`, method, path, host }))
      )
      const got = yield* notRefused(attempts, ({ host, method, path }) =>
        sendRequest(port, {
          method,
          target: `${path}?imageId=code_latest`,
          headers: { ...right, host, "x-forwarded-host": `127.0.0.1:${port}` },
          body: "{}"
        }))
      assert.deepStrictEqual(got, [])
      assert.strictEqual(yield* sessions, before)
    }))

  const dots = ["..", "%2e%2e", "%2E.", ".%2e", "..;", "..%00", "%252e%252e", "..%c0%af", "..%5c", "\\..", "%u002e."]
  const separators = ["/", "//", "/./", "%2f", "%5c", "\\", "/%2f/", "%252f"]
  const hostFiles = ["etc/passwd", "etc/hostname", "proc/self/environ"]

  it.effect("serves no file, however its path is spelled", () =>
    Effect.gen(function*() {
      const { port } = yield* targetOf
      const paths = dots.flatMap((dot) =>
        separators.flatMap((separator) =>
          hostFiles.map((file) => `/mcp/${`${dot}${separator}`.repeat(8)}${file.replaceAll("/", separator)}`)
        )
      )
      const attempts = [
        ...paths,
        ...hostFiles.flatMap((file) => [`/${file}`, `//${file}`, `file:///${file}`, `http://127.0.0.1:${port}/${file}`])
      ].map((title) => ({ title }))
      assert.isAbove(attempts.length, 200)
      assert.deepStrictEqual(
        yield* notRefused(attempts, ({ title }) => sendRequest(port, { target: title, headers: right })),
        []
      )
    }))

  const inner = (port: number) =>
    `POST /mcp/createSession?imageId=code_latest HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
    `Authorization: Bearer ${apiKey}\r\nContent-Length: 2\r\n\r\n{}`

  const smuggled = (port: number, headers: ReadonlyArray<string>, body: string) =>
    `POST /sdk/SetLabel HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${
      headers.map((line) => `${line}\r\n`).join("")
    }\r\n${body}`

  const shapes = (port: number): Readonly<Record<string, string>> => {
    const hidden = inner(port)
    return {
      "a length and chunks": smuggled(port, ["Content-Length: 4", "Transfer-Encoding: chunked"], `0\r\n\r\n${hidden}`),
      "chunks and a length": smuggled(
        port,
        ["Transfer-Encoding: chunked", `Content-Length: ${hidden.length}`],
        `0\r\n\r\n${hidden}`
      ),
      "two lengths": smuggled(port, ["Content-Length: 0", `Content-Length: ${hidden.length}`], hidden),
      "a list of lengths": smuggled(port, ["Content-Length: 0, 0"], hidden),
      "a negative length": smuggled(port, ["Content-Length: -1"], hidden),
      "a length in hexadecimal": smuggled(port, ["Content-Length: 0x0"], hidden),
      "a length with a plus": smuggled(port, ["Content-Length: +0"], hidden),
      "a length beyond 64 bits": smuggled(port, ["Content-Length: 18446744073709551616"], hidden),
      "another transfer encoding": smuggled(port, ["Transfer-Encoding: xchunked"], hidden),
      "chunked twice": smuggled(port, ["Transfer-Encoding: chunked, identity"], `0\r\n\r\n${hidden}`),
      "a space before the colon": smuggled(port, ["Transfer-Encoding : chunked"], `0\r\n\r\n${hidden}`),
      "a folded header": smuggled(port, ["X: y", " Transfer-Encoding: chunked"], hidden),
      "a bare line feed": smuggled(port, ["X: y\nTransfer-Encoding: chunked"], `0\r\n\r\n${hidden}`),
      "a bare carriage return": smuggled(port, ["X: y\rTransfer-Encoding: chunked"], `0\r\n\r\n${hidden}`),
      "a NUL in a header": smuggled(port, ["X: a\0b"], hidden),
      "a chunk without an end": smuggled(port, ["Transfer-Encoding: chunked"], `0\r\nX: y\n\r\n${hidden}`),
      "a chunk of no number": smuggled(port, ["Transfer-Encoding: chunked"], `zz\r\n\r\n${hidden}`),
      "a chunk beyond 64 bits": smuggled(port, ["Transfer-Encoding: chunked"], `fffffffffffffffff\r\n${hidden}`),
      "HTTP of another version": `GET / HTTP/9.9\r\nHost: 127.0.0.1:${port}\r\n\r\n${hidden}`,
      "no version at all": `GET /\r\n${hidden}`,
      "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      "a tunnel": `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n${hidden}`,
      "an upgrade": smuggled(port, ["Connection: Upgrade", "Upgrade: other"], hidden),
      "headers without end": smuggled(
        port,
        Array.from({ length: 3000 }, (_, index) => `X-${index}: 0123456789`),
        hidden
      )
    }
  }

  it.effect("works off no request that hides behind a malformed one", () =>
    Effect.gen(function*() {
      const { port, sessions } = yield* targetOf
      const before = yield* sessions
      const replies = yield* Effect.forEach(
        Object.entries(shapes(port)),
        ([title, bytes]) =>
          Effect.map(sendBytes(port, [Buffer.from(bytes, "latin1")], 700), (reply) => ({ title, ...reply })),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(replies.filter(({ statuses }) => statuses.some((status) => status < 400)), [])
      assert.deepStrictEqual(
        replies.filter(({ ended, statuses }) => !ended && statuses.length === 0).map(({ title }) => title),
        []
      )
      assert.strictEqual(yield* sessions, before)
    }))

  it.effect("listens on the loopback address alone", () =>
    Effect.gen(function*() {
      const { port } = yield* targetOf
      const others = Object.values(networkInterfaces()).flatMap((all) => all ?? []).map(({ address }) => address)
      const reached = yield* Effect.filter(
        ["127.0.0.2", ...others].filter((address) => address !== "127.0.0.1"),
        (address) => canConnect(address, port)
      )
      assert.deepStrictEqual(reached, [])
    }))

  it.effect("goes on after a connection that breaks off anywhere", () =>
    Effect.gen(function*() {
      const { port, sessions } = yield* targetOf
      const before = yield* sessions
      const whole = requestBytes(port, {
        method: "POST",
        target: "/mcp/createSession?imageId=code_latest",
        headers: { ...right, "content-length": "3" },
        body: "{}"
      }).join("")
      yield* Effect.forEach(
        Array.from({ length: whole.length }, (_, length) => whole.slice(0, length)),
        (part) => sendBytes(port, [part], 50),
        { concurrency: 32, discard: true }
      )
      assert.strictEqual(yield* sessions, before)
    }))
})
