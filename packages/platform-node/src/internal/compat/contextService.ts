/** `agb.context`: the contexts of an account. */
import type { ContextDescription } from "@effect-agb/core/AgbApi"
import type * as Promises from "@effect-agb/core/AgbPromise"
import { ClearanceTimeoutError } from "./errors.js"
import type { BoolResult } from "./fileSystem.js"
import { wrongOptions } from "./options.js"
import { answer, type ApiResponse, conceal, done, refused } from "./results.js"

/**
 * A context: storage that outlives sessions.
 *
 * @since 0.1.0
 * @category models
 */
export class Context {
  id: string
  name: string
  createdAt?: string
  lastUsedAt?: string

  constructor(id: string, name: string, createdAt?: string, lastUsedAt?: string) {
    this.id = id
    this.name = name
    if (createdAt !== undefined) this.createdAt = createdAt
    if (lastUsedAt !== undefined) this.lastUsedAt = lastUsedAt
  }
}

/**
 * Result of `get` and `create`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContextResult extends ApiResponse {
  context?: Context
}

/**
 * Result of `list`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContextListResult extends ApiResponse {
  contexts: Array<Context>
}

/**
 * Options of `list`. `maxResults` is 10 by default.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContextListParams {
  maxResults?: number
  nextToken?: string
}

/**
 * Result of `update` and `delete`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContextChangeResult extends ApiResponse {
  data?: { context_id: string }
}

/**
 * A presigned URL, empty after a failure. It is a secret and not enumerable.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileUrlResult extends ApiResponse {
  url: string
}

/**
 * A file or folder of a context. What the server does not report is empty.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContextFileEntry {
  fileId: string
  name: string
  path: string
  type: string
  createdTime: string
  modifiedTime: string
  size: number
  status: string
}

/**
 * Result of `listFiles`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContextFileListResult extends ApiResponse {
  files: Array<ContextFileEntry>
}

/**
 * Result of the methods that clear a context.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClearContextResult extends ApiResponse {
  /** `clearing` or `available`. */
  state?: string
}

const contextOf = ({ createTime, id, lastUsedTime, name = "" }: ContextDescription): Context =>
  new Context(id, name, createTime, lastUsedTime)

const isBlank = (text: unknown): boolean => typeof text !== "string" || text.trim() === ""

