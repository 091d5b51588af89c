/** What the server says to a page in the browser, in JSON: both are compiled against it. Types only. */

export type Access = "read" | "steer"
export type Stream = "stdout" | "stderr"
export type Kind = "code" | "command" | "file" | "process" | "other"
export type EntryState = "running" | "succeeded" | "failed"

export interface Output {
  readonly stream: Stream
  readonly text: string
}

/** What code displayed: one value in several MIME types. */
export interface Result {
  readonly mime: Readonly<Record<string, unknown>>
  readonly isMain: boolean
  /** Where its HTML or SVG is served for a sandboxed frame. */
  readonly frame: string | null
  readonly omitted: ReadonlyArray<{ readonly mime: string; readonly bytes: number }>
}

export interface EntryError {
  readonly name: string
  readonly message: string
  readonly traceback: string | ReadonlyArray<string> | null
}

export interface Entry {
  readonly id: string
  readonly kind: Kind
  readonly title: string
  readonly text: string
  readonly language: string | null
  readonly path: string | null
  readonly cwd: string | null
  readonly startedAt: number
  readonly durationMs: number | null
  readonly requestId: string | null
  readonly state: EntryState
  readonly exitCode: number | null
  readonly error: EntryError | null
  readonly outputs: ReadonlyArray<Output>
  readonly omittedBytes: number
  readonly results: ReadonlyArray<Result>
  readonly by: "client" | "page"
}

export interface Session {
  readonly sessionId: string
  readonly imageId: string | null
  readonly labels: Readonly<Record<string, string>> | null
  readonly access: Access
  readonly createdAt: number
  readonly idleTimeoutSeconds: number | null
  readonly idleSecondsLeft: number | null
  readonly status: string
  readonly isolation: string | null
  readonly hasNetwork: boolean | null
  readonly languages: ReadonlyArray<string>
  readonly memoryLimitBytes: number | null
  readonly diskLimitBytes: number | null
  readonly now: number
}

export interface Metrics {
  readonly at: number
  readonly cpuPercent: number | null
  readonly memoryBytes: number | null
  readonly memoryLimitBytes: number | null
  readonly diskBytes: number | null
  readonly diskLimitBytes: number | null
}

interface Hello {
  readonly type: "hello"
  readonly session: Session
  readonly entries: ReadonlyArray<Entry>
  readonly isReset: boolean
  /** Entries that the server no longer keeps. */
  readonly dropped: number
}

interface End {
  readonly type: "end"
  readonly id: string
  readonly state: EntryState
  readonly durationMs: number | null
  readonly exitCode: number | null
  readonly error: EntryError | null
  readonly outputs?: ReadonlyArray<Output>
  /** Of the output before `outputs`. */
  readonly omittedBytes?: number
  readonly results?: ReadonlyArray<Result>
}

export type Message =
  & { readonly seq?: number }
  & (
    | Hello
    | End
    | { readonly type: "entry"; readonly entry: Entry }
    | { readonly type: "output"; readonly id: string; readonly stream: Stream; readonly text: string }
    | { readonly type: "result"; readonly id: string; readonly result: Result }
    | { readonly type: "metrics" } & Metrics
    | { readonly type: "idle"; readonly secondsLeft: number | null }
    | { readonly type: "ended"; readonly reason: string }
  )

export interface FileEntry {
  readonly name: string
  readonly type: "file" | "directory" | "symlink" | "other"
  readonly size: number
  readonly modifiedAt: number | null
}

export interface Folder {
  readonly path: string
  readonly entries: ReadonlyArray<FileEntry>
  readonly isTruncated: boolean
}

export interface Process {
  readonly id: string
  readonly command: string | null
  readonly state: "running" | "exited" | "lost"
  readonly pid: number | null
  readonly exitCode: number | null
  readonly signal: string | null
  readonly startedAt: number | null
  readonly hasLogs: boolean
}

export interface Logs {
  readonly chunks: ReadonlyArray<Output>
  readonly cursor: string | number
  readonly isEnd: boolean
}

export interface ListedSession {
  readonly sessionId: string
  readonly imageId: string | null
  readonly labels: Readonly<Record<string, string>> | null
  readonly createdAt: number
  readonly idleSecondsLeft: number | null
  readonly running: number
}

export interface Runtime {
  readonly sessions: ReadonlyArray<ListedSession>
  readonly isolation: string | null
  readonly languages: ReadonlyArray<string>
  readonly version: string
  readonly now: number
}
