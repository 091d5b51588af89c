/** `session.file`. */
import type * as Promises from "@effect-agb/core/AgbPromise"
import type { Edit, FileChangeEvent } from "@effect-agb/core/FileSystem"
import type * as Transfers from "./fileTransfer.js"
import type { FileTransfer } from "./fileTransfer.js"
import { withAliases, wrongOptions } from "./options.js"
import { answer, type ApiResponse, done, refused } from "./results.js"
import { DirectoryWatch, type WatchHandle } from "./watch.js"

/**
 * Result of an operation without a value: `data` is true after a success.
 *
 * @since 0.1.0
 * @category models
 */
export interface BoolResult extends ApiResponse {
  data?: boolean
}

/**
 * The text of a file, empty after a failure.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileContentResult extends ApiResponse {
  content: string
}

/**
 * The bytes of a file, none after a failure.
 *
 * @since 0.1.0
 * @category models
 */
export interface BinaryFileContentResult extends ApiResponse {
  content: Uint8Array
  size?: number
}

/**
 * The texts of several files by path.
 *
 * @since 0.1.0
 * @category models
 */
export interface MultipleFileContentResult extends ApiResponse {
  files: Record<string, string>
}

/**
 * What is at a path: size in bytes, `modTime` in ISO 8601. What the session does not tell is empty.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileInfo {
  name: string
  path: string
  size: number
  isDirectory: boolean
  modTime: string
  mode: string
  owner: string
  group: string
}

/**
 * Result of `getFileInfo`.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileInfoResult extends ApiResponse {
  fileInfo?: FileInfo
}

/**
 * An entry of a directory.
 *
 * @since 0.1.0
 * @category models
 */
export interface DirectoryEntry {
  type: "file" | "directory"
  name: string
}

/**
 * The entries of a directory.
 *
 * @since 0.1.0
 * @category models
 */
export interface DirectoryListResult extends ApiResponse {
  entries: Array<DirectoryEntry>
}

/**
 * The paths that a search has found.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileSearchResult extends ApiResponse {
  matches: Array<string>
}

/**
 * The changes below a directory since the last call.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileChangeResult extends ApiResponse {
  events: Array<FileChangeEvent>
  /** JSON of `events`. */
  rawData: string
}

/**
 * How a file is written.
 *
 * @since 0.1.0
 * @category models
 */
export type WriteMode = "overwrite" | "append" | "create_new"

const modes: ReadonlyArray<WriteMode> = ["overwrite", "append", "create_new"]

const isMode = (mode: string): mode is WriteMode => modes.some((known) => known === mode)

/**
 * Files and directories of a session. Paths are absolute.
 *
 * @since 0.1.0
 * @category models
 */
export class FileSystem {
  readonly #files: Promises.FileSystem
  readonly #transfer: FileTransfer
  declare readonly mkdir: FileSystem["createDirectory"]
  declare readonly list: FileSystem["listDirectory"]
  declare readonly ls: FileSystem["listDirectory"]
  declare readonly delete: FileSystem["deleteFile"]
  declare readonly remove: FileSystem["deleteFile"]
  declare readonly rm: FileSystem["deleteFile"]
  declare readonly read: FileSystem["readFile"]
  declare readonly write: FileSystem["writeFile"]

  /** @internal */
  constructor(files: Promises.FileSystem, transfer: FileTransfer) {
    this.#files = files
    this.#transfer = transfer
  }

