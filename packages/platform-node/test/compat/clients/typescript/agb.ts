/** The TypeScript client v0.12.0: sessions and the tools of a session. */
import { Api, failure, type Json, type Result, sleep } from "./api.js"
import { Code } from "./code.js"
import { Contexts } from "./contexts.js"
import { FileSystem } from "./files.js"

/** Its version is that of an earlier release. */
const sdkStats = JSON.stringify({ source: "sdk", sdk_language: "typescript", sdk_version: "0.10.0", is_release: false })

export interface ContextSync {
  readonly contextId: string
  readonly path: string
  readonly policy: Json
}

export interface CreateParams {
  readonly imageId: string
  readonly labels?: Readonly<Record<string, string>>
  readonly idleReleaseTimeout?: number
  readonly contextSync?: ReadonlyArray<ContextSync>
}

interface Handles {
  readonly sessionId: string
  readonly success?: boolean
  readonly errMsg?: string
  readonly resourceUrl?: string
  readonly appInstanceId?: string
  readonly resourceId?: string
  readonly linkUrl?: string
  readonly wsUrl?: string
  readonly token?: string
  readonly toolList?: string | ReadonlyArray<Readonly<Record<string, string>>>
}

export interface SyncItem {
  readonly contextId: string
  readonly path: string
  readonly status: string
  readonly taskType: string
  readonly errorMessage: string
}

const withData = <A>(result: Result<unknown>, data: A): Result<A> => ({ ...result, data })

export class AGB {
  readonly api: Api
  readonly context: Contexts

  constructor(apiKey?: string) {
    this.api = new Api(apiKey)
    this.context = new Contexts(this.api)
  }

  async create({ contextSync = [], idleReleaseTimeout, imageId, labels = {} }: CreateParams): Promise<Result<Session>> {
    const persistenceDataList = contextSync.map((sync) => ({ ...sync, policy: JSON.stringify(sync.policy) }))
    const body = {
      ...(Object.keys(labels).length === 0 ? {} : { labels: JSON.stringify(labels) }),
      ...(idleReleaseTimeout === undefined ? {} : { timeout: idleReleaseTimeout }),
      ...(persistenceDataList.length === 0 ? {} : { persistenceDataList })
    }
    const result = await this.api.post<Handles>("/mcp/createSession", body, { imageId, sdkStats })
    const { data } = result
    if (data === undefined || data.success === false || !data.sessionId) {
      return failure(data?.errMsg ?? result.errorMessage, result.requestId)
    }
    const session = new Session(this, data, imageId)
    if (persistenceDataList.length > 0) await session.waitForContexts()
    return { ...withData(result, session), success: true }
  }

  getSession(sessionId: string): Promise<Result<Handles & { readonly status: string }>> {
    return this.api.post("/mcp/getSession", { sessionId }, {}, "lenient")
  }

  async get(sessionId: string): Promise<Result<Session>> {
    if (sessionId.trim() === "") return failure("sessionId is required")
    const result = await this.getSession(sessionId)
    return result.success && result.data !== undefined
      ? withData(result, new Session(this, result.data, ""))
      : failure(`Failed to get session ${sessionId}: ${result.errorMessage}`, result.requestId)
  }

  async list(labels: Json = {}, page = 1, limit = 10): Promise<Result<ReadonlyArray<string>>> {
    if (page < 1) return failure(`Cannot reach page ${page}: Page number must be >= 1`)
    let nextToken: string | undefined
    for (let number = 1;; number += 1) {
      const query = { maxResults: limit, nextToken, labels: JSON.stringify(labels) }
      const result = await this.api.get<ReadonlyArray<Handles>>("/sdk/ListSession", query, "strict")
      if (!result.success) return failure(result.errorMessage, result.requestId)
      if (number === page) return withData(result, (result.data ?? []).map(({ sessionId }) => sessionId))
      nextToken = result.envelope["nextToken"] as string | undefined
      if (!nextToken) return failure(`Cannot reach page ${page}: No more pages available`, result.requestId)
    }
  }
}

