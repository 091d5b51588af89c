/** Runs of code: their options, results, events and errors. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type {
  ClientError,
  CodeExecutionError,
  CodeResultItem,
  ExecutionTimeoutError,
  ExecutionUnknownError,
  ProcessError,
  ToolError
} from "../../AgbError.js"
import type { Language } from "../wire/language.js"

/** Result of a run that raised no error. */
export interface CodeResult {
  /** The value of the last expression as text; else the first displayed text; else standard output. */
  readonly text: string
  /** All displayed values in order, each in all its representations. */
  readonly results: ReadonlyArray<CodeResultItem>
  readonly stdout: string
  readonly stderr: string
  /** 1-based execution counter of the kernel, if the server reports it. */
  readonly executionCount: number | undefined
  /** Time spent in the kernel, if the server reports it. */
  readonly executionTime: Duration.Duration | undefined
}

/** Options of `runCode`. */
export interface RunCodeOptions {
  /** Time limit of the code, rounded up to whole seconds. Default: 300 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
}

/** Text that the code wrote to standard output. Characters are never split. */
export interface Stdout {
  readonly _tag: "Stdout"
  readonly text: string
}

/** Text that the code wrote to standard error. */
export interface Stderr {
  readonly _tag: "Stderr"
  readonly text: string
}

/** A displayed value, or the value of the last expression. */
export interface Result {
  readonly _tag: "Result"
  readonly item: CodeResultItem
}

/** The code ended without an error: the last event, exactly once. */
export interface Completed {
  readonly _tag: "Completed"
  /** The same as of `runCode`, but for long output: of each stream it keeps the last 8,388,608 characters. */
  readonly result: CodeResult
  /** Whether `result` has all of the output and of the displayed values. */
  readonly isWhole: boolean
}

/** Events of `runCodeStream`, in the order in which the session reported them. */
export type CodeEvent = Stdout | Stderr | Result | Completed

/** Errors of `runCode`. */
export type RunCodeError = ClientError | ToolError | CodeExecutionError | ExecutionTimeoutError | ExecutionUnknownError

/** Options of `context`. */
export interface ContextOptions {
  /** `python`, `javascript`, `java` or `r`, or a common alias. */
  readonly language: Language | (string & {})
  /** Absolute working directory. Default: the working directory of the session. */
  readonly cwd?: string | undefined
  /** Environment variables, passed literally. */
  readonly envs?: Readonly<Record<string, string>> | undefined
}

/** Errors of the runs of a context. */
export type RunInContextError = RunCodeError | ProcessError

/** A kernel with a state of its own, which runs one call at a time. After it has died, the next run starts a fresh one. */
export interface CodeContext {
  readonly language: Language
  /**
   * Runs code, after the runs that began before. Errors are those of `Code.runCode`; their `stateKept` says whether the state of earlier
   * runs is still there. At its time limit, and when it is interrupted, code is stopped as by Ctrl-C; what goes on for five seconds more is
   * killed, with its state.
   */
  readonly runCode: (code: string, options?: RunCodeOptions) => Effect.Effect<CodeResult, RunInContextError>
  /** Runs code and streams its output and displayed values while it runs, and last `Completed`. A slow reader holds up the code. */
  readonly runCodeStream: (code: string, options?: RunCodeOptions) => Stream.Stream<CodeEvent, RunInContextError>
  /**
   * Stops the current run as Ctrl-C does: it fails with `CodeExecutionError` (of name `KeyboardInterrupt` in Python, else
   * `Interrupted`) and keeps the state. Code may catch the interrupt and go on. Without a run nothing happens.
   */
  readonly interrupt: Effect.Effect<void, ClientError | ProcessError>
  /** Ends the kernel with the current run, and starts a fresh one. */
  readonly restart: Effect.Effect<void, ClientError | ProcessError>
}
