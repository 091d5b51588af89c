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
import { type DirectoryEntry, type FileChangeEvent, type FileInfo, readFileBlocks } from "./internal/api/fileTexts.js"
import * as fileContents from "./internal/fileContents.js"
import { type FileSystemError, fromTool } from "./internal/fileErrors.js"
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
} from "./internal/api/fileTexts.js"

export {
  /**
   * What every file operation fails with.
   *
   * @since 0.1.0
   * @category errors
   */
  type FileSystemError
} from "./internal/fileErrors.js"

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
  /** The largest file to read, in bytes. Default 64 MiB; use `readFileStream` for what is larger. */
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

/** A single-path tool as a method: same name for span, errors and arguments. */
const methods = (toolCall: ToolCall) => {
  const getFileInfo = (operation: string, path: string) =>
    toolCall.call(AgbTools.get_file_info, { path }, { operation }).pipe(
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

  const readBytes = (operation: string, path: string, maxBytes = defaultMaxBytes) =>
    open(operation, path, maxBytes).pipe(Effect.flatMap(Stream.runCollect), Effect.map(concat))

  const getFileChange = (operation: string, path: string) =>
    fromTool(path)(toolCall.call(AgbTools.get_file_change, { path }, { operation }))

  return { getFileInfo, open, readBytes, getFileChange }
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

/**
 * `FileSystem` over the tool calls of a session.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (toolCall: ToolCall): FileSystem => {
  const { getFileChange, getFileInfo, open, readBytes } = methods(toolCall)

  return FileSystem.of({
    createDirectory: Effect.fn("FileSystem.createDirectory")((path) =>
      toolCall.call(AgbTools.create_directory, { path }, { operation: "FileSystem.createDirectory" }).pipe(
        fromTool(path),
        Effect.asVoid
      )
    ),
    deleteFile: Effect.fn("FileSystem.deleteFile")((path) =>
      toolCall.call(AgbTools.delete_file, { path }, { operation: "FileSystem.deleteFile" }).pipe(
        fromTool(path),
        Effect.asVoid
      )
    ),
    editFile: Effect.fn("FileSystem.editFile")((path, edits, options) =>
      toolCall.call(AgbTools.edit_file, { path, edits, dryRun: options?.dryRun ?? false }, {
        operation: "FileSystem.editFile"
      }).pipe(fromTool(path))
    ),
    getFileInfo: Effect.fn("FileSystem.getFileInfo")((path) => getFileInfo("FileSystem.getFileInfo", path)),
    listDirectory: Effect.fn("FileSystem.listDirectory")((path) =>
      fromTool(path)(toolCall.call(AgbTools.list_directory, { path }, { operation: "FileSystem.listDirectory" }))
    ),
    moveFile: Effect.fn("FileSystem.moveFile")((source, destination) =>
      toolCall.call(AgbTools.move_file, { source, destination }, { operation: "FileSystem.moveFile" }).pipe(
        fromTool(source),
        Effect.asVoid
      )
    ),
    readFile: Effect.fn("FileSystem.readFile")((path, options) =>
      Effect.flatMap(
        readBytes("FileSystem.readFile", path, options?.maxBytes),
        (bytes) => fileContents.decodeText("FileSystem.readFile", path, bytes)
      )
    ),
    readFileBytes: Effect.fn("FileSystem.readFileBytes")((path, options) =>
      readBytes("FileSystem.readFileBytes", path, options?.maxBytes)
    ),
    readFileStream: (path) =>
      Stream.unwrap(open("FileSystem.readFileStream", path, Infinity)).pipe(
        Stream.withSpan("FileSystem.readFileStream")
      ),
    readMultipleFiles: Effect.fn("FileSystem.readMultipleFiles")((paths) =>
      toolCall.call(AgbTools.read_multiple_files, { paths }, { operation: "FileSystem.readMultipleFiles" }).pipe(
        fromTool(String(paths)),
        Effect.map((text) => new Map(readFileBlocks(text, paths).map(({ content, path }) => [path, content])))
      )
    ),
    searchFiles: Effect.fn("FileSystem.searchFiles")((path, pattern, options) =>
      toolCall.call(
        AgbTools.search_files,
        {
          path,
          pattern,
          ...(options?.excludePatterns?.length ? { excludePatterns: options.excludePatterns } : {})
        },
        { operation: "FileSystem.searchFiles" }
      ).pipe(fromTool(path))
    ),
    writeFile: Effect.fn("FileSystem.writeFile")((path, content, options) =>
      fileContents.write(toolCall, "FileSystem.writeFile", path, content, options?.mode ?? "overwrite")
    ),
    getFileChange: Effect.fn("FileSystem.getFileChange")((path) => getFileChange("FileSystem.getFileChange", path)),
    watchDirectory: (path, options) =>
      Stream.unwrap(Effect.gen(function*() {
        const operation = "FileSystem.watchDirectory"
        const interval = yield* checkInterval(options?.interval ?? "1 second")
        yield* getFileChange(operation, path)
        return Stream.fromSchedule(Schedule.spaced(interval)).pipe(
          Stream.mapEffect(() => getFileChange(operation, path)),
          Stream.flattenIterables
        )
      })).pipe(Stream.withSpan("FileSystem.watchDirectory"))
  })
}
