/** Uploads and downloads through the context of the session that is there for them, step by step as the official SDK. */
import type * as Promises from "@effect-agb/core/AgbPromise"
import { randomUUID } from "node:crypto"
import * as Fs from "node:fs"
import * as FsPromises from "node:fs/promises"
import * as Path from "node:path"
import { wrongOptions } from "./options.js"

/**
 * Options of uploads and downloads.
 *
 * @since 0.1.0
 * @category models
 */
export interface TransferOptions {
  /** Accepted: a transfer always waits until the session or the context has the file. */
  wait?: boolean
  /** How long to wait for the session in milliseconds. Default: 30,000. */
  waitTimeout?: number
  /** Accepted: the session is asked in intervals that grow from 0.1 to 1.5 seconds. */
  pollInterval?: number
  /** Called with the bytes that were moved so far. */
  progressCallback?: (bytes: number) => void
}

/**
 * Options of `upload`.
 *
 * @since 0.1.0
 * @category models
 */
export interface UploadOptions extends TransferOptions {
  /** Media type that is sent with the file. Default: none. */
  contentType?: string
}

/**
 * Options of `download`.
 *
 * @since 0.1.0
 * @category models
 */
export interface DownloadOptions extends TransferOptions {
  /** Whether a local file may be replaced. Default: true. */
  overwrite?: boolean
}

/**
 * Result of `upload`.
 *
 * @since 0.1.0
 * @category models
 */
export interface UploadResult {
  success: boolean
  requestIdUploadUrl?: string
  requestIdSync?: string
  /** Status of the reply of the storage. */
  httpStatus?: number
  /** Identifies the content of the file, if the storage tells it. */
  etag?: string
  bytesSent: number
  /** The remote path. */
  path: string
  errorMessage?: string
}

/**
 * Result of `download`.
 *
 * @since 0.1.0
 * @category models
 */
export interface DownloadResult {
  success: boolean
  requestIdDownloadUrl?: string
  requestIdSync?: string
  /** Status of the reply of the storage. */
  httpStatus?: number
  bytesReceived: number
  /** The remote path. */
  path: string
  localPath: string
  errorMessage?: string
}

/** A step that failed, with what its result has. */
class Failed extends Error {
  readonly fields: object

  constructor(message: string, fields: object = {}) {
    super(message)
    this.fields = fields
  }
}

const known = ["wait", "waitTimeout", "pollInterval", "progressCallback"]

const textOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT"

/** A remote path that ends in a slash is a directory itself. */
const folderOf = (remote: string): string =>
  remote.length > 1 && remote.endsWith("/") ? remote.slice(0, -1) : Path.posix.dirname(remote)

const expect = <R extends { readonly success: boolean; readonly errorMessage?: string | undefined }>(
  result: R,
  fields: object = {}
): Extract<R, { readonly success: true }> => {
  if (!result.success) throw new Failed(result.errorMessage ?? "", fields)
  return result as Extract<R, { readonly success: true }>
}

async function* counted(bytes: AsyncIterable<Uint8Array>, count: (bytes: number) => void) {
  for await (const chunk of bytes) {
    yield chunk
    count(chunk.byteLength)
  }
}

