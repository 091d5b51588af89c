/** The link of a session, called as foreign clients call it. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { serverLayer } from "../support/runtime.js"
import { postJson, sessionOf, toolAnswer, wire, type WireSession } from "../support/wire.js"

const call = (
  { linkUrl, token }: Pick<WireSession, "linkUrl" | "token">,
  body: unknown,
  headers: Record<string, string> = { "X-Access-Token": token }
) => postJson(`${linkUrl}/callTool`, body, headers)

const shell = (command: string, more: object = {}) => ({
  tool: "shell",
  server: "wuying_shell",
  args: { command, timeout_ms: 10_000 },
  requestId: "link-1775548800123-004217733",
  ...more
})

layer(serverLayer(), { excludeTestServices: true })("the link route", (it) => {
  it.effect("calls a tool with the session's token alone", () =>
    Effect.gen(function*() {
      const session = yield* Effect.flatMap(wire, ({ createSession }) => createSession)
      const reply = yield* call(session, shell("echo link", { token: session.token }))
      assert.strictEqual(reply.status, 200)
      assert.deepInclude(reply.json, { code: "ok", success: true, requestId: "link-1775548800123-004217733" })
      assert.strictEqual(reply.headers.get("x-request-id"), "link-1775548800123-004217733")
      assert.strictEqual(JSON.parse(String(reply.json.data)).requestId, "link-1775548800123-004217733")
      const { isError, value } = toolAnswer(reply)
      assert.strictEqual(isError, false)
      assert.deepStrictEqual(value, { stdout: "link\n", stderr: "", exit_code: 0 })
    }))

  it.effect("answers in the structured form, whoever made the session", () =>
    Effect.gen(function*() {
      const { post } = yield* wire
      const created = yield* post("/mcp/createSession?imageId=agb-browser-use-1", {}, {
        "user-agent": "python-requests/2.31"
      })
      const reply = yield* call(sessionOf(created), {
        tool: "run_code",
        args: { code: "6 * 7", language: "javascript" },
        requestId: "link-1"
      })
      assert.deepInclude(toolAnswer(reply).value, {
        result: [{ "text/plain": "42", isMainResult: true }],
        executionError: null
      })
    }))

  it.effect("tells what a tool refuses as the tool's error", () =>
    Effect.gen(function*() {
      const session = yield* Effect.flatMap(wire, ({ createSession }) => createSession)
      for (const body of [shell("true", { args: { command: 7 } }), shell("true", { tool: "no_such_tool" })]) {
        const reply = yield* call(session, body)
        assert.strictEqual(reply.status, 200)
        assert.strictEqual(toolAnswer(reply).isError, true)
        assert.match(toolAnswer(reply).text, /command must be|no tool named no_such_tool/)
      }
    }))

  it.effect("takes no other token, and no key instead", () =>
    Effect.gen(function*() {
      const { apiKey, createSession } = yield* wire
      const [session, other] = yield* Effect.all([createSession, createSession])
      const wrong: ReadonlyArray<readonly [Record<string, string>, object]> = [
        [{}, {}],
        [{}, { token: session.token }],
        [{ "X-Access-Token": "" }, {}],
        [{ "X-Access-Token": other.token }, {}],
        [{ "X-Access-Token": `${session.token}x` }, {}],
        [{ "X-Access-Token": session.token }, { token: other.token }],
        [{ "X-Access-Token": session.token }, { token: "" }],
        [{ authorization: `Bearer ${apiKey}` }, {}],
        [{ "X-Access-Token": apiKey }, {}],
        [{ authorization: `Bearer ${session.token}` }, {}]
      ]
      for (const [headers, more] of wrong) {
        const { json, status } = yield* call(session, shell("touch /tmp/reached", more), headers)
        assert.strictEqual(status, 401)
        assert.deepInclude(json, { success: false, code: "InvalidToken", httpStatusCode: 401 })
        assert.isNotEmpty(json.requestId)
      }
      const there = yield* call(session, shell("ls /tmp/reached"))
      assert.notStrictEqual(toolAnswer(there).value.exit_code, 0)
    }))

  it.effect("says 404 for a session that is gone", () =>
    Effect.gen(function*() {
      const { createSession, release } = yield* wire
      const session = yield* createSession
      yield* release(session)
      const { json, status } = yield* call(session, shell("true"))
      assert.strictEqual(status, 404)
      assert.deepInclude(json, { success: false, code: "InvalidMcpSession.NotFound" })
      assert.include(json.message, session.sessionId)
    }))

  const bad: ReadonlyArray<readonly [unknown, RegExp]> = [
    ["", /the body must be/],
    ["{", /the body must be/],
    ["[]", /the body must be/],
    [{ args: {} }, /tool must be present/],
    [{ tool: " ", args: {} }, /tool must be/],
    [{ tool: "shell" }, /args must be present/],
    [{ tool: "shell", args: [] }, /args must be/],
    [{ tool: "shell", args: {}, requestId: 7 }, /requestId must be/],
    [{ tool: "shell", args: {}, requestId: "a\r\nset-cookie: b" }, /requestId must be/],
    [{ tool: "shell", args: {}, token: {} }, /token must be/],
    [`{"tool":"shell","args":${"[".repeat(200_000)}`, /nested deeper/]
  ]

  it.effect("names the field of a body that does not decode", () =>
    Effect.gen(function*() {
      const session = yield* Effect.flatMap(wire, ({ createSession }) => createSession)
      for (const [body, message] of bad) {
        const { json, status } = yield* call(session, body)
        assert.strictEqual(status, 400)
        assert.deepInclude(json, { success: false, code: "InvalidParameter" })
        assert.match(json.message, message)
        assert.isNotEmpty(json.requestId)
      }
    }))

  it.effect("is called with POST", () =>
    Effect.gen(function*() {
      const session = yield* Effect.flatMap(wire, ({ createSession }) => createSession)
      const reply = yield* Effect.promise(() =>
        fetch(`${session.linkUrl}/callTool`, { headers: { "X-Access-Token": session.token } })
      )
      assert.strictEqual(reply.status, 405)
      assert.deepInclude(yield* Effect.promise(() => reply.json()), { success: false, httpStatusCode: 405 })
    }))
})
