/** `Command` of the promise API. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { AgbError } from "../../../AgbError.js"
import type { CommandEvent, CommandResult, OperationResult } from "../../../OperationResult.js"
import type { Session } from "../../session/session.js"
import * as operations from "../operation.js"
import * as results from "../results.js"
import * as processes from "./process.js"
import type { SessionInvoker } from "./sessionInvoker.js"

const fields = {
  command: Schema.String,
  timeoutMs: Schema.optional(operations.Millis),
  cwd: Schema.optional(Schema.String),
  envs: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })),
  acceptExitCodes: Schema.optional(Schema.Array(Schema.Int))
}

const optionsOf = ({ acceptExitCodes, cwd, envs, timeoutMs }: operations.Checked<typeof fields>) => ({
  timeout: timeoutMs === undefined ? undefined : Duration.millis(timeoutMs),
  cwd,
  envs,
  acceptExitCodes
})

const executeCommand = operations.make(
  "Command.executeCommand",
  fields,
  results.command,
  ({ command }: Session, args) => command.executeCommand(args.command, optionsOf(args))
)

const executeCommandStream = operations.source(
  "Command.executeCommandStream",
  fields,
  ({ command }: Session, args): Stream.Stream<CommandEvent, AgbError> =>
    Stream.map(
      command.executeCommandStream(args.command, optionsOf(args)),
      (event) => event._tag === "Exited" ? results.exited(event) : event
    )
)

/**
 * Options of `executeCommand` and `executeCommandStream`, all optional.
 */
export interface ExecuteCommandOptions extends operations.CallOptions {
  /** Absolute working directory. Default: the working directory of the session. */
  readonly cwd?: string | undefined
  /** Environment variables, passed literally. */
  readonly envs?: Readonly<Record<string, string>> | undefined
  /** Exit codes that count as success. Default: `[0]`. */
  readonly acceptExitCodes?: ReadonlyArray<number> | undefined
}

/**
 * Runs shell commands in a session. Each call starts a fresh shell.
 */
export class Command {
  readonly #calls: SessionInvoker

  /** @internal */
  constructor(calls: SessionInvoker) {
    this.#calls = calls
  }

  /**
   * Runs a command line in a shell. `timeoutMs` is the time limit in milliseconds, 30,000 by default.
   *
   * A failed result contains the output so far and a `CommandExitError` for an unaccepted exit code, an
   * `ExecutionTimeoutError` if the command exceeded the time limit, or an `ExecutionUnknownError` if the reply was lost and
   * the command may have run. Aborting the signal stops the command if the backend supports it.
   */
  executeCommand(
    command: string,
    timeoutMs?: number,
    options?: ExecuteCommandOptions
  ): Promise<CommandResult> {
    return this.#calls.answer(executeCommand, { command, timeoutMs }, options)
  }

  /**
   * Runs a command line in a shell and iterates over its output while it runs, and last `Exited`, for `for await`. Failures,
   * also those of an unaccepted exit code, are thrown as typed errors; leaving the loop ends the command.
   */
  executeCommandStream(
    command: string,
    timeoutMs?: number,
    options?: ExecuteCommandOptions
  ): AsyncIterableIterator<CommandEvent> {
    return this.#calls.iterate(executeCommandStream, { command, timeoutMs }, options)
  }

  /**
   * Starts a process that goes on between calls and ends with everything that it has started when it is disposed of, by `await
   * using`, or with its `AGB`: SIGTERM to its group, SIGKILL half a second later.
   */
  start(command: string, options?: processes.StartOptions): Promise<processes.ProcessResult> {
    return processes.begin(this.#calls, command, options)
  }

  /**
   * Starts a process that goes on between calls and outlives the program, until the session ends. A key names one process: every
   * further start with it returns that process and runs nothing. Keys have 1 to 128 letters, digits and `.`, `_`, `:`, `@`, `-`.
   */
  async startDetached(
    command: string,
    key: string,
    options?: processes.StartOptions
  ): Promise<processes.ProcessResult> {
    return processes.found(this.#calls, await this.#calls.answer(processes.start, { command, key }, options))
  }

  /** Finds the process that was started with this key. */
  async attach(key: string, options?: operations.CallOptions): Promise<processes.ProcessResult> {
    return processes.found(this.#calls, await this.#calls.answer(processes.attach, { key }, options))
  }

  /** Lists the processes of the session, running and ended. */
  listProcesses(
    options?: operations.CallOptions
  ): Promise<OperationResult<ReadonlyArray<processes.ProcessSummary>>> {
    return this.#calls.answer(processes.list, {}, options)
  }
}
