/** A session. */
import type { ToolDescription } from "@effect-agb/core/AgbApi"
import type * as Promises from "@effect-agb/core/AgbPromise"
import { tools } from "@effect-agb/core/AgbTools"
import * as Either from "effect/Either"
import * as Inspectable from "effect/Inspectable"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Code } from "./code.js"
import { Command } from "./command.js"
import { ContextManager } from "./contextManager.js"
import { FileSystem } from "./fileSystem.js"
import { FileTransfer } from "./fileTransfer.js"
import { Browser, Computer } from "./notOffered.js"
import * as results from "./results.js"
import { answer, type ApiResponse, bare, refused, replyOf } from "./results.js"

/**
 * Result of an operation with a value.
 *
 * @since 0.1.0
 * @category models
 */
export interface OperationResult<A = unknown> extends ApiResponse {
  data?: A
}

/**
 * Result of a deletion. A session that does not exist counts as deleted.
 *
 * @since 0.1.0
 * @category models
 */
export interface DeleteResult extends ApiResponse {}

/**
 * The status of a session, empty after a failure. `httpStatusCode` is 0 without a reply.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionStatusResult extends ApiResponse {
  httpStatusCode: number
  code: string
  /** `RUNNING`, `DELETING` or `FINISH`. */
  status: string
}

/**
 * A tool of a session.
 *
 * @since 0.1.0
 * @category models
 */
export interface McpTool {
  name: string
  description: string
  /** A JSON Schema. */
  inputSchema: unknown
  server: string
  tool: string
}

/**
 * Result of `listMcpTools`.
 *
 * @since 0.1.0
 * @category models
 */
export interface McpToolsResult extends ApiResponse {
  tools: Array<McpTool>
}

/**
 * The text that a tool has answered.
 *
 * @since 0.1.0
 * @category models
 */
export interface McpToolResult extends ApiResponse {
  data?: string
}

/**
 * Resource usage: sizes in bytes. What the server does not report is 0.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionMetrics {
  cpuCount: number
  cpuUsedPct: number
  diskTotal: number
  diskUsed: number
  memTotal: number
  memUsed: number
  rxRateKbytePerS: number
  txRateKbytePerS: number
  rxUsedKbyte: number
  txUsedKbyte: number
  timestamp: string
}

/**
 * Result of `getMetrics`. `raw` is what the server said.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionMetricsResult extends ApiResponse {
  metrics?: SessionMetrics
  raw: Record<string, unknown>
}

const noMetrics: SessionMetrics = {
  cpuCount: 0,
  cpuUsedPct: 0,
  diskTotal: 0,
  diskUsed: 0,
  memTotal: 0,
  memUsed: 0,
  rxRateKbytePerS: 0,
  txRateKbytePerS: 0,
  rxUsedKbyte: 0,
  txUsedKbyte: 0,
  timestamp: ""
}

const toolOf = ({ description = "", inputSchema = {}, name, server = "", tool = "" }: ToolDescription): McpTool => ({
  name,
  description,
  inputSchema,
  server,
  tool
})

/** What the official SDK refuses before it sends, with its messages. */
const wrongLabels = (labels: unknown): string | undefined => {
  if (typeof labels !== "object" || labels === null) {
    return "Labels cannot be null, undefined, or invalid type. Please provide a valid labels object."
  }
  if (Array.isArray(labels)) return "Labels cannot be an array. Please provide a valid labels object."
  const entries = Object.entries(labels)
  if (entries.length === 0) return "Labels cannot be empty. Please provide at least one label."
  if (entries.some(([key]) => key.trim() === "")) return "Label keys cannot be empty. Please provide valid keys."
  return entries.some(([, value]) => typeof value !== "string" || value.trim() === "")
    ? "Label values cannot be empty. Please provide valid values."
    : undefined
}

const limit = (timeoutMs: number | undefined) => timeoutMs === undefined ? {} : { timeoutMs }

/**
 * A session and its modules. `create` and `get` make it.
 *
 * @since 0.1.0
 * @category models
 */
export class Session {
  readonly sessionId: string
  /** Empty for a session of `get`, whose image the server does not report. */
  readonly imageId: string
  readonly code: Code
  readonly command: Command
  readonly file: FileSystem
  readonly context: ContextManager
  readonly browser: Browser = new Browser()
  readonly computer: Computer = new Computer()
  /** The tools that the server named when it made the session, or that `listMcpTools` has found. */
  mcpTools: Array<McpTool>
  readonly #agb: Promises.AGB
  readonly #session: Promises.Session

  /** @internal */
  constructor(agb: Promises.AGB, session: Promises.Session) {
    this.#agb = agb
    this.#session = session
    this.sessionId = session.sessionId
    this.imageId = session.imageId
    this.mcpTools = (session.handles?.toolList ?? []).map(toolOf)
    this.code = new Code(session.code)
    this.command = new Command(session.command)
    this.file = new FileSystem(session.fileSystem, new FileTransfer(agb, session))
    this.context = new ContextManager(agb, session)
  }

