/** `Command` of the promise API. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { CommandResult } from "../../OperationResult.js"
import type { Session } from "../session/session.js"
import * as operations from "./operation.js"
import * as results from "./results.js"
import type { SessionInvoker } from "./sessionInvoker.js"

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
 * Options of `executeCommand`, all optional.
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
   * Runs a command line in a shell. `timeoutMs` is the time limit in milliseconds, 1000 by default.
   *
   * A failed result contains the output so far and a `CommandExitError` for an unaccepted exit code, an
   * `ExecutionTimeoutError` if the command exceeded the time limit, or an `ExecutionUnknownError` if the reply was lost and
   * the command may have run. Aborting the signal stops the command if the backend supports it.
   */
  executeCommand(
    command: string,
    timeoutMs: number = 1000,
    options?: ExecuteCommandOptions
  ): Promise<CommandResult> {
    return this.#calls.answer(executeCommand, { command, timeoutMs }, options)
  }
}
