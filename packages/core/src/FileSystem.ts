/**
 * Files and directories of a session. Paths are absolute POSIX paths inside the session; sizes are in bytes.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { InvalidRequestError } from "./AgbError.js"
import * as AgbTools from "./AgbTools.js"
import * as optionObjects from "./internal/client/checks/options.js"
import * as spans from "./internal/client/spans.js"
import * as fileContents from "./internal/session/fileContents.js"
import { type FileSystemError, fromTool } from "./internal/session/fileErrors.js"
import type { FileRoute, WriteOptions } from "./internal/session/files/fileRoute.js"
import * as managing from "./internal/session/files/managing.js"
import * as opening from "./internal/session/files/opening.js"
import { inLargePieces } from "./internal/session/files/pieces.js"
import * as reading from "./internal/session/files/reading.js"
import * as toolFiles from "./internal/session/files/toolFiles.js"
import * as watching from "./internal/session/files/watching.js"
import type { WatchDirectoryOptions, WatchEvent } from "./internal/session/files/watching.js"
import * as writing from "./internal/session/files/writing.js"
import {
  type DirectoryEntry,
  type FileChangeEvent,
  type FileInfo,
  readFileBlocks
} from "./internal/wire/results/fileTexts.js"
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
} from "./internal/wire/results/fileTexts.js"

export {
  /**
   * Options of `watchDirectory`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type WatchDirectoryOptions,
  /**
   * What a watch tells: `ready` first, then changes.
   *
   * @since 0.1.0
   * @category models
   */
  type WatchEvent,
  /**
   * The first event of a watch: every change from now on is told.
   *
   * @since 0.1.0
   * @category models
   */
  type WatchReadyEvent
} from "./internal/session/files/watching.js"

export {
  /**
   * Errors of every file operation.
   *
   * @since 0.1.0
   * @category errors
   */
  type FileSystemError
} from "./internal/session/fileErrors.js"

export {
  /**
   * Type, size and attributes of a file or directory. What the session does not tell is none.
   *
   * @since 0.1.0
   * @category models
   */
  type FileStat,
  /**
   * What is at a path.
   *
   * @since 0.1.0
   * @category models
   */
  type FileType
} from "./internal/session/files/managing.js"

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
 * Options of `readFileStream`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ReadFileStreamOptions {
  /** The first byte to read. Default: 0. */
  readonly offset?: number | undefined
  /** How many bytes to read at most. Default: up to the end of the file. */
  readonly bytesToRead?: number | undefined
}

/**
 * Options of `writeFile` and `sink`.
 *
 * @since 0.1.0
 * @category models
 */
export interface WriteFileOptions {
  /** Default: `overwrite`. `append` adds to a file, `create_new` fails if the file exists. */
  readonly mode?: "overwrite" | "append" | "create_new" | undefined
  /** Permissions of the file, for example `0o755`. Default: those that it has, or those of any new file. */
  readonly permissions?: number | undefined
}

/**
 * Options of `remove`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RemoveOptions {
  /** Whether to remove a directory with all that is in it. Default: false. */
  readonly recursive?: boolean | undefined
  /** Whether a missing path is a success. Default: false. */
  readonly force?: boolean | undefined
}

/**
 * Options of `copy`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CopyOptions {
  /** Whether a file may be replaced. Default: false. */
  readonly overwrite?: boolean | undefined
  /** Whether the copy keeps times and all permissions. Default: false. */
  readonly preserveTimestamps?: boolean | undefined
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
  /** Streams the bytes of a file of any size, or a range of them, in bounded memory. */
  readonly readFileStream: (
    path: string,
    options?: ReadFileStreamOptions
  ) => Stream.Stream<Uint8Array, FileSystemError>
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
  /**
   * Writes a text, bytes or a stream of bytes to a file. Nothing is at the path before all of it is there: a write that fails
   * leaves what was there before. Only texts of more than 51,200 characters are appended in several steps.
   */
  readonly writeFile: <E = never, R = never>(
    path: string,
    content: string | Uint8Array | Stream.Stream<Uint8Array, E, R>,
    options?: WriteFileOptions
  ) => Effect.Effect<void, FileSystemError | E, R>
  /** The same as a sink: the file is there when the stream has ended, and nothing is left of it when the stream fails. */
  readonly sink: (path: string, options?: WriteFileOptions) => Sink.Sink<void, Uint8Array, never, FileSystemError>
  /** Whether there is anything at a path. Links are followed. */
  readonly exists: (path: string) => Effect.Effect<boolean, FileSystemError>
  /** Type, size, permissions and times of a file or directory. Links are followed. */
  readonly stat: (path: string) => Effect.Effect<managing.FileStat, FileSystemError>
  /** Removes a file or link, or with `recursive` a directory with all that is in it. */
  readonly remove: (path: string, options?: RemoveOptions) => Effect.Effect<void, FileSystemError>
  /** Copies a file, or a directory with all that is in it; links within it are copied as links. */
  readonly copy: (source: string, destination: string, options?: CopyOptions) => Effect.Effect<void, FileSystemError>
  /** Returns the changes below a directory since the previous call for it. The first call only sets the baseline. */
  readonly getFileChange: (path: string) => Effect.Effect<ReadonlyArray<FileChangeEvent>, FileSystemError>
  /**
   * Watches a directory tree by polling. The first event is `ready`: changes from then on are told. The session keeps one
   * baseline per directory, so each change is reported to only one of several watchers of the same directory.
   */
  readonly watchDirectory: (
    path: string,
    options?: WatchDirectoryOptions
  ) => Stream.Stream<WatchEvent, FileSystemError>
}

