/** The server of MCP, asked by the official client over the standard streams of a process and over HTTP, and in raw lines. */
import { AgbMcp, AgbToolkit } from "@effect-agb/ai"
import { Agb, Command, FileSystem } from "@effect-agb/core"
import { LocalAgb } from "@effect-agb/platform-node"
import { HttpServer } from "@effect/platform"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, layer } from "@effect/vitest"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import { Chunk, Effect, Fiber, Layer, Option, Queue, Redacted, Sink, Stream } from "effect"
import { createServer, request } from "node:http"
import { fileURLToPath } from "node:url"
import { testProgram } from "../../../../scripts/testProgram.mjs"
import { local, params } from "../support/local.js"

const sessions = Effect.flatMap(Agb.Agb, (agb) => Effect.map(Stream.runCollect(agb.list()), Chunk.size))

const program = fileURLToPath(new URL("stdioServer.mts", import.meta.url))

type Transport = Parameters<Client["connect"]>[0]

const connected = (transport: Transport) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new Client({ name: "test", version: "1" })
      await client.connect(transport)
      return client
    }),
    (client) => Effect.promise(() => client.close())
  )

interface Content {
  readonly type: string
  readonly text?: string
  readonly data?: string
  readonly mimeType?: string
}

const call = (client: Client, name: string, parameters: Record<string, unknown>) =>
  Effect.promise(() => client.callTool({ name, arguments: parameters })).pipe(
    Effect.map(({ content, isError }) => ({ isError, content: content as ReadonlyArray<Content> }))
  )

const read = (client: Client, uri: string) =>
  Effect.promise(() => client.readResource({ uri }).then(({ contents: [content] }) => content, (error) => ({ error })))

const figure = "class I:\n  def _repr_png_(self): return b'\\x89PNG'\ndisplay(I())"

const wrongParameters: ReadonlyArray<readonly [string, Record<string, unknown>, string]> = [
  ["read_file", {}, "read_file: path must be a string, but was missing"],
  ["read_file", { file: "/a" }, `read_file: path must be a string, but was missing; there is no parameter "file"`],
  ["run_code", { code: 5 }, "run_code: code must be a string, but was 5"],
  ["shell", { command: "ls", timeout_seconds: "10" }, `shell: timeout_seconds must be a number, but was "10"`],
  [
    "edit_file",
    { path: "a", old_text: "a", new_text: "b", replace_all: "yes" },
    `edit_file: replace_all must be a boolean, but was "yes"`
  ]
]

const useTools = (client: Client) =>
  Effect.gen(function*() {
    const { tools } = yield* Effect.promise(() => client.listTools())
    assert.deepStrictEqual(tools.map(({ name }) => name), Object.keys(AgbToolkit.toolkit.tools))
    assert.deepInclude(tools.find(({ name }) => name === "read_file")?.annotations, {
      readOnlyHint: true,
      title: "Read a file"
    })

    const shown = yield* call(client, "run_code", { code: figure })
    assert.deepStrictEqual(shown.content.slice(1), [{ type: "image", data: "iVBORw==", mimeType: "image/png" }])
    assert.notInclude(shown.content[0]!.text!, "iVBORw")
    assert.isFalse((yield* call(client, "shell", { command: "exit 3" })).isError)
    assert.isTrue((yield* call(client, "read_file", { path: "/none" })).isError)
    for (const [name, parameters, message] of wrongParameters) {
      assert.deepStrictEqual(yield* call(client, name, parameters), {
        isError: true,
        content: [{ type: "text", text: message }]
      })
    }
    const without = yield* Effect.promise(() => client.callTool({ name: "read_file" }).catch((error) => ({ error })))
    assert.deepInclude(without, { isError: true })
    const unknown = yield* Effect.promise(() => client.callTool({ name: "none", arguments: {} }).catch(String))
    assert.match(String(unknown), /-32602.*Tool 'none' not found/)
  })

