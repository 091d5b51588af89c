/** `FileSystem` of the promise API. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { Edit, FileChangeEvent } from "../../FileSystem.js"
import type * as Results from "../../OperationResult.js"
import type { Session } from "../session/session.js"
import * as operations from "./operation.js"
import * as results from "./results.js"
import type { SessionInvoker } from "./sessionInvoker.js"

const onePath = { path: Schema.String }

const readable = {
  path: Schema.String,
  maxBytes: Schema.optional(Schema.Number.pipe(Schema.filter((n) => n >= 0, { description: "a number of bytes" })))
}

const createDirectory = operations.make(
  "FileSystem.createDirectory",
  onePath,
  results.done,
  ({ fileSystem }: Session, { path }) => fileSystem.createDirectory(path)
)

const deleteFile = operations.make(
  "FileSystem.deleteFile",
  onePath,
  results.done,
  ({ fileSystem }: Session, { path }) => fileSystem.deleteFile(path)
)

const editFile = operations.make(
  "FileSystem.editFile",
  {
    path: Schema.String,
    edits: Schema.Array(Schema.Struct({ oldText: Schema.String, newText: Schema.String })),
    dryRun: Schema.Boolean
  },
  results.edited,
  ({ fileSystem }: Session, { dryRun, edits, path }) => fileSystem.editFile(path, edits, { dryRun })
)

const getFileInfo = operations.make(
  "FileSystem.getFileInfo",
  onePath,
  results.fileInfo,
  ({ fileSystem }: Session, { path }) => fileSystem.getFileInfo(path)
)

const listDirectory = operations.make(
  "FileSystem.listDirectory",
  onePath,
  results.entries,
  ({ fileSystem }: Session, { path }) => fileSystem.listDirectory(path)
)

const moveFile = operations.make(
  "FileSystem.moveFile",
  { source: Schema.String, destination: Schema.String },
  results.done,
  ({ fileSystem }: Session, { destination, source }) => fileSystem.moveFile(source, destination)
)

const readFile = operations.make(
  "FileSystem.readFile",
  readable,
  results.content,
  ({ fileSystem }: Session, { maxBytes, path }) => fileSystem.readFile(path, { maxBytes })
)

const readFileBytes = operations.make(
  "FileSystem.readFileBytes",
  readable,
  results.binaryContent,
  ({ fileSystem }: Session, { maxBytes, path }) => fileSystem.readFileBytes(path, { maxBytes })
)

const readFileStream = operations.source(
  "FileSystem.readFileStream",
  onePath,
  ({ fileSystem }: Session, { path }) => fileSystem.readFileStream(path)
)

const readMultipleFiles = operations.make(
  "FileSystem.readMultipleFiles",
  { paths: Schema.Array(Schema.String) },
  results.contents,
  ({ fileSystem }: Session, { paths }) => fileSystem.readMultipleFiles(paths)
)

const searchFiles = operations.make(
  "FileSystem.searchFiles",
  { path: Schema.String, pattern: Schema.String, excludePatterns: Schema.optional(Schema.Array(Schema.String)) },
  results.matches,
  ({ fileSystem }: Session, { excludePatterns, path, pattern }) =>
    fileSystem.searchFiles(path, pattern, { excludePatterns })
)

const writeFile = operations.make(
  "FileSystem.writeFile",
  {
    path: Schema.String,
    content: Schema.String,
    mode: Schema.Literal("overwrite", "append", "create_new")
  },
  results.done,
  ({ fileSystem }: Session, { content, mode, path }) => fileSystem.writeFile(path, content, { mode })
)

const getFileChange = operations.make(
  "FileSystem.getFileChange",
  onePath,
  results.events,
  ({ fileSystem }: Session, { path }) => fileSystem.getFileChange(path)
)

const watchDirectory = operations.source(
  "FileSystem.watchDirectory",
  { path: Schema.String, intervalMs: Schema.optional(operations.Millis) },
  ({ fileSystem }: Session, { intervalMs = 1000, path }) =>
    fileSystem.watchDirectory(path, { interval: Duration.millis(intervalMs) })
)

/**
 * Options of `readFile` and `readFileBytes`, all optional.
 */
export interface ReadFileOptions extends operations.CallOptions {
  /** The largest file to read, in bytes. Default: 64 MiB. Use `readFileStream` for larger files. */
  readonly maxBytes?: number | undefined
}