  /** Creates a directory and its parents. */
  createDirectory(path: string): Promise<BoolResult> {
    return done(this.#files.createDirectory(path))
  }

  /** Replaces the first occurrence of each `oldText`: all edits or none. With `dryRun` the file stays as it is. */
  editFile(path: string, edits: ReadonlyArray<Edit>, dryRun: boolean = false): Promise<BoolResult> {
    return done(this.#files.editFile(path, edits, dryRun))
  }

  /** Size, type, modification time, mode and owner of a file or directory. */
  getFileInfo(path: string): Promise<FileInfoResult> {
    return answer(this.#files.getFileInfo(path), ({ fileInfo }) => ({ fileInfo: { ...fileInfo } }), () => ({}))
  }

  /** Lists a directory. */
  listDirectory(path: string): Promise<DirectoryListResult> {
    return answer(
      this.#files.listDirectory(path),
      ({ entries }) => ({
        entries: entries.map(({ isDirectory, name }): DirectoryEntry => ({
          type: isDirectory ? "directory" : "file",
          name
        }))
      }),
      () => ({ entries: [] })
    )
  }

  /** Moves a file or directory to a path where nothing is. */
  moveFile(source: string, destination: string): Promise<BoolResult> {
    return done(this.#files.moveFile(source, destination))
  }

  /** Deletes a file. */
  deleteFile(path: string): Promise<BoolResult> {
    return done(this.#files.deleteFile(path))
  }

  /** Reads a file of at most 64 MiB, as text or with `format: "bytes"` as bytes. */
  readFile(path: string, options?: { readonly format?: "text" }): Promise<FileContentResult>
  readFile(path: string, options: { readonly format: "bytes" }): Promise<BinaryFileContentResult>
  readFile(
    path: string,
    options: { readonly format?: "text" | "bytes" } = {}
  ): Promise<FileContentResult | BinaryFileContentResult> {
    const { format = "text" } = options ?? {}
    const wrong = wrongOptions("session.file.read", options, ["format"]) ??
      (format === "text" || format === "bytes" ? undefined : "session.file.read: format must be text or bytes")
    if (wrong !== undefined) return Promise.resolve(refused(wrong, { content: "" }))
    return format === "text"
      ? answer(this.#files.readFile(path), ({ content }) => ({ content }), () => ({ content: "" }))
      : answer(
        this.#files.readFileBytes(path),
        ({ content }) => ({ content, size: content.byteLength }),
        () => ({ content: new Uint8Array(0) })
      )
  }

  /** Writes text to a file. `append` adds to it, `create_new` fails if there is one. */
  async writeFile(
    path: string,
    content: string,
    mode: WriteMode | (string & {}) = "overwrite"
  ): Promise<BoolResult> {
    return isMode(mode)
      ? done(this.#files.writeFile(path, content, mode))
      : refused(`Invalid write mode: ${String(mode).slice(0, 64)}. Must be one of ${modes.join(", ")}`, {})
  }

  /** Reads several text files in one call. White space at both ends of each text is lost. */
  readMultipleFiles(paths: ReadonlyArray<string>): Promise<MultipleFileContentResult> {
    return answer(
      this.#files.readMultipleFiles(paths),
      ({ contents }) => ({ files: { ...contents } }),
      () => ({ files: {} })
    )
  }

  /** Finds the paths below a directory that match a pattern such as `*.txt`. */
  searchFiles(path: string, pattern: string, excludePatterns?: ReadonlyArray<string>): Promise<FileSearchResult> {
    return answer(
      this.#files.searchFiles(path, pattern, excludePatterns),
      ({ matches }) => ({ matches: [...matches] }),
      () => ({ matches: [] })
    )
  }

  /** The changes below a directory since the last call for it. The first call sets the baseline. */
  getFileChange(path: string): Promise<FileChangeResult> {
    return answer(
      this.#files.getFileChange(path),
      ({ events }) => ({ events: [...events], rawData: JSON.stringify(events) }),
      () => ({ events: [], rawData: "" })
    )
  }

  /**
   * Calls back with the changes since the last poll, also with none, until the signal aborts or the session is lost. Other
   * failures are passed over, as by the official SDK.
   */
  watchDirectory(
    path: string,
    callback: (events: Array<FileChangeEvent>) => void,
    intervalMs: number = 1000,
    signal?: AbortSignal
  ): Promise<void> {
    return new DirectoryWatch(() => this.getFileChange(path), callback, intervalMs, signal).ended
  }

  /** The same, until `stop` is called. */
  watchDir(path: string, callback: (events: Array<FileChangeEvent>) => void, intervalMs: number = 1000): WatchHandle {
    const stop = new AbortController()
    new DirectoryWatch(() => this.getFileChange(path), callback, intervalMs, stop.signal)
    return { stop: () => stop.abort() }
  }

  /** The directory of the session for uploads and downloads, or null. */
  transferPath(): Promise<string | null> {
    return this.#transfer.path()
  }

  /** Moves a file of this machine to a path below `transferPath`. */
  upload(
    localPath: string,
    remotePath: string,
    options?: Transfers.UploadOptions
  ): Promise<Transfers.UploadResult> {
    return this.#transfer.upload(localPath, remotePath, options)
  }

  /** Moves a file of the session to this machine, where it appears when all of it is there. */
  download(
    remotePath: string,
    localPath: string,
    options?: Transfers.DownloadOptions
  ): Promise<Transfers.DownloadResult> {
    return this.#transfer.download(remotePath, localPath, options)
  }
}

withAliases(FileSystem, {
  mkdir: "createDirectory",
  list: "listDirectory",
  ls: "listDirectory",
  delete: "deleteFile",
  remove: "deleteFile",
  rm: "deleteFile",
  read: "readFile",
  write: "writeFile"
})
