/** `session.command`. */
import type * as Promises from "@effect-agb/core/AgbPromise"
import { withAliases } from "./options.js"
import { answer, type ApiResponse, messageOf } from "./results.js"

/**
 * Result of a command. `exitCode` is -1 if there is none. `traceId` is empty if the service tells none.
 *
 * @since 0.1.0
 * @category models
 */
export interface CommandResult extends ApiResponse {
  /** Standard output, then standard error. */
  output: string
  exitCode: number
  stdout: string
  stderr: string
  traceId: string
}

/** What a shell reports of a command that ran out of time. */
const timedOut = 124

const areTexts = (envs: unknown): boolean =>
  typeof envs === "object" && envs !== null && Object.values(envs).every((value) => typeof value === "string")

/**
 * Runs shell commands in a session. Each call starts a fresh shell. `run` and `exec` are `execute`.
 *
 * @since 0.1.0
 * @category models
 */
export class Command {
  declare readonly run: Command["execute"]
  declare readonly exec: Command["execute"]
  readonly #command: Promises.Command

  /** @internal */
  constructor(command: Promises.Command) {
    this.#command = command
  }

  /**
   * Runs a command line. The time limit is in milliseconds. Another exit code than 0 is a failure without a message. Rejects if
   * a variable of `envs` is no string.
   */
  async execute(
    command: string,
    timeoutMs: number = 1000,
    cwd?: string,
    envs?: Readonly<Record<string, string>>
  ): Promise<CommandResult> {
    if (envs !== undefined && !areTexts(envs)) {
      throw new Error("Invalid environment variables: all keys and values must be strings")
    }
    const result = await answer(
      this.#command.executeCommand(command, timeoutMs, { cwd, envs }),
      ({ exitCode, output, stderr, stdout, traceId = "" }) => ({ output, exitCode, stdout, stderr, traceId }),
      ({ error, exitCode, output, stderr, stdout, traceId = "" }) => ({
        output,
        exitCode: exitCode ?? (error._tag === "ExecutionTimeoutError" ? timedOut : -1),
        stdout,
        stderr,
        traceId,
        errorMessage: error._tag === "CommandExitError" ? undefined : messageOf(error)
      })
    )
    return result as CommandResult
  }
}

withAliases(Command, { run: "execute", exec: "execute" })
