/**
 * Files and directories of a session. Paths are absolute POSIX paths inside the session; sizes are in bytes.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { FileError, InvalidRequestError, LimitExceededError } from "./AgbError.js"
import * as AgbTools from "./AgbTools.js"
import * as spans from "./internal/client/spans.js"
import * as fileContents from "./internal/session/fileContents.js"
import { type FileSystemError, fromTool } from "./internal/session/fileErrors.js"
import { type DirectoryEntry, type FileChangeEvent, type FileInfo, readFileBlocks } from "./internal/wire/fileTexts.js"
import type { ToolCall } from "./ToolCall.js"

export {
  /**
   * A directory entry.
   *
   * @since 0.1.0
   * @category models
   */
  type DirectoryEntry,
  /**
   * A change in a watched directory tree.
   *
   * @since 0.1.0
   * @category models
   */
  type FileChangeEvent,
  /**
   * Metadata of a file or directory: size in bytes, `modTime` in ISO 8601; fields not reported by the session are empty.
   *
   * @since 0.1.0
   * @category models
   */
  type FileInfo
} from "./internal/wire/fileTexts.js"

export {
  /**
   * Errors of every file operation.
   *
   * @since 0.1.0
   * @category errors
   */
  type FileSystemError
} from "./internal/session/fileErrors.js"

/**
 * One replacement: the first occurrence of `oldText` becomes `newText`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Edit {
  readonly oldText: string
  readonly newText: string
}

/**
 * Options of `readFile` and `readFileBytes`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ReadFileOptions {
  /**
   * The largest file to read, in bytes. Default: 64 MiB. Use `readFileStream` for larger files. Text is limited to
   * 512 MiB - 24 bytes.
   */
  readonly maxBytes?: number | undefined
}

/**
 * Reads, writes and watches files and directories of a session.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileSystem {
  /** Creates a directory and its parents. An existing directory is a success. */
  readonly createDirectory: (path: string) => Effect.Effect<void, FileSystemError>
  /** Deletes a file. A directory fails with a `FileError` of reason `IsDirectory`. */
  readonly deleteFile: (path: string) => Effect.Effect<void, FileSystemError>
  /** Applies all edits or none and returns a diff. With `dryRun` the file is not changed. */
  readonly editFile: (
    path: string,
    edits: ReadonlyArray<Edit>,
    options?: { readonly dryRun?: boolean | undefined }
  ) => Effect.Effect<string, FileSystemError>
  /** Returns size, type, modification time, mode and owner of a file or directory. */
  readonly getFileInfo: (path: string) => Effect.Effect<FileInfo, FileSystemError>
  /** Lists a directory, without `.` and `..`. */
  readonly listDirectory: (path: string) => Effect.Effect<ReadonlyArray<DirectoryEntry>, FileSystemError>
  /** Moves a file or directory. An existing destination fails with a `FileError` of reason `AlreadyExists`. */
  readonly moveFile: (source: string, destination: string) => Effect.Effect<void, FileSystemError>
  /** Reads a UTF-8 file as text. Other content fails with a `FileError` of reason `NotText`. */
  readonly readFile: (path: string, options?: ReadFileOptions) => Effect.Effect<string, FileSystemError>
  /** Reads a file as bytes. */
  readonly readFileBytes: (path: string, options?: ReadFileOptions) => Effect.Effect<Uint8Array, FileSystemError>
  /** Streams the bytes of a file of any size in bounded memory. */
  readonly readFileStream: (path: string) => Stream.Stream<Uint8Array, FileSystemError>
  /**
   * Reads several text files in one call, as a map from path to content. Leading and trailing white space of each content is
   * lost; use `readFile` where it matters. Paths without content in the reply are missing from the map.
   */
  readonly readMultipleFiles: (
    paths: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyMap<string, string>, FileSystemError>
  /** Finds paths below `path` whose name, or relative path if the pattern contains a slash, matches the glob. */
  readonly searchFiles: (
    path: string,
    pattern: string,
    options?: { readonly excludePatterns?: ReadonlyArray<string> | undefined }
  ) => Effect.Effect<ReadonlyArray<string>, FileSystemError>
  /** Writes text to a file. Default mode: `overwrite`. `create_new` fails if the file exists. */
  readonly writeFile: (
    path: string,
    content: string,
    options?: { readonly mode?: "overwrite" | "append" | "create_new" | undefined }
  ) => Effect.Effect<void, FileSystemError>
  /** Returns the changes below a directory since the previous call for it. The first call only sets the baseline. */
  readonly getFileChange: (path: string) => Effect.Effect<ReadonlyArray<FileChangeEvent>, FileSystemError>
  /**
   * Watches a directory tree by polling every `interval` (default 1 second). The session keeps one baseline per directory,
   * so each change is reported to only one of several watchers of the same directory.
   */
  readonly watchDirectory: (
    path: string,
    options?: { readonly interval?: Duration.DurationInput | undefined }
  ) => Stream.Stream<FileChangeEvent, FileSystemError>
}

