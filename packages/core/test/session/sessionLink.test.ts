/** The link of a session, at which its tools are called without the key. */
import type { Transport } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { envelope, type FakeOptions } from "../support/fakeSockets.js"
import { on } from "../support/streamedRuns.js"

describe("the link of a session", () => {
  const linkUrl = "https://link.example/link/s-1//"
  const reply = (result: unknown, asText = true) => {
    const data = { requestId: "x", result }
    return {
      status: 200,
      headers: {},
      body: JSON.stringify({ success: false, data: asText ? JSON.stringify(data) : data })
    }
  }
  const text = (value: string) => ({ content: [{ type: "text", text: value }], isError: false })
  const ran = JSON.stringify({ stdout: "out", stderr: "", exit_code: 0 })

  for (const asText of [true, false]) {
    it.effect(`is where its tools are called, with the token and without the key (${asText ? "JSON text" : "JSON"})`, () =>
      on((server, { command, fileSystem }) =>
        Effect.gen(function*() {
          assert.strictEqual((yield* command.executeCommand("echo", { timeout: "3 seconds" })).stdout, "out")
          const [call] = server.toolCalls
          assert.strictEqual(call?.url, "https://link.example/link/s-1/callTool")
          const { authorization, "x-access-token": token } = call?.headers ?? {}
          assert.deepStrictEqual([authorization, token], [undefined, "t-1"])
          const { requestId, ...body } = JSON.parse(call?.body ?? "")
          assert.match(requestId, /^link-\d+-\d{9}$/)
          const args = { command: "echo", timeout_ms: 3000 }
          assert.deepStrictEqual(body, { tool: "shell", server: "shells", token: "t-1", args })
          // No server is named for the tools of files.
          yield* Effect.ignore(fileSystem.readFile("/a"))
          assert.strictEqual(server.toolCalls.at(-1)?.url, "https://api.example/mcp?autoGenSession=false")
        }), { handles: { linkUrl }, exchange: () => reply(text(ran), asText) }))
  }

  const unusable: ReadonlyArray<readonly [string, FakeOptions["handles"]]> = [
    ["not encrypted", { linkUrl: "http://link.example/link" }],
    ["without a token", { linkUrl, token: "" }],
    ["without tools", { linkUrl, toolList: [] }]
  ]
  for (const [title, handles = {}] of unusable) {
    it.effect(`is not used when it is ${title}`, () =>
      on((server, { command }) =>
        Effect.gen(function*() {
          yield* command.executeCommand("echo")
          assert.deepStrictEqual(server.toolCalls.map(({ url }) => new URL(url).host), ["api.example"])
        }), { handles, exchange: () => envelope({ content: [{ type: "text", text: ran }] }) }))
  }

  const failures: ReadonlyArray<readonly [string, () => Transport.Reply, string]> = [
    ["401", () => ({ status: 401, headers: {}, body: "" }), "RequestRejectedError"],
    ["502", () => ({ status: 502, headers: {}, body: "<html>" }), "ExecutionUnknownError"],
    ["no data", () => ({ status: 200, headers: {}, body: "{}" }), "ExecutionUnknownError"],
    ["no result", () => ({ status: 200, headers: {}, body: "{\"data\":{}}" }), "ExecutionUnknownError"],
    ["a failure", () => envelope(undefined, { success: false, message: "t-1 is no good" }), "RequestRejectedError"],
    ["a tool error", () => reply({ content: [{ text: "no such tool" }], isError: true }), "ToolError"]
  ]
  for (const [title, answer, tag] of failures) {
    it.effect(`that answers ${title} is never a success`, () =>
      on((_, { command }) =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(command.executeCommand("echo"))
          assert.strictEqual(error._tag, tag)
          assert.notInclude(JSON.stringify(error), "t-1")
          assert.notInclude(error.message, "API key")
        }), { handles: { linkUrl }, exchange: answer }))
  }
})
