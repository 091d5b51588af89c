/** The routes that know no key: links and WebSockets with the token of a session, and presigned URLs. */
import { AgbApi } from "@effect-agb/core"
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import { jsonOf, type RawReply, type RawRequest, requestBytes, sendBytes, sendRequest } from "../support/rawHttp.js"
import { serverLayer } from "../support/runtime.js"

const apiKey = "akm-0c0ffee0-tokens"

interface Created {
  readonly sessionId: string
  readonly token: string
}

const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" }

const client = Effect.map(LocalAgb.LocalAgb, ({ endpoint }) => {
  const port = Number(new URL(endpoint).port)
  const send = (request: RawRequest) => sendRequest(port, request)
  const ask = (name: AgbApi.EndpointName, query: Record<string, string>) => {
    const { method, path } = AgbApi.endpoints[name]
    const body = method === "POST" ? "{}" : ""
    return send({ method, target: `${path}?${new URLSearchParams(query)}`, headers, body })
  }
  const dataOf = <A>(name: AgbApi.EndpointName, query: Record<string, string>) =>
    Effect.map(ask(name, query), (reply) => (jsonOf(reply) as { readonly data: A }).data)
  const create = dataOf<Created>("createSession", { imageId: "agb-code-space-1" })
  return { ask, create, dataOf, port, send }
})

const statusOf = ({ statuses }: RawReply) => statuses.length === 1 ? statuses[0] : statuses

/** Tokens that are not that of the session: none, the key, another session's, and all that is nearly right. */
const wrongTokens = (right: string, other: string): Readonly<Record<string, Record<string, string>>> => ({
  "no token": {},
  "an empty token": { "x-access-token": "" },
  "the key": headers,
  "the key as a token": { "x-access-token": apiKey },
  "the token of another session": { "x-access-token": other },
  "the token without its end": { "x-access-token": right.slice(0, -1) },
  "the token with more behind it": { "x-access-token": `${right}0` },
  "the token in other letters": { "x-access-token": right.toUpperCase() },
  "two tokens": { "x-access-token": `${other}, ${right}` },
  "the token as a key": { authorization: `Bearer ${right}` },
  "the token as a cookie": { cookie: `x-access-token=${right}` }
})

const handshake = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="
}

const linkCall = (sessionId: string, given: Record<string, string>): RawRequest => ({
  method: "POST",
  target: `/link/${sessionId}/callTool`,
  headers: { "content-type": "application/json", ...given },
  body: JSON.stringify({ tool: "shell", args: { command: "echo got in", timeout_ms: 20_000 }, requestId: "r" })
})

const server = serverLayer({ apiKey: Redacted.make(apiKey), poolSize: 0 })

