/** Hostile bodies from a client that has the key: each gets an envelope, nothing happens, and the server goes on. */
import type { AgbTools } from "@effect-agb/core"
import { AgbApi } from "@effect-agb/core"
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import { gzipSync } from "node:zlib"
import { jsonOf, type RawReply, sendRequest } from "../support/rawHttp.js"
import { serverLayer } from "../support/runtime.js"

const apiKey = "akm-0c0ffee0-bodies"

const deep = 100_000

const nested = (open: string, close: string, inside = "1") => open.repeat(deep) + inside + close.repeat(deep)

/** `id` is that of a live session, so that only the value that is wrong can be the reason of a refusal. */
const documents = (id: string): Readonly<Record<string, string | Buffer>> => ({
  "nothing but depth": "[".repeat(deep),
  "nested lists": nested("[", "]"),
  "nested objects": nested("{\"a\":", "}"),
  "a nested session id": `{"sessionId":${nested("[", "]")}}`,
  "nested labels": `{"sessionId":"${id}","labels":${nested("{\"a\":", "}")}}`,
  "nested arguments": `{"sessionId":"${id}","name":"shell","args":${nested("{\"command\":", "}")}}`,
  "nested arguments as text": JSON.stringify({ sessionId: id, name: "shell", args: nested("[", "]") }),
  "nested arguments of no tool": `{"sessionId":"${id}","name":"x","args":{"a":${nested("[", "]")}}}`,
  "a prototype": `{"__proto__":{"polluted":1,"sessionId":"${id}"}}`,
  "the prototype of the constructor": "{\"constructor\":{\"prototype\":{\"polluted\":1}}}",
  "labels for a prototype": "{\"labels\":{\"__proto__\":{\"polluted\":\"1\"}}}",
  "arguments for a prototype": `{"sessionId":"${id}","name":"shell","args":{"__proto__":{"command":"true"}}}`,
  "a tool called __proto__": `{"sessionId":"${id}","name":"__proto__","args":{}}`,
  "a tool called constructor": `{"sessionId":"${id}","name":"constructor","args":{}}`,
  "a session called __proto__": "{\"sessionId\":\"__proto__\",\"name\":\"shell\",\"args\":{}}",
  "a lone surrogate as a session": "{\"sessionId\":\"\\ud800\"}",
  "a lone surrogate as a command": `{"sessionId":"${id}","name":"shell","args":{"command":"echo \\ud800"}}`,
  "an endless timeout": "{\"timeout\":1e999}",
  "a negative timeout": "{\"timeout\":-1}",
  "a timeout of a million digits": `{"timeout":${"9".repeat(1_000_000)}}`,
  "two session ids": `{"sessionId":"${id}","sessionId":["${id}"]}`,
  "a NUL in the id": `{"sessionId":"${id}\\u0000"}`,
  "an id of a megabyte": `{"sessionId":"${"s".repeat(2 ** 20)}"}`,
  "not UTF-8": Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  "UTF-16": Buffer.from("\ufeff{\"timeout\":60}", "utf16le"),
  "NaN": "{\"timeout\":NaN}",
  "a comment": "{} // nothing",
  "a comma too many": "{\"timeout\":60,}",
  "half a document": "{\"timeout\":",
  "two documents": "{}{}",
  "a list": "[]",
  "a number": "7",
  "a text": "\"{}\"",
  "null": "null"
})

const heavy: Readonly<Record<string, readonly [body: Buffer, headers?: Record<string, string>]>> = {
  "33 MiB": [Buffer.alloc(33 * 2 ** 20, "a")],
  "a text of 33 MiB": [Buffer.concat([Buffer.from("{\"sessionId\":\""), Buffer.alloc(33 * 2 ** 20, "a")])],
  "a gzip bomb": [gzipSync(Buffer.alloc(64 * 2 ** 20)), { "content-encoding": "gzip" }]
}

/** Each is an answer to a client who may ask, and must still not do what it says. */
const hostileArgs: ReadonlyArray<readonly [tool: AgbTools.ToolName, args: unknown]> = [
  ["shell", { command: "true", timeout_ms: 1e300 }],
  ["shell", { command: "true", timeout_ms: -1 }],
  ["shell", { command: ["true"] }],
  ["shell", { command: "true", cwd: "relative" }],
  ["shell", { command: "true", cwd: "/tmp\0/x" }],
  ["shell", { command: "true", envs: { "A=B": "c" } }],
  ["shell", { command: "true", envs: [1] }],
  ["shell", { command: "true\0" }],
  ["run_code", { code: "1", language: "__proto__" }],
  ["run_code", { code: "1", language: "cobol" }],
  ["run_code", { code: 1, language: "python" }],
  ["run_code", { code: "1", language: "python", timeout_s: 1e9 }],
  ["read_file", { path: "relative" }],
  ["read_file", { path: "/tmp/\0" }],
  ["read_file", { path: `/${"a/".repeat(4096)}` }],
  ["read_file", { path: "/etc/passwd", offset: -1 }],
  ["read_file", { path: "/etc/passwd", length: 1e300 }],
  ["read_file", { path: "/dev/zero" }],
  ["write_file", { path: "/tmp/a", content: "a", mode: "__proto__" }],
  ["write_file", { path: "/tmp/a", content: { toString: "a" } }],
  ["edit_file", { path: "/etc/passwd", edits: [] }],
  ["edit_file", { path: "/etc/passwd", edits: [{ oldText: "", newText: "x" }] }],
  ["search_files", { path: "/", pattern: "" }],
  ["search_files", { path: "/", pattern: "*".repeat(100_000) }],
  ["list_directory", { path: "/nowhere" }],
  ["move_file", { source: "/tmp/a", destination: "b" }]
]

