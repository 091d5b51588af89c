/** Running code, for the promise face. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { CodeExecutionResult } from "../../OperationResult.js"
import type { Session } from "../session/session.js"
import type { SessionInvoker } from "./calls.js"
import * as operations from "./operation.js"
import * as results from "./results.js"

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
   * Runs code. `language` is `python`, `javascript`, `java` or `r`, or one of their usual aliases; the code may run for
   * `timeoutS` seconds, 300 unless said.
   *
   * A failed result has a `CodeExecutionError` when the code raised, an `ExecutionTimeoutError` when its time was over,
   * and an `ExecutionUnknownError` when the answer was lost: then it may have run. Aborting the signal stops the code
   * where the backend can.
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