const given = <A extends object>(fields: A): { [K in keyof A]?: Exclude<A[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never

const nothing = () => ({})

/**
 * The contexts of an account.
 *
 * @since 0.1.0
 * @category models
 */
export class ContextService {
  readonly #agb: Promises.AGB

  /** @internal */
  constructor(agb: Promises.AGB) {
    this.#agb = agb
  }

  /** Lists contexts, page by page. */
  async list(params: ContextListParams = {}): Promise<ContextListResult> {
    const wrong = wrongOptions("agb.context.list", params, ["maxResults", "nextToken"])
    if (wrong !== undefined) return refused(wrong, { contexts: [] })
    const { maxResults = 10, nextToken } = params
    return answer(
      this.#agb.client.listContexts(given({ maxResults, nextToken })),
      ({ data }) => ({ contexts: data.contexts.map(contextOf) }),
      () => ({ contexts: [] })
    )
  }

  /** Finds a context by its name or its id. With `create` one of this name is created if there is none. */
  async get(
    name?: string,
    create: boolean = false,
    loginRegionId?: string,
    contextId?: string
  ): Promise<ContextResult> {
    if (create && contextId !== undefined) {
      return refused("context_id cannot be provided when create=True (only name is allowed when creating)", {})
    }
    if (create && isBlank(name)) return refused("name cannot be empty or None", {})
    if (isBlank(name) && isBlank(contextId)) {
      return refused("Either context_id or name must be provided (cannot both be empty)", {})
    }
    return answer(
      this.#agb.client.getContext(given({ id: contextId, name, loginRegionId, allowCreate: create })),
      ({ data }) => ({ context: contextOf(data) }),
      nothing
    )
  }

  /** Returns the context of this name, and creates it if there is none. */
  create(name: string): Promise<ContextResult> {
    return this.get(name, true)
  }

  /** Gives a context the name that it has here. */
  update({ id, name }: Pick<Context, "id" | "name">): Promise<ContextChangeResult> {
    return answer(this.#agb.client.modifyContext({ id, name }), () => ({ data: { context_id: id } }), nothing)
  }

  /** Deletes a context and its files. */
  delete({ id }: Pick<Context, "id">): Promise<ContextChangeResult> {
    return answer(this.#agb.client.deleteContext({ id }), () => ({ data: { context_id: id } }), nothing)
  }

  async #url(call: "getContextFileUploadUrl" | "getContextFileDownloadUrl", contextId: string, filePath: string) {
    const result = await answer(
      this.#agb.client[call]({ contextId, filePath }),
      ({ data }) => ({ url: data.url }),
      () => ({ url: "" })
    )
    return result.success ? conceal(result, "url") : result
  }

  /** Returns a presigned URL to PUT a file. */
  getFileUploadUrl(contextId: string, filePath: string): Promise<FileUrlResult> {
    return this.#url("getContextFileUploadUrl", contextId, filePath)
  }

  /** Returns a presigned URL to GET a file. */
  getFileDownloadUrl(contextId: string, filePath: string): Promise<FileUrlResult> {
    return this.#url("getContextFileDownloadUrl", contextId, filePath)
  }

  /** Lists a folder of a context, page by page. Default: the root. */
  listFiles(
    contextId: string,
    parentFolderPath: string = "",
    pageNumber: number = 1,
    pageSize: number = 50
  ): Promise<ContextFileListResult> {
    return answer(
      this.#agb.client.describeContextFiles({ contextId, parentFolderPath, pageNumber, pageSize }),
      ({ data }) => ({
        files: data.files.map((file): ContextFileEntry => ({
          fileId: file.fileId ?? "",
          name: file.fileName ?? "",
          path: file.filePath ?? "",
          type: file.fileType ?? "",
          createdTime: file.gmtCreate ?? "",
          modifiedTime: file.gmtModified ?? "",
          size: file.size ?? 0,
          status: file.status ?? ""
        }))
      }),
      () => ({ files: [] })
    )
  }

  /** Deletes a file of a context. */
  deleteFile(contextId: string, filePath: string): Promise<BoolResult> {
    return done(this.#agb.client.deleteContextFile({ contextId, filePath }))
  }

  /** Starts to clear a context. */
  clearAsync(contextId: string): Promise<ClearContextResult> {
    return answer(this.#agb.client.clearContext({ id: contextId }), () => ({ state: "clearing" }), nothing)
  }

  /** Tells how far the clearing is. */
  getClearStatus(contextId: string): Promise<ClearContextResult> {
    return answer(
      this.#agb.client.getContext({ id: contextId, allowCreate: false }),
      ({ data }) => given({ state: data.state }),
      nothing
    )
  }

  /**
   * Clears a context and waits until the server confirms it. Rejects with a `ClearanceTimeoutError` after `timeout` seconds. It
   * asks in intervals of its own; `pollInterval` is accepted.
   */
  async clear(contextId: string, timeout: number = 60, _pollInterval: number = 2): Promise<ClearContextResult> {
    const result = await answer(
      this.#agb.contexts.clear(contextId, { timeoutMs: timeout * 1000 }),
      () => ({ state: "available" }),
      nothing
    )
    const { cause } = result
    if (cause?._tag === "ContextError" && cause.reason === "Unconfirmed") {
      const message = `Context clearing timed out after ${timeout.toFixed(2)} seconds`
      throw new ClearanceTimeoutError(message, { contextId }, { cause })
    }
    return result
  }
}
