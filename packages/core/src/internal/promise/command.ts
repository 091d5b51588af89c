/** Running commands, for the promise face. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { CommandResult } from "../../OperationResult.js"
import type { Session } from "../session/session.js"
import type { SessionInvoker } from "./calls.js"
import * as operations from "./operation.js"
import * as results from "./results.js"

const executeCommand = operations.make(
  "Command.executeCommand",
  {
    command: Schema.String,
    timeoutMs: operations.Millis,
    cwd: Schema.optional(Schema.String),
    envs: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })),
    acceptExitCodes: Schema.optional(Schema.Array(Schema.Int))
  },
  results.command,
  (session: Session, { acceptExitCodes, command, cwd, envs, timeoutMs }) =>
    session.command.executeCommand(command, { timeout: Duration.millis(timeoutMs), cwd, envs, acceptExitCodes })
)

/**
 * All optional.
 */
export interface ExecuteCommandOptions extends operations.CallOptions {
  /** Absolute working directory. Default: the session's own. */
  readonly cwd?: string | undefined
  /** Environment variables, passed literally. */
  readonly envs?: Readonly<Record<string, string>> | undefined
  /** The exit codes that are a success. Default `[0]`. */
  readonly acceptExitCodes?: ReadonlyArray<number> | undefined
}

/**
 * Runs shell commands in a session. Each call is a fresh shell.
 */
export class Command {
  readonly #calls: SessionInvoker

  /** @internal */
  constructor(calls: SessionInvoker) {
    this.#calls = calls
  }

  /**
   * Runs a command line in a shell, for at most `timeoutMs` milliseconds, 1000 unless said.
   *
   * A failed result has what was printed, and a `CommandExitError` on an exit code that is not accepted, an
   * `ExecutionTimeoutError` when its time was over, or an `ExecutionUnknownError` when the answer was lost: then it may
   * have run. Aborting the signal stops the command where the backend can.
   */
  executeCommand(
    command: string,
    timeoutMs: number = 1000,
    options?: ExecuteCommandOptions
  ): Promise<CommandResult> {
    return this.#calls.answer(executeCommand, { command, timeoutMs }, options)
  }
}