layer(Layer.provideMerge(server, Logger.minimumLogLevel(LogLevel.None)), {
  excludeTestServices: true,
  timeout: 30_000
})("without a key", (it) => {
  it.effect("a link takes the token of its session and nothing else", () =>
    Effect.gen(function*() {
      const { create, send } = yield* client
      const [one, other] = [yield* create, yield* create]
      for (const [title, given] of Object.entries(wrongTokens(one.token, other.token))) {
        const reply = yield* send(linkCall(one.sessionId, given))
        assert.strictEqual(statusOf(reply), 401, title)
        assert.notInclude(reply.text, "got in")
      }
      const origin = { "x-access-token": one.token, origin: "https://evil.example" }
      assert.strictEqual(statusOf(yield* send(linkCall(one.sessionId, origin))), 403)
      const host = { "x-access-token": one.token, host: "evil.example" }
      assert.strictEqual(statusOf(yield* send(linkCall(one.sessionId, host))), 403)
      const right = yield* send(linkCall(one.sessionId, { "x-access-token": one.token }))
      assert.include(right.text, "got in")
    }))

  it.effect("a link believes no other token in the body of a call", () =>
    Effect.gen(function*() {
      const { create, send } = yield* client
      const [one, other] = [yield* create, yield* create]
      const call = linkCall(one.sessionId, { "x-access-token": one.token })
      const body = JSON.stringify({ ...JSON.parse(String(call.body)), token: other.token })
      assert.notInclude((yield* send({ ...call, body })).text, "got in")
    }))

  it.effect("a token opens no route of the API", () =>
    Effect.gen(function*() {
      const { create, send } = yield* client
      const { sessionId, token } = yield* create
      for (const path of ["/mcp", "/mcp/getSession", "/mcp/releaseSession", "/mcp/createSession?imageId=x"]) {
        const reply = yield* send({
          method: "POST",
          target: path,
          headers: { "x-access-token": token, authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ sessionId, name: "shell", args: { command: "true" } })
        })
        assert.strictEqual(statusOf(reply), 401, path)
      }
    }))

  it.effect("a WebSocket opens for the token of its session and nothing else", () =>
    Effect.gen(function*() {
      const { create, port, send } = yield* client
      const [one, other] = [yield* create, yield* create]
      const open = (given: Record<string, string>, query = "") =>
        Effect.map(send({ target: `/ws/${one.sessionId}${query}`, headers: { ...handshake, ...given } }), statusOf)
      for (const [title, given] of Object.entries(wrongTokens(one.token, other.token))) {
        assert.strictEqual(yield* open(given), 401, title)
      }
      assert.strictEqual(yield* open({}, `?token=${other.token}`), 401)
      assert.strictEqual(yield* open({ "x-access-token": other.token }, `?token=${one.token}`), 401)
      assert.strictEqual(yield* open({ "x-access-token": one.token, origin: "https://evil.example" }), 403)
      assert.strictEqual(yield* open({ "x-access-token": one.token, host: "evil.example" }), 403)
      const opened = requestBytes(port, {
        target: `/ws/${one.sessionId}`,
        headers: { ...handshake, "x-access-token": one.token }
      })
      assert.strictEqual(statusOf(yield* sendBytes(port, opened, 300)), 101)
    }))

  it.effect("the token of a session that has ended opens nothing", () =>
    Effect.gen(function*() {
      const { create, send } = yield* client
      const { sessionId, token } = yield* create
      const released = { method: "POST", target: "/mcp/releaseSession", headers, body: JSON.stringify({ sessionId }) }
      assert.strictEqual(statusOf(yield* send(released)), 200)
      const reply = yield* send(linkCall(sessionId, { "x-access-token": token }))
      assert.isAtLeast(Number(statusOf(reply)), 400)
      const opened = yield* send({ target: `/ws/${sessionId}`, headers: { ...handshake, "x-access-token": token } })
      assert.isAtLeast(Number(statusOf(opened)), 400)
    }))

  const context = Effect.gen(function*() {
    const { dataOf } = yield* client
    const name = `attacked-${Math.random().toString(36).slice(2)}`
    const { id } = yield* dataOf<{ readonly id: string }>("getContext", { name, allowCreate: "true" })
    const presigned = (kind: "Upload" | "Download") =>
      Effect.map(
        dataOf<{ readonly url: string }>(`getContextFile${kind}Url`, { contextId: id, filePath: "/notes.txt" }),
        ({ url }) => url.slice(url.indexOf("/", 8))
      )
    return { id, presigned }
  })

  /** Every way in which a URL can be bent to open something else. */
  const bent = (url: string): Readonly<Record<string, string>> => ({
    "no signature": url.replace(/&signature=\w+/, ""),
    "an empty signature": url.replace(/signature=\w+/, "signature="),
    "another signature": url.replace(/signature=\w+/, `signature=${"0".repeat(64)}`),
    "half a signature": url.replace(/signature=(\w{32})\w+/, "signature=$1"),
    "a later expiry": url.replace(/expires=(\d+)/, (_, seconds) => `expires=${Number(seconds) + 1}`),
    "no expiry": url.replace(/expires=\d+&/, ""),
    "an expiry that is no number": url.replace(/expires=\d+/, "expires=Infinity"),
    "two expiries": url.replace("?", "?expires=99999999999&"),
    "another file": url.replace("notes", "other"),
    "a file above": url.replace("/notes", "/../notes"),
    "a file above, encoded": url.replace("/notes", "/%2e%2e%2fnotes"),
    "another context": url.replace(/SdkCtx-\w/, "SdkCtx-0x"),
    "a NUL": url.replace("notes.txt", "notes.txt%00"),
    "bad encoding": url.replace("notes.txt", "notes.txt%"),
    "a slash too many": url.replace("/notes", "//notes")
  })

  it.effect("a presigned URL opens one file for one method", () =>
    Effect.gen(function*() {
      const { send } = yield* client
      const { presigned } = yield* context
      const upload = yield* presigned("Upload")
      assert.strictEqual(statusOf(yield* send({ method: "PUT", target: upload, body: "mine" })), 200)
      const download = yield* presigned("Download")
      for (const [title, target] of Object.entries(bent(download))) {
        const reply = yield* send({ target })
        assert.notStrictEqual(target, download, title)
        assert.isAtLeast(Number(statusOf(reply)), 400, title)
        assert.notInclude(reply.text, "mine", title)
      }
      for (const [title, target] of Object.entries(bent(upload))) {
        const reply = yield* send({ method: "PUT", target, body: "theirs" })
        assert.isAtLeast(Number(statusOf(reply)), 400, title)
      }
      for (const method of ["GET", "POST", "DELETE", "PATCH", "OPTIONS"]) {
        assert.isAtLeast(Number(statusOf(yield* send({ method, target: upload }))), 400, method)
      }
      assert.isAtLeast(Number(statusOf(yield* send({ method: "PUT", target: download, body: "theirs" }))), 400)
      assert.isAtLeast(Number(statusOf(yield* send({ target: download, headers: { origin: "null" } }))), 400)
      assert.include((yield* send({ target: download })).text, "mine")
    }))

  it.effect("an upload that breaks off leaves what was there", () =>
    Effect.gen(function*() {
      const { send } = yield* client
      const { presigned } = yield* context
      const target = yield* presigned("Upload")
      assert.strictEqual(statusOf(yield* send({ method: "PUT", target, body: "whole" })), 200)
      const cut = send({ method: "PUT", target, headers: { "content-length": "1000" }, body: "half" })
      yield* Effect.timeoutOption(cut, "300 millis")
      const download = yield* presigned("Download")
      assert.match((yield* send({ target: download })).text, /\r\n\r\nwhole$/)
    }))

  it.effect("no URL is made for a path that leaves its context", () =>
    Effect.gen(function*() {
      const { ask } = yield* client
      const { id } = yield* context
      for (const filePath of ["../x", "/a/../../x", "/", "", "/a/..", "/a\0b", "/a/", `/${"a".repeat(5000)}`]) {
        const reply = yield* ask("getContextFileUploadUrl", { contextId: id, filePath })
        assert.strictEqual(statusOf(reply), 400, filePath.slice(0, 40))
      }
    }))
})
