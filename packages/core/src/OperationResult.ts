/**
 * Results of the promise API: plain objects, discriminated by `success`. Each contains the id of its last request, a failed
 * one also the message and the typed error.
 *
 * @since 0.1.0
 */
import type { SessionSummary } from "./Agb.js"
import type { AgbError, CodeResultItem } from "./AgbError.js"
import type { DirectoryEntry, FileChangeEvent, FileInfo } from "./FileSystem.js"

/**
 * Fields of every successful result.
 *
 * @since 0.1.0
 * @category models
 */
export interface Succeeded {
  /** The id of the last request; empty if none was made. */
  readonly requestId: string
  readonly success: true
  readonly errorMessage?: undefined
  readonly error?: undefined
}

/**
 * Fields of every failed result.
 *
 * @since 0.1.0
 * @category models
 */
export interface Failed {
  /** The id of the last request; empty if none was made. */
  readonly requestId: string
  readonly success: false
  /** The message of `error`. */
  readonly errorMessage: string
  /** The typed error, discriminated by `_tag`. See `retryable` and `mayHaveHappened`. */
  readonly error: AgbError
}

/**
 * A result with the fields `Value` on success and `Neutral` on failure. By default the fields of `Value` are absent on
 * failure, so that a failure never looks like an empty success.
 *
 * @since 0.1.0
 * @category models
 */
export type Result<
  Value extends object,
  Neutral extends object = { readonly [K in keyof Value]?: undefined }
> = Succeeded & Value | Failed & Neutral

/**
 * Result of an operation with a single value `data`.
 *
 * @since 0.1.0
 * @category models
 */
export type OperationResult<A> = Result<{ readonly data: A }>

/**
 * Result of an operation without a value: `data` is `true` on success.
 *
 * @since 0.1.0
 * @category models
 */
export type BoolResult = OperationResult<true>

/**
 * Result of a deletion. A session that does not exist counts as deleted.
 *
 * @since 0.1.0
 * @category models
 */
export type DeleteResult = Result<{}>

/**
 * Result of a create. `session` is absent on failure.
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
 * Output of a run, one string per stream.
 *
 * @since 0.1.0
 * @category models
 */
export interface CodeLogs {
  readonly stdout: string
  readonly stderr: string
}

/**
 * Result of a run. On failure `result` is empty; `logs` and `results` contain the output and the values displayed before.
 *
 * @since 0.1.0
 * @category models
 */
export type CodeExecutionResult = Result<
  {
    /** The value of the last expression as text; else the first displayed text; else standard output. */
    readonly result: string
    readonly logs: CodeLogs
    /** All displayed values, each in all its representations by MIME type. */
    readonly results: ReadonlyArray<CodeResultItem>
    /** 1-based execution counter of the kernel, if the server reports it. */
    readonly executionCount: number | undefined
    /** Time spent in the kernel in seconds, if the server reports it. */
    readonly executionTime: number | undefined
  },
  {
    /** Empty on failure; the output is in `logs`. */
    readonly result: string
    readonly logs: CodeLogs
    readonly results: ReadonlyArray<CodeResultItem>
    readonly executionCount?: undefined
    readonly executionTime?: undefined
  }
>

/**
 * The code ended without an error: the last event of `runCodeStream`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CodeCompleted {
  readonly _tag: "Completed"
  /** The value of the last expression as text; else the first displayed text; else standard output. */
  readonly result: string
  /** Of each stream the last 8,388,608 characters. */
  readonly logs: CodeLogs
  /** All displayed values, each in all its representations by MIME type. */
  readonly results: ReadonlyArray<CodeResultItem>
  /** 1-based execution counter of the kernel, if the server reports it. */
  readonly executionCount: number | undefined
  /** Time spent in the kernel in seconds, if the server reports it. */
  readonly executionTime: number | undefined
  /** Whether this has all of the output and of the displayed values. */
  readonly isWhole: boolean
}

/**
 * Events of `runCodeStream`, discriminated by `_tag`: a piece of output, a displayed value, or the end.
 *
 * @since 0.1.0
 * @category models
 */
export type CodeEvent =
  | { readonly _tag: "Stdout" | "Stderr"; readonly text: string }
  | { readonly _tag: "Result"; readonly item: CodeResultItem }
  | CodeCompleted

/**
 * Result of a command. On failure it contains the output so far, and `exitCode` only if the command exited by itself.
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
    /** Id under which the service traces the command, if it tells one. */
    readonly traceId?: string | undefined
  },
  {
    readonly output: string
    readonly stdout: string
    readonly stderr: string
    readonly exitCode: number | undefined
    readonly traceId?: string | undefined
  }
>

/**
 * The command exited with an accepted code: the last event of `executeCommandStream`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CommandExited {
  readonly _tag: "Exited"
  /** As a shell reports it: 128 + n after signal n. */
  readonly exitCode: number
  /** The signal that ended the command, e.g. `SIGKILL`. */
  readonly signal: string | undefined
  /** Whether it was killed at its time limit: only if the code of that, 137, is accepted. */
  readonly timedOut: boolean
  readonly durationMs: number
}

/**
 * Events of `executeCommandStream`, discriminated by `_tag`: a piece of output, or the end.
 *
 * @since 0.1.0
 * @category models
 */
export type CommandEvent = { readonly _tag: "Stdout" | "Stderr"; readonly text: string } | CommandExited

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
 * The texts of several files by path. Paths without content in the reply are missing.
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
 * Metadata of a file or directory: `size` in bytes, `modTime` in ISO 8601.
 *
 * @since 0.1.0
 * @category models
 */
export type FileInfoResult = Result<{ readonly fileInfo: FileInfo }>

/**
 * The paths found by a search.
 *
 * @since 0.1.0
 * @category models
 */
export type FileSearchResult = Result<{ readonly matches: ReadonlyArray<string> }>

/**
 * The changes below a directory since the previous call.
 *
 * @since 0.1.0
 * @category models
 */
export type FileChangeResult = Result<{ readonly events: ReadonlyArray<FileChangeEvent> }>

/**
 * Result of an edit. `diff` shows the changes.
 *
 * @since 0.1.0
 * @category models
 */
export type EditFileResult = Result<{ readonly data: true; readonly diff: string }>