const useFiles = (client: Client) =>
  Effect.gen(function*() {
    yield* call(client, "write_file", { path: "/tmp/of mcp/é%.txt", content: "text é" })
    const { resourceTemplates } = yield* Effect.promise(() => client.listResourceTemplates())
    assert.deepStrictEqual(resourceTemplates.map(({ uriTemplate }) => uriTemplate), ["file:///{+path}"])
    const uri = "file:///tmp/of%20mcp/%C3%A9%25.txt"
    assert.deepStrictEqual(yield* read(client, uri), { uri, text: "text é" })
    assert.deepInclude(yield* read(client, "file:///tmp/of%20mcp"), { text: "é%.txt" })
    yield* call(client, "shell", { command: "printf '\\377' > /tmp/bytes" })
    assert.deepInclude(yield* read(client, "file:///tmp/bytes"), { blob: "/w==" })
    const missing = yield* Effect.promise(() => client.readResource({ uri: "file:///tmp/none" }).catch(String))
    assert.match(String(missing), /-32602.*\/tmp\/none does not exist/)
    const foreign = yield* Effect.promise(() => client.readResource({ uri: "http://other/" }).catch(String))
    assert.match(String(foreign), /-32002.*Resource not found: http:\/\/other\//)
  })

interface Reply {
  readonly id: unknown
  readonly result: unknown
  readonly error: { readonly code: number; readonly message: string }
}

/** Waits for what has no clock of its own. */
const isDone = (effect: Effect.Effect<unknown>) =>
  Effect.map(Effect.timeoutOption(Effect.disconnect(effect), "30 seconds"), Option.isSome)

const token = "a token of the test"

const http = AgbMcp.layerHttp({ token: Redacted.make(token) }).pipe(
  Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })),
  Layer.provideMerge(AgbToolkit.layerSession(params))
)

const address = Effect.map(
  HttpServer.HttpServer,
  (server) => new URL(`http://127.0.0.1:${server.address._tag === "TcpAddress" ? server.address.port : 0}/mcp`)
)

const statusOf = (url: URL, method: string, headers: Record<string, string>, body = "") =>
  Effect.async<number>((resume) => {
    const sent = request(url, { method, headers }, (reply) => {
      reply.resume()
      resume(Effect.succeed(reply.statusCode ?? 0))
    })
    sent.end(body)
  })

