/** Plain requests as clients of other makers send them. */
import { LocalAgb } from "@effect-agb/platform-node"
import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { setTimeout as sleep } from "node:timers/promises"
import { best } from "./runtime.js"

export type Json = Record<string, unknown>

export interface Answer {
  readonly status: number
  readonly body: Json
  /** `body.data`, taken for what the test says it is. */
  readonly data: <A = Json>() => A
}

export interface Item {
  readonly contextId: string
  readonly path: string
  readonly status: string
  readonly errorMessage: string
  readonly startTime: number
  readonly finishTime: number
  readonly taskType: string
}

export type Query = Readonly<Record<string, string>>

export interface WireClient {
  readonly endpoint: string
  readonly get: (path: string, query: Query) => Promise<Answer>
  readonly post: (path: string, query: Query, body?: Json) => Promise<Answer>
  /** The same, and it must succeed. */
  readonly context: (name: string) => Promise<string>
  readonly session: (body?: Json) => Promise<string>
  readonly shell: (sessionId: string, command: string) => Promise<string>
  readonly release: (sessionId: string) => Promise<void>
  readonly items: (query: Query) => Promise<ReadonlyArray<Item>>
  /** Starts a copy and polls until it is over, as the official clients do. */
  readonly sync: (query: Query) => Promise<ReadonlyArray<Item>>
  readonly settled: (query: Query) => Promise<ReadonlyArray<Item>>
  readonly put: (contextId: string, filePath: string, content: BodyInit) => Promise<Response>
  readonly fetchFile: (contextId: string, filePath: string) => Promise<Buffer>
  readonly names: (contextId: string, parentFolderPath?: string) => Promise<ReadonlyArray<string>>
}

const isOver = ({ status }: Item): boolean => status === "Success" || status === "Failed"

export const wireClient = (endpoint: string, apiKey: string): WireClient => {
  const ask = async (method: string, path: string, query: Query, body?: Json): Promise<Answer> => {
    const response = await fetch(`${endpoint}${path}?${new URLSearchParams(query)}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const answer = await response.json() as Json
    return { status: response.status, body: answer, data: <A>() => answer["data"] as A }
  }
  const get: WireClient["get"] = (path, query) => ask("GET", path, query)
  const post: WireClient["post"] = (path, query, body) => ask("POST", path, query, body)

  const succeeded = (answer: Answer): Answer => {
    assert.strictEqual(answer.status, 200, JSON.stringify(answer.body))
    assert.isTrue(answer.body["success"])
    return answer
  }

  const items: WireClient["items"] = async (query) => {
    const { contextStatus } = succeeded(await get("/sdk/GetContextInfo", query)).data<{ contextStatus: string }>()
    const records = JSON.parse(contextStatus) as ReadonlyArray<{ type: string; data: string }>
    return records.filter(({ type }) => type === "data").flatMap(({ data }) => JSON.parse(data) as ReadonlyArray<Item>)
  }

  const settled: WireClient["settled"] = async (query) => {
    for (;;) {
      const found = await items(query)
      if (found.every(isOver)) return found
      await sleep(10)
    }
  }

  const urlOf = async (action: "Upload" | "Download", contextId: string, filePath: string): Promise<string> =>
    succeeded(await post(`/sdk/GetContextFile${action}Url`, { contextId, filePath }, {})).data<{ url: string }>().url

  return {
    endpoint,
    get,
    post,
    items,
    settled,
    context: async (name) =>
      succeeded(await get("/sdk/GetContext", { name, allowCreate: "true" })).data<{ id: string }>().id,
    session: async (body = {}) =>
      succeeded(await post("/mcp/createSession", { imageId: "agb-code-space-1" }, body)).data<{ sessionId: string }>()
        .sessionId,
    shell: async (sessionId, command) => {
      const args = JSON.stringify({ command, timeout_ms: 30_000 })
      const reply = succeeded(await post("/mcp", {}, { sessionId, name: "shell", args }))
      const [content] = reply.data<{ content: ReadonlyArray<{ text: string }> }>().content
      const result = JSON.parse(content?.text ?? "") as { stdout: string; stderr: string; exit_code: number }
      assert.strictEqual(result.exit_code, 0, result.stderr)
      return result.stdout
    },
    release: async (sessionId) => void succeeded(await post("/mcp/releaseSession", {}, { sessionId })),
    sync: async ({ mode, ...query }) => {
      succeeded(await post("/sdk/SyncContext", { ...query, ...(mode === undefined ? {} : { mode }) }))
      return settled({ ...query, ...(mode === undefined ? {} : { taskType: mode }) })
    },
    put: async (contextId, filePath, body) =>
      fetch(await urlOf("Upload", contextId, filePath), { method: "PUT", body, duplex: "half" } as RequestInit),
    fetchFile: async (contextId, filePath) => {
      const response = await fetch(await urlOf("Download", contextId, filePath))
      assert.strictEqual(response.status, 200)
      return Buffer.from(await response.arrayBuffer())
    },
    names: async (contextId, parentFolderPath = "") => {
      const query = { contextId, parentFolderPath, pageNumber: "1", pageSize: "1000" }
      const listed = succeeded(await post("/sdk/DescribeContextFiles", query))
      return listed.data<ReadonlyArray<{ filePath: string }>>().map(({ filePath }) => filePath)
    }
  }
}

/** A runtime of its own for as long as the scope. */
export const startWire = (options: LocalAgb.Options = {}) =>
  Effect.map(
    LocalAgb.make({ isolation: best, poolSize: 0, limits: { workspaceBytes: 2 ** 26 }, ...options }),
    ({ apiKey, endpoint }) => wireClient(endpoint, Redacted.value(apiKey))
  )