/**
 * Tag of `FileSystem`.
 *
 * @since 0.1.0
 * @category tags
 */
export const FileSystem = Context.GenericTag<FileSystem>("@effect-agb/core/FileSystem")

/** Defines a method whose name is used in its span and its errors. */
const method = <Args extends ReadonlyArray<unknown>, A>(
  name: string,
  body: (operation: string, ...args: Args) => Effect.Effect<A, FileSystemError>
): (...args: Args) => Effect.Effect<A, FileSystemError> => {
  const operation = `FileSystem.${name}`
  return spans.method(operation)((...args: Args) => body(operation, ...args))
}

type Options<K extends keyof FileSystem> = Parameters<Extract<FileSystem[K], (...args: never) => unknown>>[2]

const caller = (toolCall: ToolCall) =>
<A extends object, AI, R>(
  tool: AgbTools.Tool<A, AI, R>,
  args: A,
  operation: string,
  ...paths: readonly [string, ...ReadonlyArray<string>]
) => fromTool(...paths)(toolCall.call(tool, args, { operation }))

const streamReader =
  (open: ReturnType<typeof reading.make>["open"]): FileSystem["readFileStream"] => (path, options) => {
    const operation = "FileSystem.readFileStream"
    return Stream.unwrapScoped(Effect.gen(function*() {
      const { bytesToRead, offset } = yield* optionObjects.check(operation, options, ["offset", "bytesToRead"])
      yield* reading.checkBytes(operation, { offset, bytesToRead })
      return inLargePieces((yield* open(operation, path, Infinity, offset, bytesToRead)).bytes)
    })).pipe(spans.stream(operation))
  }

const checkWrite = (operation: string, options: WriteFileOptions | undefined) =>
  Effect.flatMap(
    optionObjects.check(operation, options, ["mode", "permissions"]),
    ({ mode = "overwrite", permissions }): Effect.Effect<WriteOptions, InvalidRequestError> =>
      permissions === undefined || Number.isInteger(permissions) && permissions >= 0 && permissions <= 0o7777
        ? Effect.succeed({ mode, permissions })
        : Effect.fail(
          new InvalidRequestError({
            operation,
            field: "permissions",
            given: String(permissions).slice(0, 64),
            expected: "an integer from 0 to 0o7777"
          })
        )
  )

const writers = (toolCall: ToolCall, route: FileRoute): Pick<FileSystem, "writeFile" | "sink"> => ({
  writeFile: (path, content, options) => {
    const operation = "FileSystem.writeFile"
    return spans.traced(operation)(Effect.flatMap(
      checkWrite(operation, options),
      (options) => writing.write(toolCall, route, operation, path, content, options)
    ))
  },
  sink: (path, options) => {
    const operation = "FileSystem.sink"
    return Sink.unwrap(Effect.map(
      checkWrite(operation, options),
      (options) => writing.sink(route, operation, path, options)
    ))
  }
})

const managers = (
  toolCall: ToolCall,
  getFileInfo: ReturnType<typeof reading.make>["getFileInfo"]
): Pick<FileSystem, "exists" | "stat" | "remove" | "copy"> => ({
  exists: method("exists", (operation, path: string) => managing.exists(getFileInfo(operation, path))),
  stat: method("stat", (operation, path: string) => managing.stat(toolCall, operation, getFileInfo(operation, path))),
  remove: method("remove", (operation, path: string, options?: RemoveOptions) =>
    Effect.gen(function*() {
      const given = yield* optionObjects.check(operation, options, ["recursive", "force"])
      const { force = false, recursive = false } = given
      yield* optionObjects.checkFlags(operation, { force, recursive })
      yield* managing.remove(toolCall, operation, path, { force, recursive })
    })),
  copy: method(
    "copy",
    (operation, source: string, destination: string, options?: CopyOptions) =>
      Effect.gen(function*() {
        const given = yield* optionObjects.check(operation, options, ["overwrite", "preserveTimestamps"])
        const { overwrite = false, preserveTimestamps = false } = given
        yield* optionObjects.checkFlags(operation, { overwrite, preserveTimestamps })
        yield* managing.copy(toolCall, operation, source, destination, { overwrite, preserveTimestamps })
      })
  )
})