layer(local, { excludeTestServices: true })("over the local runtime", (it) => {
  describe("a process", () => {
    const start = Effect.gen(function*() {
      const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
      const file = yield* Effect.promise(() => testProgram(program))
      return new StdioClientTransport({
        command: process.execPath,
        args: [file],
        env: { AGB_ENDPOINT: endpoint, AGB_API_KEY: Redacted.value(apiKey) }
      })
    })

    it.scoped("serves tools and files, and deletes its session when its client ends", () =>
      Effect.gen(function*() {
        const client = yield* connected(yield* start)
        assert.strictEqual(yield* sessions, 0)
        yield* useTools(client)
        yield* useFiles(client)
        assert.strictEqual(yield* sessions, 1)
        yield* Effect.promise(() => client.close())
        assert.strictEqual(yield* sessions, 0)
      }))

    it.scoped("deletes its session on SIGTERM", () =>
      Effect.gen(function*() {
        const transport = yield* start
        const client = yield* connected(transport)
        yield* call(client, "run_code", { code: "1" })
        const ended = new Promise<void>((resolve) => client.onclose = resolve)
        process.kill(transport.pid!, "SIGTERM")
        assert.isTrue(yield* isDone(Effect.promise(() => ended)))
        assert.strictEqual(yield* sessions, 0)
      }))
  })

  it.scoped("over HTTP it serves tools and files to who has the token", () =>
    Effect.gen(function*() {
      const url = yield* address
      const requestInit = { headers: { authorization: `Bearer ${token}` } }
      const client = yield* connected(new StreamableHTTPClientTransport(url, { requestInit }) as Transport)
      yield* useTools(client)
      yield* useFiles(client)

      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
      const ping = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" })
      const status = (changed: Record<string, string>, method = "POST", body = ping) =>
        statusOf(url, method, { ...headers, ...changed }, body)
      assert.strictEqual(yield* status({}), 200)
      assert.strictEqual(yield* status({ authorization: `Bearer ${token}!` }), 401)
      assert.strictEqual(yield* status({ authorization: "" }), 401)
      assert.strictEqual(yield* status({ host: "rebound.example" }), 403)
      assert.strictEqual(yield* status({ origin: "http://page.example" }), 403)
      assert.strictEqual(yield* status({}, "GET", ""), 405)
      const notification = JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })
      assert.strictEqual(yield* status({}, "POST", notification), 202)

      const weak = yield* Effect.merge(Layer.build(AgbMcp.layerHttp({ token: Redacted.make("short") })))
      assert.deepInclude(weak, { _tag: "InvalidRequestError", field: "token" })
    }).pipe(Effect.provide(http)))

  it.scoped("over HTTP a request ends with its cancellation and with its client, and no other does", () =>
    Effect.gen(function*() {
      const url = yield* address
      const requestInit = { headers: { authorization: `Bearer ${token}` } }
      const connect = Effect.suspend(() =>
        connected(new StreamableHTTPClientTransport(url, { requestInit }) as Transport)
      )
      const [first, second] = [yield* connect, yield* connect]
      // The two clients count their requests alike, so that these have the same id.
      const controller = new AbortController()
      const sleeping = (seconds: number) => ({ name: "shell", arguments: { command: `sleep ${seconds}` } })
      const command = yield* Command.Command
      const untilRun = (count: number, seconds: number) =>
        command.executeCommand(
          `for n in $(seq 300); do ps -e -o args | grep -c '^sleep ${seconds}$' | grep -qx ${count} && exit; sleep 0.1; done; exit 1`,
          { acceptExitCodes: [0, 1], timeout: "2 minutes" }
        ).pipe(Effect.map(({ exitCode }) => assert.strictEqual(exitCode, 0)))
      const cancelled = first.callTool(sleeping(1001), undefined, { signal: controller.signal }).catch(() => "over")
      const kept = second.callTool(sleeping(1002)).catch(() => "over")
      yield* untilRun(1, 1001)
      yield* untilRun(1, 1002)
      controller.abort()
      assert.strictEqual(yield* Effect.promise(() => cancelled), "over")
      yield* untilRun(0, 1001)
      yield* untilRun(1, 1002)
      const after = yield* call(first, "shell", { command: "echo usable" })
      assert.match(after.content[0]!.text!, /usable/)
      yield* Effect.promise(() => second.close())
      assert.strictEqual(yield* Effect.promise(() => kept), "over")
      yield* untilRun(0, 1002)
    }).pipe(Effect.provide(http)))

  it.scoped("lines may hold any id and come in pieces, and one that is no JSON is answered", () =>
    Effect.gen(function*() {
      const input = yield* Queue.unbounded<Uint8Array>()
      const output = yield* Queue.unbounded<string>()
      const server = yield* Effect.fork(AgbMcp.serveStdio({
        stdin: Stream.fromQueue(input, { maxChunkSize: 1 }),
        stdout: Sink.forEach((line) => Queue.offer(output, String(line)))
      }))
      const ask = (message: object | string): Effect.Effect<Reply> =>
        Effect.gen(function*() {
          const line = typeof message === "string" ? message : JSON.stringify({ jsonrpc: "2.0", ...message })
          yield* Queue.offerAll(input, Array.from(new TextEncoder().encode(`${line}\n`), (byte) => Uint8Array.of(byte)))
          return JSON.parse(yield* Queue.take(output)) as Reply
        })
      for (const id of [0, "a", "9", 9]) {
        assert.deepInclude(yield* ask({ id, method: "ping" }), { id, result: {} })
      }
      assert.deepInclude((yield* ask("no JSON")).error, { code: -32700 })
      assert.deepInclude((yield* ask("5")).error, { code: -32600 })
      assert.deepInclude((yield* ask({ id: 1, method: "no/method" })).error, { code: -32601 })
      assert.deepInclude((yield* ask({ id: 1, method: "tools/call", params: 5 })).error, {
        code: -32602,
        message: "Invalid params: tools/call: params has another type"
      })
      assert.deepInclude((yield* ask({ id: 1, method: "tools/call", params: {} })).error, {
        code: -32602,
        message: "Invalid params: tools/call: params.name is missing"
      })
      const content = "é".repeat(10)
      yield* ask({
        id: 2,
        method: "tools/call",
        params: { name: "write_file", arguments: { path: "/tmp/x", content } }
      })
      assert.strictEqual(yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.readFile("/tmp/x")), content)

      yield* Queue.shutdown(input)
      assert.isTrue(yield* isDone(Fiber.await(server)))
    }).pipe(Effect.provide(AgbToolkit.layerSession(params))))
})