const serversIn = (toolList: Handles["toolList"]): ReadonlyMap<string, string> => {
  const tools = typeof toolList === "string" ? JSON.parse(toolList) as ReadonlyArray<Record<string, string>> : toolList
  return new Map((tools ?? []).map((tool) => [tool["name"] ?? "", tool["server"] ?? ""]))
}

interface ToolAnswer {
  readonly content?: ReadonlyArray<Readonly<Record<string, string>>>
  readonly isError?: boolean
}

const textOf = ({ content = [] }: ToolAnswer): string | undefined => {
  const texts = content.filter(({ type }) => type === "text").map(({ text }) => text)
  return texts.length > 0 ? texts.join("\n") : content[0]?.["text"] || content[0]?.["blob"] || content[0]?.["data"]
}

export class Session {
  readonly agb: AGB
  readonly imageId: string
  readonly sessionId: string
  readonly linkUrl: string
  readonly wsUrl: string
  readonly token: string
  readonly resourceUrl: string
  readonly servers: ReadonlyMap<string, string>
  readonly code = new Code(this)
  readonly file = new FileSystem(this)

  constructor(agb: AGB, handles: Handles, imageId: string, token = handles.token ?? "") {
    this.agb = agb
    this.imageId = imageId
    this.sessionId = handles.sessionId
    this.linkUrl = handles.linkUrl ?? ""
    this.wsUrl = handles.wsUrl ?? ""
    this.token = token
    this.resourceUrl = handles.resourceUrl ?? ""
    this.servers = serversIn(handles.toolList)
  }

  async callMcpTool(name: string, args: Json): Promise<Result<string>> {
    const server = this.servers.get(name)
    if (this.linkUrl !== "" && this.token !== "" && server) return this.callLink(name, args, server)
    const body = { args: JSON.stringify(args), sessionId: this.sessionId, name }
    const result = await this.agb.api.post<ToolAnswer>("/mcp", body, { autoGenSession: false })
    const text = textOf(result.data ?? {})
    if (result.success && result.data?.isError !== true) return { ...result, data: text }
    const said = result.envelope["message"] || (result.data?.isError === true && text) || result.errorMessage
    return failure(String(said || "Tool execution failed"), result.requestId)
  }