/** Writes a file that appears when it is whole. */
const writeWhole = async (path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> => {
  const part = Path.join(Path.dirname(path), `.${Path.basename(path)}.${randomUUID()}.part`)
  const file = await FsPromises.open(part, "wx")
  try {
    try {
      for await (const chunk of bytes) await file.writeFile(chunk)
    } finally {
      await file.close()
    }
    await FsPromises.rename(part, path)
  } catch (error) {
    await FsPromises.rm(part, { force: true })
    throw error
  }
}

interface Internal {
  readonly contextId: string
  readonly path: string
}

export class FileTransfer {
  readonly #agb: Promises.AGB
  readonly #session: Promises.Session
  #internal: Promise<Internal | undefined> | undefined

  constructor(agb: Promises.AGB, session: Promises.Session) {
    this.#agb = agb
    this.#session = session
  }

  /** A failure is asked again by the next call. */
  async #context(): Promise<Internal | undefined> {
    const found = this.#internal ??= this.#find()
    const internal = await found
    if (internal === undefined && this.#internal === found) this.#internal = undefined
    return internal
  }

  async #find(): Promise<Internal | undefined> {
    const { sessionId } = this.#session
    const result = await this.#agb.client.getAndLoadInternalContext({ sessionId, contextTypes: ["file_transfer"] })
    const found = result.data?.find(({ contextId, contextPath }) => contextId && contextPath)
    return found?.contextId && found.contextPath ? { contextId: found.contextId, path: found.contextPath } : undefined
  }

  async path(): Promise<string | null> {
    return (await this.#context())?.path ?? null
  }

  async #contextId(): Promise<string> {
    const internal = await this.#context()
    if (internal === undefined) throw new Failed("The session has no context for file transfers")
    return internal.contextId
  }

  async #sync(context: string, remote: string, mode: "upload" | "download", timeoutMs = 30_000): Promise<string> {
    const path = folderOf(remote)
    const result = await this.#session.contexts.sync({ context, path, mode, timeoutMs })
    return expect(result, { requestIdSync: result.requestId }).requestId
  }

  async #send(local: string, remote: string, { contentType, progressCallback, waitTimeout }: UploadOptions) {
    const file = await FsPromises.open(local)
    let [bytesSent, contextId] = [0, ""]
    try {
      const stat = await file.stat()
      if (!stat.isFile()) throw new Failed(`Local path is not a file: ${local}`)
      const bytes = counted(Fs.createReadStream(local, { fd: file, autoClose: false }), (size) => {
        bytesSent += size
        progressCallback?.(bytesSent)
      })
      contextId = await this.#contextId()
      const written = await this.#agb.contexts.write(contextId, remote, bytes, { size: stat.size, contentType })
      const sent = { requestIdUploadUrl: written.requestId, bytesSent }
      const { etag, status: httpStatus } = expect(written, sent).data
      const stored = { ...sent, httpStatus, ...(etag === undefined ? {} : { etag }) }
      try {
        const requestIdSync = await this.#sync(contextId, remote, "download", waitTimeout)
        return { ...stored, requestIdSync }
      } catch (error) {
        throw error instanceof Failed ? new Failed(error.message, { ...stored, ...error.fields }) : error
      }
    } finally {
      await file.close()
      // What is left of a failed transfer goes with the session.
      if (contextId !== "") await this.#agb.contexts.removeFile(contextId, remote)
    }
  }

  async upload(local: string, remote: string, options: UploadOptions = {}): Promise<UploadResult> {
    const failure = { success: false, bytesSent: 0, path: remote }
    const wrong = wrongOptions("session.file.upload", options, [...known, "contentType"])
    if (wrong !== undefined) return { ...failure, errorMessage: wrong }
    try {
      return { success: true, ...await this.#send(local, remote, options), path: remote }
    } catch (error) {
      const errorMessage = isMissing(error) ? `Local file not found: ${local}` : textOf(error)
      return { ...failure, ...error instanceof Failed ? error.fields : {}, errorMessage }
    }
  }

  async #receive(remote: string, local: string, options: DownloadOptions) {
    const { overwrite = true, progressCallback, waitTimeout } = options
    if (!overwrite && Fs.existsSync(local)) throw new Failed(`Local file already exists: ${local}`)
    const contextId = await this.#contextId()
    const requestIdSync = await this.#sync(contextId, remote, "upload", waitTimeout)
    let bytesReceived = 0
    const content = this.#agb.contexts.readStream(contextId, remote)
    try {
      const bytes = counted(content, (size) => {
        bytesReceived += size
        progressCallback?.(bytesReceived)
      })
      await writeWhole(local, bytes)
      return { requestIdDownloadUrl: content.requestId, requestIdSync, httpStatus: 200, bytesReceived }
    } catch (error) {
      throw new Failed(textOf(error), { requestIdDownloadUrl: content.requestId, requestIdSync, bytesReceived })
    } finally {
      await this.#agb.contexts.removeFile(contextId, remote)
    }
  }

  async download(remote: string, local: string, options: DownloadOptions = {}): Promise<DownloadResult> {
    const failure = { success: false, bytesReceived: 0, path: remote, localPath: local }
    const wrong = wrongOptions("session.file.download", options, [...known, "overwrite"])
    if (wrong !== undefined) return { ...failure, errorMessage: wrong }
    try {
      return { success: true, ...await this.#receive(remote, local, options), path: remote, localPath: local }
    } catch (error) {
      return { ...failure, ...error instanceof Failed ? error.fields : {}, errorMessage: textOf(error) }
    }
  }
}
