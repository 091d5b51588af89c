/** Requests as clients spell them that were written from a description: `null`, empty values, flags, a slash too many. */
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { once } from "node:events"
import * as Http from "node:http"
import { json } from "node:stream/consumers"
import { serverLayer } from "../support/runtime.js"
import { postJson, toolAnswer } from "../support/wire.js"
import { type Answer, type Query, type WireClient, wireClient } from "../support/wireClient.js"

const image = { imageId: "agb-browser-use-1" }

layer(serverLayer(), { excludeTestServices: true })("a request", (it) => {
  const using = (test: (wire: WireClient) => Promise<void>) =>
    Effect.flatMap(
      LocalAgb.LocalAgb,
      ({ apiKey, endpoint }) => Effect.promise(() => test(wireClient(endpoint, Redacted.value(apiKey))))
    )

  const succeeded = (answer: Answer): Answer => {
    assert.strictEqual(answer.status, 200, JSON.stringify(answer.body))
    assert.deepInclude(answer.body, { success: true, message: null })
    return answer
  }

  const refused = (answer: Answer, message: string) => {
    assert.strictEqual(answer.status, 400, JSON.stringify(answer.body))
    assert.deepInclude(answer.body, { success: false, code: "InvalidParameter", message })
    assert.isNotEmpty(answer.body["requestId"])
  }

  it.effect("leaves out a field with null", () =>
    using(async ({ post }) => {
      const none = { labels: null, timeout: null, mcpPolicyId: null, contextId: null, persistenceDataList: null }
      const created = succeeded(await post("/mcp/createSession", image, none))
      const { linkUrl, sessionId, token } = created.data<{ linkUrl: string; sessionId: string; token: string }>()
      const args = { command: "echo said", timeout_ms: null, cwd: null, envs: null }
      const body = { sessionId, name: "shell", server: null, args: JSON.stringify(args) }
      const answer = succeeded(await post("/mcp", { autoGenSession: "false" }, body))
      assert.include(JSON.stringify(answer.body), "said")
      const call = { tool: "shell", args, server: null, requestId: null, token: null }
      const overLink = await Effect.runPromise(postJson(`${linkUrl}/callTool`, call, { "X-Access-Token": token }))
      assert.deepInclude(toolAnswer(overLink).value, { stdout: "said\n", exit_code: 0 })
      const policy = { contextId: "SdkCtx-none", path: "/tmp/kept", policy: null }
      succeeded(await post("/mcp/createSession", image, { persistenceDataList: [policy] }))
    }))

  it.effect("leaves out a parameter with an empty value", () =>
    using(async ({ context, get, post, session }) => {
      const contextId = await context("listed")
      const requests: ReadonlyArray<readonly ["GET" | "POST", string, Query]> = [
        ["GET", "/sdk/ListSession", { labels: "", maxResults: "", nextToken: "" }],
        ["GET", "/sdk/ListContexts", { maxResults: "", nextToken: "" }],
        ["GET", "/sdk/GetContext", { id: contextId, name: "", allowCreate: "" }],
        ["POST", "/sdk/DescribeContextFiles", { contextId, parentFolderPath: "", pageNumber: "", pageSize: "" }],
        ["POST", "/sdk/SyncContext", { sessionId: await session(), contextId: "", path: "", mode: "" }],
        ["GET", "/internet/getLink", { sessionId: await session(), protocolType: "", port: "30100" }],
        ["POST", "/mcp/createSession", { imageId: "" }]
      ]
      for (const [method, path, query] of requests) {
        succeeded(await (method === "GET" ? get(path, query) : post(path, query, {})))
      }
    }))

  it.effect("filters nothing by what is empty", () =>
    using(async ({ context, items, session, sync }) => {
      const [contextId, sessionId] = [await context("copied"), await session()]
      await sync({ sessionId, contextId, path: "/tmp/copied", mode: "download" })
      assert.lengthOf(await items({ sessionId, contextId: "", path: "", taskType: "" }), 1)
      assert.lengthOf(await items({ sessionId, contextId: "", path: "", taskType: "upload" }), 0)
    }))

  it.effect("spells a flag in either case", () =>
    using(async ({ get }) => {
      const named = (allowCreate: string) => get("/sdk/GetContext", { name: "from Python", allowCreate })
      for (const no of ["False", "FALSE", "0"]) assert.strictEqual((await named(no)).status, 404)
      for (const yes of ["True", "1", "TRUE"]) succeeded(await named(yes))
      refused(await named("maybe"), "allowCreate must be true or false, but was \"maybe\"")
    }))

  it.effect("goes to an endpoint that was given with a slash at its end", () =>
    using(async ({ get, post }) => {
      succeeded(await get("//sdk/ListSession", {}))
      const { linkUrl, sessionId, token } = succeeded(await post("//mcp/createSession", image))
        .data<{ linkUrl: string; sessionId: string; token: string }>()
      succeeded(await post("//mcp/getSessionInfo", {}, { sessionId }))
      const link = linkUrl.replace("/link/", "//link/")
      const call = { tool: "shell", args: { command: "true" } }
      const { status } = await Effect.runPromise(postJson(`${link}/callTool`, call, { "X-Access-Token": token }))
      assert.strictEqual(status, 200)
    }))

  it.effect("has no body when that is null", () =>
    Effect.gen(function*() {
      const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
      const headers = { authorization: `Bearer ${Redacted.value(apiKey)}` }
      const listed = yield* postJson(`${endpoint}/mcp/listTools?imageId=code_latest`, "null", headers)
      assert.strictEqual(listed.status, 200)
      const { json, status } = yield* postJson(`${endpoint}/mcp/getSession`, "null", headers)
      assert.deepStrictEqual([status, json.message], [400, "sessionId must be present, but was missing"])
    }))

  it.effect("without a body may have any type, as some libraries name one for each POST", () =>
    Effect.gen(function*() {
      const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
      for (const type of ["application/x-www-form-urlencoded", "text/plain;charset=UTF-8"]) {
        const headers = { authorization: `Bearer ${Redacted.value(apiKey)}`, "content-type": type }
        const { status } = yield* postJson(`${endpoint}/mcp/listTools?imageId=code_latest`, "", headers)
        assert.strictEqual(status, 200, type)
      }
    }))

  it.scoped("may offer to go on in HTTP/2, as Java's client does each time, and stays in HTTP/1.1", () =>
    Effect.gen(function*() {
      const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
      const headers = {
        authorization: `Bearer ${Redacted.value(apiKey)}`,
        "content-type": "application/json",
        connection: "Upgrade, HTTP2-Settings",
        upgrade: "h2c",
        "http2-settings": "AAMAAABkAAQBAAAAAAIAAAAA"
      }
      const agent = new Http.Agent({ keepAlive: true })
      yield* Effect.addFinalizer(() => Effect.sync(() => agent.destroy()))
      const ask = (method: string, path: string, body: string) =>
        Effect.promise(async () => {
          const request = Http.request(`${endpoint}${path}`, { agent, headers, method }).end(body)
          const [reply] = await once(request, "response") as [Http.IncomingMessage]
          return { status: reply.statusCode, body: await json(reply) }
        })
      const tools = yield* ask("POST", "/mcp/listTools?imageId=code_latest", "{}")
      const sessions = yield* ask("GET", "/sdk/ListSession", "")
      assert.deepStrictEqual([tools.status, sessions.status], [200, 200])
      assert.deepInclude(sessions.body, { success: true })
    }))

  it.effect("for a link may go to its other address", () =>
    using(async ({ get, session }) => {
      const query = { sessionId: await session(), protocolType: "https", port: "30100" }
      const answers = [await get("/mcp/getLink", query), await get("/internet/getLink", query)].map(succeeded)
      assert.deepStrictEqual(answers[0]?.data(), answers[1]?.data())
    }))

  const wrong: ReadonlyArray<readonly [path: string, query: Query, body: object, message: string]> = [
    ["/mcp/createSession", image, { labels: { a: 1 } }, "labels.a must be a string, but was 1"],
    ["/mcp/createSession", image, { labels: "{\"a\":1}" }, "labels.a must be a string, but was 1"],
    ["/mcp/createSession", image, { labels: "{oops" }, "labels must be JSON text, but was \"{oops\""],
    ["/mcp/createSession", image, { labels: 7 }, "labels must be an object, but was 7"],
    ["/mcp/createSession", image, { timeout: 1.5 }, "timeout must be an integer, but was 1.5"],
    ["/mcp/createSession", image, { timeout: "60" }, "timeout must be a number, but was \"60\""],
    [
      "/mcp/createSession",
      image,
      { persistenceDataList: [{ contextId: "c", path: "/tmp/a", policy: { uploadPolicy: { autoUpload: "yes" } } }] },
      "persistenceDataList.0.policy.uploadPolicy.autoUpload must be a boolean, but was \"yes\""
    ],
    [
      "/sdk/SyncContext",
      { sessionId: "s", mode: "Upload" },
      {},
      "mode must be \"upload\" or \"download\", but was \"Upload\""
    ],
    ["/sdk/DescribeContextFiles", { contextId: "c", pageSize: "x" }, {}, "pageSize must be a number, but was \"x\""],
    ["/sdk/SetLabel", { sessionId: "", Labels: "{\"a\":\"b\"}" }, {}, "sessionId must be present, but was missing"]
  ]

  it.effect("that does not decode is told what was expected where", () =>
    using(async ({ get, post }) => {
      for (const [path, query, body, message] of wrong) refused(await post(path, query, { ...body }), message)
      refused(await get("/sdk/ListSession", { maxResults: "ten" }), "maxResults must be a number, but was \"ten\"")
    }))

  it.effect("for the tools of an image is told what values they take", () =>
    using(async ({ post }) => {
      const tools = JSON.parse(succeeded(await post("/mcp/listTools", image)).data<string>())
      const schemaOf = (wanted: string) =>
        tools.find(({ name }: { readonly name: string }) => name === wanted).inputSchema.properties
      assert.deepStrictEqual(schemaOf("run_code").language.enum, ["python", "javascript", "java", "r"])
      assert.deepInclude(schemaOf("edit_file").edits, { type: "array", minItems: 1 })
      assert.notInclude(JSON.stringify(tools), "null")
    }))
})
