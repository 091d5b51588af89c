/** What has happened in a session, as its page gets it. */

export type Stream = "stdout" | "stderr"

export interface OutputPiece {
  readonly stream: Stream
  readonly text: string
}

/** A displayed value. What is too large to be kept is told by its type and size alone. */
export interface Result {
  readonly mime: Readonly<Record<string, unknown>>
  readonly isMain: boolean
  readonly omitted: ReadonlyArray<{ readonly mime: string; readonly bytes: number }>
}

export interface EntryError {
  readonly name: string
  readonly message: string
  readonly traceback: string
}

export type EntryKind = "code" | "command" | "file" | "process" | "other"

/** What began. */
export interface Beginning {
  readonly kind: EntryKind
  /** One line for people. */
  readonly title: string
  /** The code, the command, or the beginning of what was written. */
  readonly text: string
  readonly language: string | null
  readonly path: string | null
  readonly cwd: string | null
  /** Whether what it prints is for the SDK, not for people. */
  readonly isScript?: true
  /** The key of the process that it starts. */
  readonly startsProcess?: string
}

/** Who began it, and in which request. */
export interface Origin {
  readonly requestId: string | null
  readonly by: "client" | "page"
}

/** How it ended. */
export interface Outcome {
  readonly state: "succeeded" | "failed"
  readonly exitCode: number | null
  readonly error: EntryError | null
}

/** The content of a reply: its outcome with what it printed and displayed. */
export interface Contents extends Outcome {
  readonly outputs: ReadonlyArray<OutputPiece>
  readonly results: ReadonlyArray<Result>
  /** Of output that is not kept. */
  readonly omittedBytes: number
}

export const failed = (name: string, message: string, traceback = ""): Outcome => ({
  state: "failed",
  exitCode: null,
  error: { name, message, traceback }
})

export const succeeded: Outcome = { state: "succeeded", exitCode: null, error: null }