interface Envelope {
  readonly requestId?: string
  readonly success?: boolean
  readonly data?: { readonly sessionId?: string; readonly isError?: boolean; readonly content?: unknown }
}

const envelopeOf = (reply: RawReply) => jsonOf(reply) as Envelope

const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" }

const client = Effect.map(LocalAgb.LocalAgb, ({ endpoint }) => {
  const port = Number(new URL(endpoint).port)
  const post = (target: string, body: string | Buffer, more: Record<string, string> = {}) =>
    sendRequest(port, { method: "POST", target, headers: { ...headers, ...more }, body })
  const create = Effect.map(
    post("/mcp/createSession?imageId=code_latest", "{}"),
    (reply) => envelopeOf(reply).data?.sessionId ?? ""
  )
  const call = (sessionId: string, name: string, args: unknown) =>
    post("/mcp", JSON.stringify({ sessionId, name, args }))
  return { post, create, call }
})

/** Why a reply is none that a client can live with. */
const faultOf = (reply: RawReply): string | undefined => {
  const [status = 0, ...more] = reply.statuses
  if (more.length > 0 || status < 200 || status >= 500) return `statuses ${reply.statuses}`
  return typeof envelopeOf(reply).requestId === "string" ? undefined : `no request id in ${reply.text.slice(-200)}`
}

const posts = Object.values(AgbApi.endpoints).filter(({ method }) => method === "POST").map(({ path }) => path)

/** Those that would end the session that the others need. */
const harmless = posts.filter((path) => !path.includes("release"))

const server = serverLayer({ apiKey: Redacted.make(apiKey) })

layer(Layer.provideMerge(server, Logger.minimumLogLevel(LogLevel.None)), {
  excludeTestServices: true,
  timeout: 30_000
})("a hostile body", (it) => {
  it.effect("gets an envelope on every route and does nothing", () =>
    Effect.gen(function*() {
      const { call, create, post } = yield* client
      const id = yield* create
      for (const [title, body] of Object.entries(documents(id))) {
        for (const path of harmless) {
          const fault = faultOf(yield* post(path, body))
          assert.isUndefined(fault, `${title} to ${path}: ${fault}`)
        }
      }
      assert.isFalse("polluted" in {})
      const echoed = yield* call(id, "shell", { command: "echo still here", timeout_ms: 20_000 })
      assert.include(echoed.text, "still here")
    }))

  it.effect("is not read to its end where it is too large or compressed", () =>
    Effect.gen(function*() {
      const { create, post } = yield* client
      for (const [title, [body, more]] of Object.entries(heavy)) {
        const [status] = (yield* post("/mcp", body, more)).statuses
        assert.include(more?.["content-encoding"] === undefined ? [413] : [413, 415], status, title)
      }
      assert.notStrictEqual(yield* create, "")
    }))

  it.effect("is not parsed where it holds too many values", () =>
    Effect.gen(function*() {
      const { create, post } = yield* client
      const id = yield* create
      for (const many of [`[${"{},".repeat(600_000)}1]`, `[${"1,".repeat(5_000_000)}1]`]) {
        const reply = yield* post("/mcp", `{"sessionId":"${id}","name":"shell","args":{},"more":${many}}`)
        assert.deepStrictEqual(reply.statuses, [400])
        assert.include(reply.text, "half a million values")
      }
    }))

  it.effect("is refused by its length, before it has been sent", () =>
    Effect.gen(function*() {
      const { post } = yield* client
      const reply = yield* post("/mcp", "{", { "content-length": String(33 * 2 ** 20) })
      assert.deepStrictEqual(reply.statuses, [413])
    }))

  it.effect("with hostile arguments of a tool is an error of the tool", () =>
    Effect.gen(function*() {
      const { call, create } = yield* client
      const id = yield* create
      for (const [tool, args] of hostileArgs) {
        const reply = yield* call(id, tool, args)
        const title = `${tool} ${JSON.stringify(args).slice(0, 100)}`
        assert.isUndefined(faultOf(reply), title)
        assert.isTrue(envelopeOf(reply).data?.isError, `${title}: ${reply.text.slice(-300)}`)
      }
    }))
})