  private async callLink(tool: string, args: Json, server: string): Promise<Result<string>> {
    const digits = String(Math.floor(Math.random() * 1e9)).padStart(9, "0")
    const requestId = `link-${Date.now()}-${digits}`
    try {
      const response = await fetch(`${this.linkUrl.replace(/\/+$/, "")}/callTool`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Access-Token": this.token },
        body: JSON.stringify({ args, server, requestId, tool, token: this.token })
      })
      if (!response.ok) return failure(`HTTP request failed with code: ${response.status}`, requestId)
      const { data } = await response.json() as { readonly data: unknown }
      const { result } = (typeof data === "string" ? JSON.parse(data) : data) as { readonly result: ToolAnswer }
      const text = textOf(result) ?? ""
      return result.isError === true
        ? failure(text, requestId)
        : { ...failure("", requestId), success: true, data: text, status: response.status }
    } catch (cause) {
      return failure(`HTTP request failed: ${String(cause)}`, requestId)
    }
  }

  /** A command that ends with another code than 0 is a failure without an error message. */
  async execute(command: string, timeoutMs = 1000, options: Json = {}) {
    const result = await this.callMcpTool("shell", { command, timeout_ms: timeoutMs, ...options })
    const said = result.success ? result.data ?? "" : result.errorMessage
    const read = said.startsWith("{") ? JSON.parse(said) as { stdout: string; stderr: string; exit_code: number } : null
    const { exit_code: exitCode = -1, stderr = "", stdout = "" } = read ?? {}
    const errorMessage = result.success ? "" : stderr || said
    return { ...result, success: result.success && exitCode === 0, exitCode, stdout, stderr, errorMessage }
  }

  info = () => this.agb.api.post<Json>("/mcp/getMcpResource", { sessionId: this.sessionId }, {}, "lenient")

  getStatus = () =>
    this.agb.api.post<{ readonly status?: string; readonly Status?: string }>(
      "/mcp/getSessionInfo",
      { sessionId: this.sessionId },
      {},
      "lenient"
    )

  keepAlive = () => this.agb.api.post("/mcp/refreshSessionIdleTime", {}, { sessionId: this.sessionId })

  setLabels = (labels: Json) =>
    this.agb.api.sdk("/sdk/SetLabel", { sessionId: this.sessionId, Labels: JSON.stringify(labels) })

  async getLabels(): Promise<Json> {
    const result = await this.agb.api.get<{ readonly labels?: string }>("/sdk/GetLabel", { sessionId: this.sessionId })
    return JSON.parse(result.data?.labels ?? "{}") as Json
  }

  getLink = (protocolType?: string, port?: number) =>
    this.agb.api.get<{ readonly url: string }>(
      "/internet/getLink",
      { sessionId: this.sessionId, protocolType, port },
      "strict"
    )

  async listMcpTools(imageId = this.imageId): Promise<ReadonlyArray<Json>> {
    const { data } = await this.agb.api.post<unknown>("/mcp/listTools", {}, { imageId })
    return typeof data === "string" && data !== "" ? JSON.parse(data) as ReadonlyArray<Json> : []
  }

  async contextStatus(filters: Readonly<Record<string, string | undefined>> = {}): Promise<ReadonlyArray<SyncItem>> {
    const query = { sessionId: this.sessionId, ...filters }
    const { data } = await this.agb.api.get<{ readonly contextStatus?: string }>("/sdk/GetContextInfo", query)
    const records = JSON.parse(data?.contextStatus || "[]") as ReadonlyArray<{ type: string; data: string }>
    return records.flatMap(({ data, type }) => type === "data" ? JSON.parse(data) as ReadonlyArray<SyncItem> : [])
  }

  async waitForContexts(interval = 2000, tries = 150): Promise<void> {
    for (let turn = 0; turn < tries; turn += 1) {
      if ((await this.contextStatus()).every(isOver)) return
      await sleep(interval)
    }
  }

  /** Starts to copy and asks until all copies are over. */
  async sync(contextId?: string, path?: string, mode?: string, interval = 1500, tries = 150): Promise<Result<unknown>> {
    const which = { contextId, path }
    const started = await this.agb.api.sdk("/sdk/SyncContext", { sessionId: this.sessionId, ...which, mode })
    if (!started.success) return started
    for (let turn = 0; turn < tries; turn += 1) {
      const items = await this.contextStatus(which)
      if (items.every(isOver)) return { ...started, success: items.every(({ status }) => status === "Success") }
      await sleep(interval)
    }
    return failure("the sync did not end", started.requestId)
  }

  async delete(syncContext = false): Promise<Result<unknown>> {
    if (syncContext) await this.sync()
    const released = await this.agb.api.post("/mcp/releaseSessionAsync", { sessionId: this.sessionId })
    this.code.close()
    if (!released.success) return failure("[Unknown] Failed to delete session", released.requestId)
    for (let turn = 0; turn < 300; turn += 1) {
      const status = await this.getStatus()
      if (status.success && status.data?.status === "FINISH") return released
      if (!status.success && isGone(status)) return released
      await sleep(1000)
    }
    return failure("Timeout waiting for session deletion after 300s", released.requestId)
  }
}

const isOver = ({ status }: SyncItem): boolean => status === "Success" || status === "Failed"

const isGone = ({ code, errorMessage }: Result<unknown>): boolean =>
  code === "InvalidMcpSession.NotFound" || /not found|NotFound/i.test(errorMessage)
