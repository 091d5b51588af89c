/** `FileSystem` of the promise API. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as files from "../../../FileSystem.js"
import type { Edit, FileType } from "../../../FileSystem.js"
import type * as Results from "../../../OperationResult.js"
import type { Session } from "../../session/session.js"
import * as operations from "../operation.js"
import * as results from "../results.js"
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

const bytes = Schema.optional(Schema.Number.pipe(
  Schema.filter((n) => Number.isSafeInteger(n) && n >= 0, { description: "a number of bytes" })
))

const readFileStream = operations.source(
  "FileSystem.readFileStream",
  { path: Schema.String, offset: bytes, bytesToRead: bytes },
  ({ fileSystem }: Session, { bytesToRead, offset, path }) => fileSystem.readFileStream(path, { offset, bytesToRead })
)

const exists = operations.make(
  "FileSystem.exists",
  onePath,
  results.data<boolean>(),
  ({ fileSystem }: Session, { path }) => fileSystem.exists(path)
)

const stat = operations.make(
  "FileSystem.stat",
  onePath,
  results.data<FileStat>(),
  ({ fileSystem }: Session, { path }) =>
    Effect.map(fileSystem.stat(path), ({ group, mode, mtime, owner, size, type }): FileStat => ({
      type,
      size,
      mode: Option.getOrUndefined(mode),
      mtime: Option.getOrUndefined(mtime),
      owner: Option.getOrUndefined(owner),
      group: Option.getOrUndefined(group)
    }))
)

const remove = operations.make(
  "FileSystem.remove",
  { path: Schema.String, recursive: Schema.optional(Schema.Boolean), force: Schema.optional(Schema.Boolean) },
  results.done,
  ({ fileSystem }: Session, { force, path, recursive }) => fileSystem.remove(path, { recursive, force })
)

const copy = operations.make(
  "FileSystem.copy",
  {
    source: Schema.String,
    destination: Schema.String,
    overwrite: Schema.optional(Schema.Boolean),
    preserveTimestamps: Schema.optional(Schema.Boolean)
  },
  results.done,
  ({ fileSystem }: Session, { destination, overwrite, preserveTimestamps, source }) =>
    fileSystem.copy(source, destination, { overwrite, preserveTimestamps })
)

const isAsyncIterable = (content: unknown): content is AsyncIterable<Uint8Array> =>
  typeof content === "object" && content !== null && Symbol.asyncIterator in content

const Content = Schema.declare(
  (content): content is Content =>
    typeof content === "string" || content instanceof Uint8Array || isAsyncIterable(content),
  { description: "a string, a Uint8Array or an async iterable of them" }
)

/** What the iterable throws is the reason of a defect: it is no failure of the session. */
const contentOf = (content: Content): string | Uint8Array | Stream.Stream<Uint8Array> =>
  isAsyncIterable(content) ? Stream.orDie(Stream.fromAsyncIterable(content, (error) => error)) : content

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
    content: Content,
    mode: Schema.Literal("overwrite", "append", "create_new"),
    permissions: Schema.optional(Schema.Int.pipe(Schema.between(0, 0o7777, { description: "from 0 to 0o7777" })))
  },
  results.done,
  ({ fileSystem }: Session, { content, mode, path, permissions }) =>
    fileSystem.writeFile(path, contentOf(content), { mode, permissions })
)

const getFileChange = operations.make(
  "FileSystem.getFileChange",
  onePath,
  results.events,
  ({ fileSystem }: Session, { path }) => fileSystem.getFileChange(path)
)

const watchDirectory = operations.source(
  "FileSystem.watchDirectory",
  {
    path: Schema.String,
    intervalMs: Schema.optional(operations.Millis),
    recursive: Schema.optional(Schema.Boolean),
    include: Schema.optional(Schema.Array(Schema.String))
  },
  ({ fileSystem }: Session, { include, intervalMs = 1000, path, recursive }) =>
    fileSystem.watchDirectory(path, { include, interval: Duration.millis(intervalMs), recursive })
)

/**
 * Options of `readFile` and `readFileBytes`, all optional.
 */
