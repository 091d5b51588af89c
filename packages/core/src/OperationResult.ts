/**
 * What the promise face answers: plain objects, told apart by `success`. Every one has the id of the last request that
 * was made for it (empty when none was), and a failed one the message and the typed error.
 *
 * @since 0.1.0
 */
import type { SessionSummary } from "./Agb.js"
import type { AgbError, CodeResultItem } from "./AgbError.js"
import type { DirectoryEntry, FileChangeEvent, FileInfo } from "./FileSystem.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Succeeded {
  /** The id of the last request that was made; empty when none was. */
  readonly requestId: string
  readonly success: true
  readonly errorMessage?: undefined
  readonly error?: undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Failed {
  /** The id of the last request that was made; empty when none was. */
  readonly requestId: string
  readonly success: false
  /** The message of `error`: what failed, on what, and what to do. */
  readonly errorMessage: string
  /** To be told apart by `_tag`; `retryable` and `mayHaveHappened` say what may be done about it. */
  readonly error: AgbError
}

/**
 * A result with the fields `Value` on success. On failure it has the fields `Neutral`; without those, the fields of
 * `Value` are absent, so that a failure never looks like an empty success.
 *
 * @since 0.1.0
 * @category models
 */
export type Result<
  Value extends object,
  Neutral extends object = { readonly [K in keyof Value]?: undefined }
> = Succeeded & Value | Failed & Neutral

/**
 * The answer of an operation whose value has no name of its own.
 *
 * @since 0.1.0
 * @category models
 */
export type OperationResult<A> = Result<{ readonly data: A }>

/**
 * The answer of an operation that is either done, and then `data` is true, or failed.
 *
 * @since 0.1.0
 * @category models
 */
export type BoolResult = OperationResult<true>

/**
 * The answer of a deletion. A session that does not exist is deleted.
 *
 * @since 0.1.0
 * @category models
 */
export type DeleteResult = Result<{}>

/**
 * The answer of a creation: `session` is absent on failure.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionResult<Session> = Result<{ readonly session: Session }>

/**
 * The live sessions of the account.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionListResult = Result<{
  readonly sessionIds: ReadonlyArray<string>
  /** The same with their status, in upper case. */
  readonly sessions: ReadonlyArray<SessionSummary>
  readonly totalCount: number
}>

/**
 * What a run printed, each stream as one text.
 *
 * @since 0.1.0
 * @category models
 */
export interface CodeLogs {
  readonly stdout: string
  readonly stderr: string
}

/**
 * A run of code. A failed one has an empty `result`, and in `logs` and `results` what was printed and displayed before
 * it failed.
 *
 * @since 0.1.0
 * @category models
 */
export type CodeExecutionResult = Result<
  {
    /** The value of the last expression as text; without one, the first displayed text, else what was printed. */
    readonly result: string
    readonly logs: CodeLogs
    /** Everything displayed, each in all its representations by MIME type. */
    readonly results: ReadonlyArray<CodeResultItem>
    /** The how-manieth run of this kernel, when the session says so. */
    readonly executionCount: number | undefined
    /** Time inside the kernel in seconds, when the session says so. */
    readonly executionTime: number | undefined
  },
  {
    /** Empty: what was printed is in `logs`. */
    readonly result: string
    readonly logs: CodeLogs
    readonly results: ReadonlyArray<CodeResultItem>
    readonly executionCount?: undefined
    readonly executionTime?: undefined
  }
>

/**
 * A run of a command. A failed one has what was printed, and `exitCode` only if the command ended by itself.
 *
 * @since 0.1.0
 * @category models
 */
export type CommandResult = Result<
  {
    /** Standard output, then standard error. */
    readonly output: string
    readonly stdout: string
    readonly stderr: string
    readonly exitCode: number
  },
  {
    readonly output: string
    readonly stdout: string
    readonly stderr: string
    readonly exitCode: number | undefined
  }
>

/**
 * The text of a file.
 *
 * @since 0.1.0
 * @category models
 */
export type FileContentResult = Result<{ readonly content: string }>

/**
 * The bytes of a file.
 *
 * @since 0.1.0
 * @category models
 */
export type BinaryFileContentResult = Result<{ readonly content: Uint8Array }>

/**
 * The texts of several files by path. A path that the session sent nothing for is missing.
 *
 * @since 0.1.0
 * @category models
 */
export type MultipleFileContentResult = Result<{ readonly contents: Readonly<Record<string, string>> }>

/**
 * The entries of a directory.
 *
 * @since 0.1.0
 * @category models
 */
export type DirectoryListResult = Result<{ readonly entries: ReadonlyArray<DirectoryEntry> }>

/**
 * A file or directory: `size` in bytes, `modTime` in ISO 8601.
 *
 * @since 0.1.0
 * @category models
 */
export type FileInfoResult = Result<{ readonly fileInfo: FileInfo }>

/**
 * The paths that a search found.
 *
 * @since 0.1.0
 * @category models
 */
export type FileSearchResult = Result<{ readonly matches: ReadonlyArray<string> }>

/**
 * What changed below a directory since it was last asked for.
 *
 * @since 0.1.0
 * @category models
 */
export type FileChangeResult = Result<{ readonly events: ReadonlyArray<FileChangeEvent> }>

/**
 * An edit: `diff` is the session's account of the change.
 *
 * @since 0.1.0
 * @category models
 */
export type EditFileResult = Result<{ readonly data: true; readonly diff: string }>