  /** URL to view the session, or empty. It contains an access code: do not log it. */
  get resourceUrl(): string {
    return this.#session.resourceUrl
  }

  get appInstanceId(): string {
    return this.#session.handles?.appInstanceId ?? ""
  }

  get resourceId(): string {
    return this.#session.handles?.resourceId ?? ""
  }

  /** Address of the tools of the session, or empty. */
  get linkUrl(): string {
    return this.#session.handles?.linkUrl ?? ""
  }

  /** Address of the WebSocket of the session, or empty. It may contain a token: do not log it. */
  get wsUrl(): string {
    return this.#session.handles?.wsUrl ?? ""
  }

  /** Credential for `linkUrl` and `wsUrl`, or empty: do not log it. */
  get token(): string {
    const token = this.#session.handles?.token
    return token === undefined ? "" : Redacted.value(token)
  }

  /** JSON of the tools and their servers, or empty. */
  get toolList(): string {
    return results.toolListOf(this.#session.handles?.toolList)
  }

  getSessionId(): string {
    return this.sessionId
  }

  getApiKey(): string {
    return this.#session.getApiKey()
  }

  /** The low-level client of this SDK, with a method for each endpoint. */
  getClient(): Promises.Client {
    return this.#session.getClient()
  }

  /** Returns the URL to view the session and, for desktop images, how to connect. Credentials are not enumerable. */
  info(): Promise<OperationResult<Promises.SessionInfo>> {
    return results.data(this.#session.info())
  }

  /** Returns a public URL of the session or of one of its ports. `protocolType` is `https` or `wss`. */
  getLink(protocolType?: string, port?: number): Promise<OperationResult<string>> {
    return results.data(this.#session.getLink(protocolType, port))
  }

  /** Returns the status. It does not count as use of the session. */
  getStatus(): Promise<SessionStatusResult> {
    return answer(
      this.#agb.client.getSessionInfo({ sessionId: this.sessionId }),
      ({ data }) => ({ httpStatusCode: 200, code: "ok", status: data.status }),
      ({ error }) => ({ ...replyOf(error), status: "" })
    )
  }

  /** Resets the idle time. */
  keepAlive(): Promise<OperationResult> {
    return bare(this.#session.keepAlive())
  }

  /** Replaces all labels. */
  async setLabels(labels: Record<string, string>): Promise<OperationResult> {
    const wrong = wrongLabels(labels)
    return wrong === undefined ? bare(this.#session.setLabels(labels)) : refused(wrong, {})
  }

  getLabels(): Promise<OperationResult<Record<string, string>>> {
    return answer(this.#session.getLabels(), ({ data }) => ({ data: { ...data } }), () => ({}))
  }

  /**
   * Deletes the session and waits until it is gone. With `syncContext` its contexts are saved before, and a session that could
   * not be saved is not deleted.
   */
  delete(syncContext: boolean = false): Promise<DeleteResult> {
    return bare(this.#session.delete({ sync: syncContext }))
  }

  /** Calls a tool. `readTimeout` is the time limit in milliseconds; that of the connection is part of it. */
  callMcpTool(
    toolName: string,
    args: Record<string, unknown>,
    readTimeout?: number,
    _connectTimeout?: number
  ): Promise<McpToolResult> {
    return results.data(this.#session.callTool(toolName, args, limit(readTimeout)))
  }

  /** Lists the tools of an image. Default: that of the session. */
  async listMcpTools(imageId?: string): Promise<McpToolsResult> {
    const result = await answer(
      this.#session.listTools(imageId),
      ({ data }) => ({ tools: data.map(toolOf) }),
      () => ({ tools: [] })
    )
    if (result.success) this.mcpTools = result.tools
    return result
  }

  /** Returns the resource usage of the session. */
  async getMetrics(readTimeout?: number, _connectTimeout?: number): Promise<SessionMetricsResult> {
    const result = await this.#session.callTool("get_metrics", {}, limit(readTimeout))
    const metrics = Schema.decodeUnknownEither(tools.get_metrics.result)(result.data ?? "")
    if (result.success && Either.isLeft(metrics)) {
      const { requestId } = result
      return { requestId, success: false, errorMessage: "Failed to parse get_metrics response", raw: {} }
    }
    return answer(
      Promise.resolve(result),
      ({ data }) => ({
        metrics: { ...noMetrics, ...Either.getOrElse(metrics, () => ({})) },
        raw: JSON.parse(data) as Record<string, unknown>
      }),
      () => ({ raw: {} })
    )
  }

  /** @internal */
  toJSON(): unknown {
    return { _id: "Session", sessionId: this.sessionId, imageId: this.imageId }
  }

  /** @internal */
  [Inspectable.NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}