/**
 * Options of `watchDirectory`, all optional.
 */
export interface WatchDirectoryOptions extends operations.CallOptions {
  /** Polling interval in milliseconds. Default: 1000. */
  readonly intervalMs?: number | undefined
}

/**
 * Files and directories of a session. Paths are absolute POSIX paths inside the session; sizes are in bytes. A missing path
 * is a failed result with a `FileNotFoundError`, any other failure of the session one with a `FileError`.
 */
export class FileSystem {
  readonly #calls: SessionInvoker

  /** @internal */
  constructor(calls: SessionInvoker) {
    this.#calls = calls
  }

  /** Creates a directory and its parents. An existing directory is a success. */
  createDirectory(path: string, options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(createDirectory, { path }, options)
  }

  /** Deletes a file. Fails on a directory. */
  deleteFile(path: string, options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(deleteFile, { path }, options)
  }

  /**
   * Replaces the first occurrence of each `oldText` with its `newText`: all edits or none. With `dryRun` the file is not
   * changed. `diff` shows the changes.
   */
  editFile(
    path: string,
    edits: ReadonlyArray<Edit>,
    dryRun: boolean = false,
    options?: operations.CallOptions
  ): Promise<Results.EditFileResult> {
    return this.#calls.answer(editFile, { path, edits, dryRun }, options)
  }

  /** Returns size, type, modification time, mode and owner of a file or directory. */
  getFileInfo(path: string, options?: operations.CallOptions): Promise<Results.FileInfoResult> {
    return this.#calls.answer(getFileInfo, { path }, options)
  }

  /** Lists a directory, without `.` and `..`. */
  listDirectory(path: string, options?: operations.CallOptions): Promise<Results.DirectoryListResult> {
    return this.#calls.answer(listDirectory, { path }, options)
  }

  /** Moves a file or directory to a path that does not exist. */
  moveFile(source: string, destination: string, options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(moveFile, { source, destination }, options)
  }

  /** Reads a UTF-8 file as text. */
  readFile(path: string, options?: ReadFileOptions): Promise<Results.FileContentResult> {
    return this.#calls.answer(readFile, { path }, options)
  }

  /** Reads a file as bytes. */
  readFileBytes(path: string, options?: ReadFileOptions): Promise<Results.BinaryFileContentResult> {
    return this.#calls.answer(readFileBytes, { path }, options)
  }

  /**
   * Streams the bytes of a file of any size in bounded memory, for `for await`. Failures are thrown as typed errors.
   */
  readFileStream(path: string, options?: operations.CallOptions): AsyncIterableIterator<Uint8Array> {
    return this.#calls.iterate(readFileStream, { path }, options)
  }

  /**
   * Reads several text files in one call, by path. Leading and trailing white space of each text is lost; paths without
   * content in the reply are missing.
   */
  readMultipleFiles(
    paths: ReadonlyArray<string>,
    options?: operations.CallOptions
  ): Promise<Results.MultipleFileContentResult> {
    return this.#calls.answer(readMultipleFiles, { paths }, options)
  }

  /** Finds paths below `path` whose name, or relative path if the pattern contains a slash, matches the glob. */
  searchFiles(
    path: string,
    pattern: string,
    excludePatterns?: ReadonlyArray<string>,
    options?: operations.CallOptions
  ): Promise<Results.FileSearchResult> {
    return this.#calls.answer(searchFiles, { path, pattern, excludePatterns }, options)
  }

  /** Writes text to a file. `append` adds to an existing file, `create_new` fails if the file exists. */
  writeFile(
    path: string,
    content: string,
    mode: "overwrite" | "append" | "create_new" = "overwrite",
    options?: operations.CallOptions
  ): Promise<Results.BoolResult> {
    return this.#calls.answer(writeFile, { path, content, mode }, options)
  }

  /** Returns the changes below a directory since the previous call for it. The first call only sets the baseline. */
  getFileChange(path: string, options?: operations.CallOptions): Promise<Results.FileChangeResult> {
    return this.#calls.answer(getFileChange, { path }, options)
  }

  /**
   * Watches a directory tree from the first `next` on, for `for await`. Failures are thrown as typed errors; leaving the
   * loop stops watching.
   */
  watchDirectory(path: string, options?: WatchDirectoryOptions): AsyncIterableIterator<FileChangeEvent> {
    return this.#calls.iterate(watchDirectory, { path }, options)
  }
}