const search = (call: ReturnType<typeof caller>): FileSystem["searchFiles"] =>
  method("searchFiles", (operation, path: string, pattern: string, options?: Options<"searchFiles">) => {
    return Effect.flatMap(
      optionObjects.check(operation, options, ["excludePatterns"]),
      ({ excludePatterns = [] }) => {
        const args = excludePatterns.length === 0 ? { path, pattern } : { path, pattern, excludePatterns }
        return call(AgbTools.tools.search_files, args, operation, path)
      }
    )
  })

/**
 * `FileSystem` over the tool calls of a session.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (toolCall: ToolCall): FileSystem => makeWith(toolCall, toolFiles.make(toolCall))

/** @internal */
export const makeWith = (toolCall: ToolCall, route: FileRoute): FileSystem => {
  const call = caller(toolCall)
  const onPath = (name: string, tool: typeof AgbTools.tools.create_directory) =>
    method(name, (operation, path: string) => Effect.asVoid(call(tool, { path }, operation, path)))
  const { getFileInfo, open, readBytes } = reading.make(toolCall, route)

  const files = FileSystem.of({
    createDirectory: onPath("createDirectory", AgbTools.tools.create_directory),
    deleteFile: onPath("deleteFile", AgbTools.tools.delete_file),
    editFile: method(
      "editFile",
      (operation, path: string, edits: ReadonlyArray<Edit>, options?: Options<"editFile">) =>
        Effect.flatMap(
          optionObjects.check(operation, options, ["dryRun"]),
          ({ dryRun = false }) => call(AgbTools.tools.edit_file, { path, edits, dryRun }, operation, path)
        )
    ),
    getFileInfo: method("getFileInfo", getFileInfo),
    listDirectory: method(
      "listDirectory",
      (operation, path: string) => call(AgbTools.tools.list_directory, { path }, operation, path)
    ),
    moveFile: method(
      "moveFile",
      (operation, source: string, destination: string) =>
        Effect.asVoid(call(AgbTools.tools.move_file, { source, destination }, operation, source, destination))
    ),
    readFile: method("readFile", (operation, path: string, options?: ReadFileOptions) =>
      Effect.flatMap(
        readBytes(operation, path, options, fileContents.maxTextLength),
        (bytes) => fileContents.decodeText(operation, path, bytes)
      )),
    readFileBytes: method(
      "readFileBytes",
      (operation, path: string, options?: ReadFileOptions) => readBytes(operation, path, options)
    ),
    readFileStream: streamReader(open),
    readMultipleFiles: method("readMultipleFiles", (operation, paths: ReadonlyArray<string>) =>
      Effect.flatMap(
        call(AgbTools.tools.read_multiple_files, { paths }, operation, String(paths)),
        (text): Effect.Effect<ReadonlyMap<string, string>, FileSystemError> => {
          const blocks = readFileBlocks(text, paths)
          return blocks.length === 0 && text.trim() !== ""
            ? Effect.fail(fileContents.malformedText(operation, "one of the paths, and the content of the file"))
            : Effect.succeed(new Map(blocks.map(({ content, path }) => [path, content])))
        }
      )),
    searchFiles: search(call),
    ...writers(toolCall, route),
    ...managers(toolCall, getFileInfo),
    getFileChange: method(
      "getFileChange",
      (operation, path: string) => call(AgbTools.tools.get_file_change, { path }, operation, path)
    ),
    watchDirectory: (path, options) =>
      watching.watch(toolCall, path, options).pipe(spans.stream("FileSystem.watchDirectory"))
  })
  return route.openRange === undefined ? files : opening.attach(files, openingOf(route))
}

const openingOf = (route: FileRoute): opening.Opening => {
  const operation = "FileSystem.writeFile"
  const writeRead = route.writeRead?.bind(route)
  return {
    open: (operation, path, bytesToRead) => route.openRange?.(operation, path, 0, bytesToRead) ?? Effect.succeedNone,
    writeRead: writeRead && ((path, size, content, permissions) =>
      spans.traced(operation)(
        writing.writeRead(writeRead, operation, path, size, content, { mode: "overwrite", permissions })
      ))
  }
}
