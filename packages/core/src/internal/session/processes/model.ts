/** Processes of a session: what they are started with, what they report, and their errors. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Sink from "effect/Sink"
import type * as Stream from "effect/Stream"
import type { ClientError, ProcessError, ProcessNotFoundError } from "../../../AgbError.js"

/** Options of `startDetached` without the key, and of `start`. */
export interface StartOptions {
  /** Time limit, after which the whole process tree is killed. Default: none. */
  readonly timeout?: Duration.DurationInput | undefined
  /** Absolute working directory. Default: the working directory of the session. */
  readonly cwd?: string | undefined
  /** Environment variables, passed literally. */
  readonly envs?: Readonly<Record<string, string>> | undefined
  /** `pipe` keeps standard input open for `Process.stdin`. Default: `ignore`, an empty input. */
  readonly stdin?: "ignore" | "pipe" | undefined
}

/** Options of `startDetached`. */
export interface StartDetachedOptions extends StartOptions {
  /** Name of the process in the session: 1 to 128 letters, digits and `.`, `_`, `:`, `@`, `-`, not beginning with a dot. */
  readonly key: string
}

/** Finds a process again: `Command.attach(ref.key)` on the session of this id. */
export interface ProcessRef {
  readonly session: { readonly sessionId: string }
  readonly key: string
}

export const ProcessRef: Schema.Schema<ProcessRef> = Schema.suspend(() =>
  Schema.Struct({ session: Schema.Struct({ sessionId: Schema.String }), key: Schema.String })
)

/** How far each stream has been read, in bytes from its beginning. */
export interface Cursor {
  readonly stdout: number
  readonly stderr: number
}

export const Cursor: Schema.Schema<Cursor> = Schema.suspend(() =>
  Schema.Struct({ stdout: Schema.NonNegativeInt, stderr: Schema.NonNegativeInt })
)

/** A piece of the output. */
export interface LogChunk {
  readonly stream: "stdout" | "stderr"
  readonly bytes: Uint8Array
  /** The position after this piece: `logs(cursor)` goes on from here. */
  readonly cursor: Cursor
}

/** The outcome of a process, as its session recorded it. */
export interface Exit {
  /** As a shell reports it: 128 + n after signal n. */
  readonly exitCode: number
  /** The signal that ended the process, e.g. `SIGKILL`. */
  readonly signal: Option.Option<string>
  /** Whether it was killed at its time limit. */
  readonly timedOut: boolean
  /** Whether it was killed for want of memory; none where the session does not record that. */
  readonly outOfMemory: Option.Option<boolean>
  readonly duration: Duration.Duration
}

/** Options of `logs`. */
export interface LogOptions {
  /** Whether to wait for what the process has yet to write. Default: true. */
  readonly follow?: boolean | undefined
}

/** The output that `waitForLog` has found. */
export interface LogMatch {
  readonly stream: "stdout" | "stderr"
  /** The match and its groups, as of `RegExp.exec`. */
  readonly match: RegExpExecArray
}

/** Known signals; sessions may know others. */
export type Signal =
  | "SIGHUP"
  | "SIGINT"
  | "SIGQUIT"
  | "SIGKILL"
  | "SIGUSR1"
  | "SIGUSR2"
  | "SIGTERM"
  | "SIGSTOP"
  | "SIGCONT"
  | (string & {})

/** Errors of every operation on a process. */
export type ProcessFailure = ClientError | ProcessError

/** Errors of `attach`. */
export type AttachError = ProcessFailure | ProcessNotFoundError

/** A process in a session. Its output stays in the session: any number of readers can read it, from any position. */
export interface Process {
  readonly ref: ProcessRef
  /** Whether this call started the process; false if it found one with its key. */
  readonly isNew: boolean
  /** Id of the process in the session, which is also that of its group. */
  readonly pid: number
  /**
   * Writes to standard input, and ends it when the stream is done; a run that is interrupted leaves it open. Waits while the process has
   * over 1 MiB left to read. Needs the option `stdin: "pipe"`.
   */
  readonly stdin: Sink.Sink<void, Uint8Array, never, ProcessFailure>
  /** Standard output from its beginning, until the process ends. */
  readonly stdout: Stream.Stream<Uint8Array, ProcessFailure>
  /** Standard error from its beginning, until the process ends. */
  readonly stderr: Stream.Stream<Uint8Array, ProcessFailure>
  /**
   * Output from a position on (default: the beginning), until the process ends or, with `follow: false`, up to what is there.
   * Nothing is lost, repeated or out of order.
   */
  readonly logs: (from?: Cursor, options?: LogOptions) => Stream.Stream<LogChunk, ProcessFailure>
  /** Waits for the end. It is only ever what the session has recorded. */
  readonly exit: Effect.Effect<Exit, ProcessFailure>
  /** Sends a signal to the process group. Default: `SIGTERM`. A process that has ended is a success. */
  readonly kill: (signal?: Signal) => Effect.Effect<void, ProcessFailure>
  /**
   * Ends the process with everything that it has started: SIGTERM, then SIGKILL for what is left after half a second. Its output
   * and its end can still be read.
   */
  readonly stop: Effect.Effect<void, ProcessFailure>
  /** Waits until the output matches; fails with reason `Ended` if the process ends before. */
  readonly waitForLog: (pattern: RegExp) => Effect.Effect<LogMatch, ProcessFailure>
  /** Waits until something in the session listens on the TCP port; fails with reason `Ended` if the process ends before. */
  readonly waitForPort: (port: number) => Effect.Effect<void, ProcessFailure>
}

/** A process of a session, in the list of all. */
export interface ProcessSummary {
  readonly key: string
  /** None while it runs. */
  readonly exit: Option.Option<Exit>
  /** Whether its supervisor was killed, so that its end will never be known. */
  readonly isLost: boolean
}
