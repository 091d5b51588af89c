/**
 * Files and directories of a session. Paths are absolute POSIX paths inside the session; sizes and offsets are bytes.
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
   * An entry of a directory.
   *
   * @since 0.1.0
   * @category models
   */
  type DirectoryEntry,
  /**
   * A change below a watched directory.
   *
   * @since 0.1.0
   * @category models
   */
  type FileChangeEvent,
  /**
   * A file or directory: size in bytes, `modTime` as the session writes it (ISO 8601), empty text where it says nothing.
   *
   * @since 0.1.0
   * @category models
   */
  type FileInfo
} from "./internal/wire/fileTexts.js"

export {
  /**
   * What every file operation fails with.
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
 * @since 0.1.0
 * @category models
 */
export interface ReadFileOptions {
  /**
   * The largest file to read, in bytes. Default 64 MiB; use `readFileStream` for what is larger. A text may have 512 MiB at
   * most, less 24 bytes.
   */
  readonly maxBytes?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface FileSystem {
  /** Creates a directory and its parents; one that exists is fine. */
  readonly createDirectory: (path: string) => Effect.Effect<void, FileSystemError>
  /** Deletes a file; a directory is a `FileError` with reason `IsDirectory`. */
  readonly deleteFile: (path: string) => Effect.Effect<void, FileSystemError>
  /** Applies all edits or none, and gives the session's account of the change (a diff). `dryRun` changes nothing. */
  readonly editFile: (
    path: string,
    edits: ReadonlyArray<Edit>,
    options?: { readonly dryRun?: boolean | undefined }
  ) => Effect.Effect<string, FileSystemError>
  /** Size, kind, time, mode and owner of a file or directory. */
  readonly getFileInfo: (path: string) => Effect.Effect<FileInfo, FileSystemError>
  /** The entries of a directory, without `.` and `..`. */
  readonly listDirectory: (path: string) => Effect.Effect<ReadonlyArray<DirectoryEntry>, FileSystemError>
  /** Moves a file or directory; an existing destination is a `FileError` with reason `AlreadyExists`. */
  readonly moveFile: (source: string, destination: string) => Effect.Effect<void, FileSystemError>
  /** The whole text of a UTF-8 file, decoded once. Other bytes are a `FileError` with reason `NotText`. */
  readonly readFile: (path: string, options?: ReadFileOptions) => Effect.Effect<string, FileSystemError>
  /** The whole content of a file as bytes. */
  readonly readFileBytes: (path: string, options?: ReadFileOptions) => Effect.Effect<Uint8Array, FileSystemError>
  /** The bytes of a file of any size, in bounded memory. */
  readonly readFileStream: (path: string) => Stream.Stream<Uint8Array, FileSystemError>
  /**
   * Several text files in one call, as path to content. The wire trims white space at both ends of each content; where
   * that matters use `readFile`. A path that the session sent nothing for is missing from the result.
   */
  readonly readMultipleFiles: (
    paths: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyMap<string, string>, FileSystemError>
  /** Paths below `path` whose name, or relative path when the pattern has a slash, matches the glob. */
  readonly searchFiles: (
    path: string,
    pattern: string,
    options?: { readonly excludePatterns?: ReadonlyArray<string> | undefined }
  ) => Effect.Effect<ReadonlyArray<string>, FileSystemError>
  /** Writes text. Default mode `overwrite`; `create_new` fails when the file exists. */
  readonly writeFile: (
    path: string,
    content: string,
    options?: { readonly mode?: "overwrite" | "append" | "create_new" | undefined }
  ) => Effect.Effect<void, FileSystemError>
  /** What changed below a directory since the previous call for it; the first call only sets the baseline. */
  readonly getFileChange: (path: string) => Effect.Effect<ReadonlyArray<FileChangeEvent>, FileSystemError>
  /**
   * What changes below a directory from now on, asked for every `interval` (default 1 second). The session keeps one
   * baseline per directory, so two watchers of the same one share its changes between them.
   */
  readonly watchDirectory: (
    path: string,
    options?: { readonly interval?: Duration.DurationInput | undefined }
  ) => Stream.Stream<FileChangeEvent, FileSystemError>
}

/**
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

/** Reading: what is there decides how it is read. */
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
          expected: "a duration above zero"
        })
      )
  })

const checkMaxBytes = (operation: string, maxBytes: number): Effect.Effect<void, InvalidRequestError> =>
  Number.isInteger(maxBytes) && maxBytes >= 0 ? Effect.void : Effect.fail(
    new InvalidRequestError({
      operation,
      field: "maxBytes",
      given: String(maxBytes).slice(0, 64),
      expected: "a whole number of bytes"
    })
  )

/** A method that is named once: for its span and for its errors. */
const method = <Args extends ReadonlyArray<unknown>, A>(
  name: string,
  body: (operation: string, ...args: Args) => Effect.Effect<A, FileSystemError>
): (...args: Args) => Effect.Effect<A, FileSystemError> => {
  const operation = `FileSystem.${name}`
  return spans.method(operation)((...args: Args) => body(operation, ...args))
}

type Options<K extends keyof FileSystem> = Parameters<Extract<FileSystem[K], (...args: never) => unknown>>[2]

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
  const call = <A extends object, AI, R>(tool: AgbTools.Tool<A, AI, R>, args: A, operation: string, path: string) =>
    fromTool(path)(toolCall.call(tool, args, { operation }))
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
    searchFiles: method(
      "searchFiles",
      (operation, path: string, pattern: string, options?: Options<"searchFiles">) => {
        const excludePatterns = options?.excludePatterns ?? []
        const args = excludePatterns.length === 0 ? { path, pattern } : { path, pattern, excludePatterns }
        return call(AgbTools.tools.search_files, args, operation, path)
      }
    ),
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