/**
 * Tag of `FileSystem`.
 *
 * @since 0.1.0
 * @category tags
 */
export const FileSystem = Context.GenericTag<FileSystem>("@effect-agb/core/FileSystem")

const defaultMaxBytes = 64 * 1024 * 1024

const baseName = (path: string): string => path.replace(/\/+$/, "").split("/").at(-1) ?? ""

const concat = (chunks: Chunk.Chunk<Uint8Array>): Uint8Array => {
  const all = new Uint8Array(Chunk.reduce(chunks, 0, (size, chunk) => size + chunk.length))
  Chunk.reduce(chunks, 0, (at, chunk) => {
    all.set(chunk, at)
    return at + chunk.length
  })
  return all
}

/** Read operations, which check type and size of the file first. */
const readers = (toolCall: ToolCall) => {
  const getFileInfo = (operation: string, path: string) =>
    toolCall.call(AgbTools.tools.get_file_info, { path }, { operation }).pipe(
      fromTool(path),
      Effect.map((info) => ({ ...info, path, name: baseName(path) }))
    )

  const open = (operation: string, path: string, maxBytes: number) =>
    Effect.flatMap(
      getFileInfo(operation, path),
      (info): Effect.Effect<Stream.Stream<Uint8Array, FileSystemError>, FileSystemError> => {
        if (info.isDirectory) {
          return Effect.fail(
            new FileError({ operation, path, reason: "IsDirectory", detail: "", mayHaveHappened: false })
          )
        }
        return info.size > maxBytes
          ? Effect.fail(
            new LimitExceededError({ operation, what: `the size of ${path}`, limit: maxBytes, mayHaveHappened: false })
          )
          : Effect.succeed(fileContents.read(toolCall, operation, path, info.size))
      }
    )

  const readBytes = (operation: string, path: string, maxBytes = defaultMaxBytes, most = maxBytes) =>
    checkMaxBytes(operation, maxBytes).pipe(
      Effect.flatMap(() => open(operation, path, Math.min(maxBytes, most))),
      Effect.flatMap(Stream.runCollect),
      Effect.map(concat)
    )

  return { getFileInfo, open, readBytes }
}

const checkInterval = (input: Duration.DurationInput): Effect.Effect<Duration.Duration, InvalidRequestError> =>
  Option.match(Option.filter(Duration.decodeUnknown(input), Duration.greaterThan(0)), {
    onSome: Effect.succeed,
    onNone: () =>
      Effect.fail(
        new InvalidRequestError({
          operation: "FileSystem.watchDirectory",
          field: "interval",
          given: String(input).slice(0, 64),
          expected: "a duration above 0"
        })
      )
  })

const checkMaxBytes = (operation: string, maxBytes: number): Effect.Effect<void, InvalidRequestError> =>
  Number.isInteger(maxBytes) && maxBytes >= 0 ? Effect.void : Effect.fail(
    new InvalidRequestError({
      operation,
      field: "maxBytes",
      given: String(maxBytes).slice(0, 64),
      expected: "a non-negative integer (bytes)"
    })
  )

/** Defines a method whose name is used in its span and its errors. */
const method = <Args extends ReadonlyArray<unknown>, A>(
  name: string,
  body: (operation: string, ...args: Args) => Effect.Effect<A, FileSystemError>
): (...args: Args) => Effect.Effect<A, FileSystemError> => {
  const operation = `FileSystem.${name}`
  return spans.method(operation)((...args: Args) => body(operation, ...args))
}

