/** Errors of what runs in a session: tools, code, commands and processes. */
import * as Schema from "effect/Schema"
import { CodeResultItem } from "../wire/models.js"
import { call, line, output, sentence, stateKept, traceId } from "./sharedFields.js"
import { prefix, TypeId } from "./typeId.js"

/**
 * A tool of the session failed with an error that has no specific type; `detail` is its text.
 *
 * @since 0.1.0
 * @category errors
 */
export class ToolError extends Schema.TaggedError<ToolError>(prefix + "ToolError")(
  "ToolError",
  { ...call, tool: Schema.String, detail: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = true
  override get message(): string {
    return sentence(`${this.operation}: the tool ${this.tool} failed`, this.detail)
  }
}

/**
 * The outcome of a run or command is unknown: the reply was lost, late or malformed. The SDK never retries it. `stdout` and
 * `stderr` contain the output received so far. `stateKept` tells whether the kernel has kept its state, where that is known.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExecutionUnknownError extends Schema.TaggedError<ExecutionUnknownError>(prefix + "ExecutionUnknownError")(
  "ExecutionUnknownError",
  { ...call, ...output, detail: Schema.String, ...stateKept }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = true
  override get message(): string {
    return sentence(`${this.operation}: it may have run; the outcome is unknown`, this.detail)
  }
}

/**
 * The session stopped the code or command at its time limit. `stdout` and `stderr` contain the output so far. `stateKept` tells
 * whether the kernel has kept its state, `traceId` under which id the service traces the command, where that is known.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExecutionTimeoutError extends Schema.TaggedError<ExecutionTimeoutError>(prefix + "ExecutionTimeoutError")(
  "ExecutionTimeoutError",
  { ...call, ...output, timeoutMillis: Schema.Number, detail: Schema.String, ...stateKept, ...traceId }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = true
  override get message(): string {
    return sentence(`${this.operation}: stopped after ${this.timeoutMillis} ms`, this.detail)
  }
}

/**
 * The code raised an error. `name`, `value` and `traceback` are reported by the language; `results` contains the values
 * displayed before. `stateKept` tells whether the kernel has kept its state, where that is known.
 *
 * @since 0.1.0
 * @category errors
 */
export class CodeExecutionError extends Schema.TaggedError<CodeExecutionError>(prefix + "CodeExecutionError")(
  "CodeExecutionError",
  {
    ...call,
    ...output,
    language: Schema.String,
    name: Schema.String,
    value: Schema.String,
    traceback: Schema.String,
    results: Schema.Array(CodeResultItem),
    ...stateKept
  }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = true
  override get message(): string {
    return sentence(`${this.language} raised ${this.name}`, this.value)
  }
}

/**
 * The command exited with a code that is not in `acceptExitCodes`. `traceId` is the id under which the service traces it, if it
 * tells one.
 *
 * @since 0.1.0
 * @category errors
 */
export class CommandExitError extends Schema.TaggedError<CommandExitError>(prefix + "CommandExitError")(
  "CommandExitError",
  { ...call, ...output, exitCode: Schema.Number, ...traceId }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = true
  override get message(): string {
    const lines = this.stderr.trimEnd().split("\n")
    return sentence(`the command exited with code ${this.exitCode}`, (lines.at(-1) ?? "").slice(0, 200))
  }
}

/**
 * The session has no process with this key.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProcessNotFoundError extends Schema.TaggedError<ProcessNotFoundError>(prefix + "ProcessNotFoundError")(
  "ProcessNotFoundError",
  { ...call, key: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = false
  override get message(): string {
    return line(`${this.operation}: the session has no process ${this.key}`)
  }
}

const processReasons = {
  Lost: "it ended without a record of its outcome",
  Gone: "its records are not in the session any more",
  Ended: "it ended before",
  NoStdin: "its standard input is not open",
  StdinClosed: "its standard input is closed",
  Unsupported: "the session cannot run it",
  Other: "the session failed"
} as const

/**
 * An operation on a process failed. `Lost` means that what records the outcome was killed, so that it will never be known;
 * `Ended` that the process ended before what was waited for; `Unsupported` that the session lacks a program that is needed.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProcessError extends Schema.TaggedError<ProcessError>(prefix + "ProcessError")(
  "ProcessError",
  {
    ...call,
    key: Schema.String,
    reason: Schema.Literal("Lost", "Gone", "Ended", "NoStdin", "StdinClosed", "Unsupported", "Other"),
    detail: Schema.String
  }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  get mayHaveHappened(): boolean {
    return this.reason === "Lost" || this.reason === "Other"
  }
  override get message(): string {
    return sentence(`${this.operation}: process ${this.key}, ${processReasons[this.reason]}`, this.detail)
  }
}
