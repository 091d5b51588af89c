/** What the server writes down of its clients: enough to find a request again, and nothing that it was told. */
import { Session } from "@effect-agb/core"
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Inspectable, Layer, Logger, LogLevel, Redacted } from "effect"
import { stackFrames } from "../../src/internal/server/http/requestLog.js"
import { jsonOf, type RawRequest, sendRequest } from "../support/rawHttp.js"
import { best, layerWith, serverLayer } from "../support/runtime.js"

const apiKey = "akm-0c0ffee0-of-the-log"

const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" }

/** Words that clients put wherever something of theirs can stand. */
const told = {
  code: "print('a-secret-of-the-code')",
  command: "echo a-secret-of-the-command",
  path: "/tmp/a-secret-of-the-path",
  key: "akm-a-wrong-secret-key",
  label: "a-secret-of-the-label",
  target: "/a-secret-of-the-target",
  query: "a-secret-of-the-query",
  agent: "a-secret-of-the-agent"
}

const collecting = (lines: Array<string>) =>
  Layer.merge(
    Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ annotations, cause, message }) => {
        lines.push(Inspectable.stringifyCircular({ message, cause: String(cause), annotations: [...annotations] }))
      })
    ),
    Logger.minimumLogLevel(LogLevel.All)
  )

const requests = (sessionId: string, token: string): ReadonlyArray<RawRequest> => {
  const call = (name: string, args: object): RawRequest => ({
    method: "POST",
    target: "/mcp",
    headers: { ...headers, "user-agent": told.agent },
    body: JSON.stringify({ sessionId, name, args })
  })
  return [
    call("shell", { command: told.command, timeout_ms: 20_000 }),
    call("run_code", { code: told.code, language: "javascript" }),
    call("write_file", { path: told.path, content: told.label }),
    call("read_file", { path: `${told.path}-missing` }),
    call("a-secret-of-the-tool", {}),
    { method: "POST", target: "/mcp", headers: { authorization: `Bearer ${told.key}` }, body: "{}" },
    { target: told.target, headers },
    { target: `/sdk/ListSession?x=${told.query}`, headers },
    { target: `/link/${sessionId}/callTool?token=${token}`, headers },
    { target: `/ws/${sessionId}?token=${token}`, headers: { connection: "Upgrade", upgrade: "websocket" } },
    { target: "/contexts/SdkCtx-1/a-secret-of-the-path?expires=1&signature=a-secret-of-the-query" },
    { method: "A-SECRET-OF-THE-TARGET", target: "/", headers }
  ]
}

describe("the log of the server", () => {
  it.live("shows no key, token, code or path, and a line for each request that was understood", () => {
    const lines: Array<string> = []
    return Effect.gen(function*() {
      const { endpoint } = yield* LocalAgb.LocalAgb
      const port = Number(new URL(endpoint).port)
      const created = yield* sendRequest(port, {
        method: "POST",
        target: "/mcp/createSession?imageId=code_latest",
        headers,
        body: JSON.stringify({ labels: { label: told.label } })
      })
      const { sessionId, token } =
        (jsonOf(created) as { readonly data: { readonly sessionId: string; readonly token: string } }).data
      const before = lines.length
      for (const request of requests(sessionId, token)) yield* sendRequest(port, request)
      assert.isAtLeast(lines.length - before, requests(sessionId, token).length - 2)
      const all = lines.join("\n")
      assert.include(all, "shell")
      assert.include(all, sessionId)
      for (const secret of [apiKey, token]) assert.notInclude(all, secret)
      assert.notMatch(all, /secret/i)
    }).pipe(
      Effect.provide(serverLayer({ apiKey: Redacted.make(apiKey), poolSize: 0, requestLogLevel: "Info" })),
      Effect.provide(collecting(lines))
    )
  })

  it.live("shows no failure for a session that is used and deleted", () => {
    const lines: Array<string> = []
    return Effect.gen(function*() {
      yield* Session.use({ imageId: "agb-code-space-1" }, (session) => session.status)
      assert.isAbove(lines.length, 3)
      assert.deepStrictEqual(lines.filter((line) => !line.includes("200")), [])
    }).pipe(
      Effect.provide(layerWith(best, { poolSize: 0, requestLogLevel: "Info" })),
      Effect.provide(collecting(lines))
    )
  })

  it("names the place of a defect, and nothing that it quotes", () => {
    const defect = new TypeError(`unexpected ${apiKey}`)
    const lines = new TypeError(`unexpected\n    at ${apiKey}\n    at x`)
    const changed = Object.assign(new TypeError(`unexpected\n    at ${apiKey}`), { message: "another" })
    for (const known of [defect, lines]) assert.include(stackFrames(known), "attacksLog")
    for (const place of [stackFrames(lines), stackFrames(changed)]) assert.notInclude(place, apiKey)
    for (const place of [stackFrames(defect), stackFrames(apiKey), stackFrames({ apiKey })]) {
      assert.notInclude(place, apiKey)
    }
  })
})
