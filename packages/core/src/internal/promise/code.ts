/** `Code` of the promise API. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { CodeExecutionResult } from "../../OperationResult.js"
import type { Session } from "../session/session.js"
import * as operations from "./operation.js"
import * as results from "./results.js"
import type { SessionInvoker } from "./sessionInvoker.js"

const runCode = operations.make(
  "Code.runCode",
  { code: Schema.String, language: Schema.String, timeoutS: operations.Seconds },
  results.code,
  ({ code }: Session, args) => code.runCode(args.code, args.language, { timeout: Duration.seconds(args.timeoutS) })
)

/**
 * Runs code in a session. Each language has a kernel that keeps its state between calls.
 */
export class Code {
  readonly #calls: SessionInvoker

  /** @internal */
  constructor(calls: SessionInvoker) {
    this.#calls = calls
  }

  /**
   * Runs code. `language` is `python`, `javascript`, `java` or `r`, or a common alias; `timeoutS` is the time limit in
   * seconds, 300 by default.
   *
   * A failed result contains a `CodeExecutionError` if the code raised an error, an `ExecutionTimeoutError` if it exceeded
   * the time limit, and an `ExecutionUnknownError` if the reply was lost and the code may have run. Aborting the signal
   * stops the code if the backend supports it.
   */
  runCode(
    code: string,
    language: string,
    timeoutS: number = 300,
    options?: operations.CallOptions
  ): Promise<CodeExecutionResult> {
    return this.#calls.answer(runCode, { code, language, timeoutS }, options)
  }
}