type Options<K extends keyof FileSystem> = Parameters<Extract<FileSystem[K], (...args: never) => unknown>>[2]

const caller =
  (toolCall: ToolCall) =>
  <A extends object, AI, R>(tool: AgbTools.Tool<A, AI, R>, args: A, operation: string, path: string) =>
    fromTool(path)(toolCall.call(tool, args, { operation }))

const search = (call: ReturnType<typeof caller>): FileSystem["searchFiles"] =>
  method("searchFiles", (operation, path: string, pattern: string, options?: Options<"searchFiles">) => {
    const excludePatterns = options?.excludePatterns ?? []
    const args = excludePatterns.length === 0 ? { path, pattern } : { path, pattern, excludePatterns }
    return call(AgbTools.tools.search_files, args, operation, path)
  })

const watch = (toolCall: ToolCall): FileSystem["watchDirectory"] => (path, options) => {
  const operation = "FileSystem.watchDirectory"
  const poll = fromTool(path)(toolCall.call(AgbTools.tools.get_file_change, { path }, { operation }))
  return Stream.unwrap(Effect.gen(function*() {
    const interval = yield* checkInterval(options?.interval ?? "1 second")
    yield* poll
    return Stream.fromSchedule(Schedule.spaced(interval)).pipe(
      Stream.mapEffect(() => poll),
      Stream.flattenIterables
    )
  })).pipe(Stream.withSpan(operation))
}

/**
 * `FileSystem` over the tool calls of a session.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (toolCall: ToolCall): FileSystem => {
  const call = caller(toolCall)
  const onPath = (name: string, tool: typeof AgbTools.tools.create_directory) =>
    method(name, (operation, path: string) => Effect.asVoid(call(tool, { path }, operation, path)))
  const { getFileInfo, open, readBytes } = readers(toolCall)

  return FileSystem.of({
    createDirectory: onPath("createDirectory", AgbTools.tools.create_directory),
    deleteFile: onPath("deleteFile", AgbTools.tools.delete_file),
    editFile: method(
      "editFile",
      (operation, path: string, edits: ReadonlyArray<Edit>, options?: Options<"editFile">) =>
        call(AgbTools.tools.edit_file, { path, edits, dryRun: options?.dryRun ?? false }, operation, path)
    ),
    getFileInfo: method("getFileInfo", getFileInfo),
    listDirectory: method(
      "listDirectory",
      (operation, path: string) => call(AgbTools.tools.list_directory, { path }, operation, path)
    ),
    moveFile: method(
      "moveFile",
      (operation, source: string, destination: string) =>
        Effect.asVoid(call(AgbTools.tools.move_file, { source, destination }, operation, source))
    ),
    readFile: method("readFile", (operation, path: string, options?: ReadFileOptions) =>
      Effect.flatMap(
        readBytes(operation, path, options?.maxBytes, fileContents.maxTextLength),
        (bytes) => fileContents.decodeText(operation, path, bytes)
      )),
    readFileBytes: method(
      "readFileBytes",
      (operation, path: string, options?: ReadFileOptions) => readBytes(operation, path, options?.maxBytes)
    ),
    readFileStream: (path) =>
      Stream.unwrap(open("FileSystem.readFileStream", path, Infinity)).pipe(
        Stream.withSpan("FileSystem.readFileStream")
      ),
    readMultipleFiles: method("readMultipleFiles", (operation, paths: ReadonlyArray<string>) =>
      Effect.map(
        call(AgbTools.tools.read_multiple_files, { paths }, operation, String(paths)),
        (text) => new Map(readFileBlocks(text, paths).map(({ content, path }) => [path, content]))
      )),
    searchFiles: search(call),
    writeFile: method(
      "writeFile",
      (operation, path: string, content: string, options?: Options<"writeFile">) =>
        fileContents.write(toolCall, operation, path, content, options?.mode ?? "overwrite")
    ),
    getFileChange: method(
      "getFileChange",
      (operation, path: string) => call(AgbTools.tools.get_file_change, { path }, operation, path)
    ),
    watchDirectory: watch(toolCall)
  })
}