export interface ReadFileOptions extends operations.CallOptions {
  /** The largest file to read, in bytes. Default: 64 MiB. Use `readFileStream` for larger files. */
  readonly maxBytes?: number | undefined
}

/**
 * Options of `readFileStream`, all optional.
 */
export interface ReadFileStreamOptions extends operations.CallOptions {
  /** The first byte to read. Default: 0. */
  readonly offset?: number | undefined
  /** How many bytes to read at most. Default: up to the end of the file. */
  readonly bytesToRead?: number | undefined
}

/**
 * What `writeFile` takes: text, bytes, or bytes that are read as they are sent.
 */
export type Content = string | Uint8Array | AsyncIterable<Uint8Array>

/**
 * Options of `writeFile`, all optional.
 */
export interface WriteFileOptions extends operations.CallOptions {
  /** Permissions of the file, for example `0o755`. Default: those that it has, or those of any new file. */
  readonly permissions?: number | undefined
}

/**
 * Options of `remove`, all optional.
 */
export interface RemoveOptions extends operations.CallOptions {
  /** Whether to remove a directory with all that is in it. Default: false. */
  readonly recursive?: boolean | undefined
  /** Whether a missing path is a success. Default: false. */
  readonly force?: boolean | undefined
}

/**
 * Options of `copy`, all optional.
 */
export interface CopyOptions extends operations.CallOptions {
  /** Whether a file may be replaced. Default: false. */
  readonly overwrite?: boolean | undefined
  /** Whether the copy keeps times and all permissions. Default: false. */
  readonly preserveTimestamps?: boolean | undefined
}

/**
 * Type, size and attributes of a file or directory. What the session does not tell is undefined.
 */
export interface FileStat {
  readonly type: FileType
  readonly size: number
  readonly mode: number | undefined
  readonly mtime: Date | undefined
  readonly owner: string | undefined
  readonly group: string | undefined
}

/**
 * Options of `watchDirectory`, all optional.
 */
export interface WatchDirectoryOptions
  extends operations.CallOptions, Pick<files.WatchDirectoryOptions, "include" | "recursive">
{
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
   * Streams the bytes of a file of any size, or a range of them, in bounded memory, for `for await`. Failures are thrown as
   * typed errors.
   */
  readFileStream(path: string, options?: ReadFileStreamOptions): AsyncIterableIterator<Uint8Array> {
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

  /**
   * Writes text or bytes to a file, which is at the path when all of it is there. `append` adds to an existing file,
   * `create_new` fails if the file exists. The promise rejects with what an async iterable throws.
   */
  writeFile(
    path: string,
    content: Content,
    mode: "overwrite" | "append" | "create_new" = "overwrite",
    options?: WriteFileOptions
  ): Promise<Results.BoolResult> {
    return this.#calls.answer(writeFile, { path, content, mode }, options)
  }

  /** Whether there is anything at a path. Links are followed. */
  exists(path: string, options?: operations.CallOptions): Promise<Results.OperationResult<boolean>> {
    return this.#calls.answer(exists, { path }, options)
  }

  /** Type, size, permissions and times of a file or directory. Links are followed. */
  stat(path: string, options?: operations.CallOptions): Promise<Results.OperationResult<FileStat>> {
    return this.#calls.answer(stat, { path }, options)
  }

  /** Removes a file or link, or with `recursive` a directory with all that is in it. */
  remove(path: string, options?: RemoveOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(remove, { path }, options)
  }

  /** Copies a file, or a directory with all that is in it; links within it are copied as links. */
  copy(source: string, destination: string, options?: CopyOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(copy, { source, destination }, options)
  }

  /** Returns the changes below a directory since the previous call for it. The first call only sets the baseline. */
  getFileChange(path: string, options?: operations.CallOptions): Promise<Results.FileChangeResult> {
    return this.#calls.answer(getFileChange, { path }, options)
  }

  /**
   * Watches a directory tree, for `for await`. The first event is `ready`: changes from then on are told. Failures are thrown
   * as typed errors; leaving the loop stops watching.
   */
  watchDirectory(path: string, options?: WatchDirectoryOptions): AsyncIterableIterator<files.WatchEvent> {
    return this.#calls.iterate(watchDirectory, { path }, options)
  }
}
