/** `Code` of the promise API. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { AgbError } from "../../../AgbError.js"
import type { CodeEvent, CodeExecutionResult } from "../../../OperationResult.js"
import type { Session } from "../../session/session.js"
import type { Language } from "../../wire/language.js"
import * as operations from "../operation.js"
import * as results from "../results.js"
import * as codeContexts from "./codeContext.js"
import { callbackFields, type RunCodeOptions, runWith } from "./runCallbacks.js"
import type { SessionInvoker } from "./sessionInvoker.js"

const run = { code: Schema.String, language: Schema.String, timeoutS: operations.Seconds }

const runCode = operations.make(
  "Code.runCode",
  { ...run, ...callbackFields },
  results.code,
  ({ code }: Session, { code: source, language, timeoutS, ...callbacks }) => {
    const options = { timeout: Duration.seconds(timeoutS) }
    return runWith(callbacks, code.runCode(source, language, options), code.runCodeStream(source, language, options))
  }
)

const runCodeStream = operations.source(
  "Code.runCodeStream",
  run,
  ({ code }: Session, { code: source, language, timeoutS }): Stream.Stream<CodeEvent, AgbError> =>
    Stream.map(
      code.runCodeStream(source, language, { timeout: Duration.seconds(timeoutS) }),
      (event) => event._tag === "Completed" ? results.completed(event) : event
    )
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
    language: Language | (string & {}),
    timeoutS: number = 300,
    options?: RunCodeOptions
  ): Promise<CodeExecutionResult> {
    return this.#calls.answer(runCode, { code, language, timeoutS }, options)
  }

  /**
   * Runs code and iterates over its output and displayed values while it runs, and last `Completed`, for `for await`.
   * Failures are thrown as typed errors; leaving the loop stops the code if the backend supports it. A loop that is slow holds
   * up the code, not the memory.
   */
  runCodeStream(
    code: string,
    language: Language | (string & {}),
    timeoutS: number = 300,
    options?: operations.CallOptions
  ): AsyncIterableIterator<CodeEvent> {
    return this.#calls.iterate(runCodeStream, { code, language, timeoutS }, options)
  }

  /** Opens a further kernel of a language, with a state of its own. `await using`, or `close`, ends it. */
  async context(options: codeContexts.ContextOptions): Promise<codeContexts.CodeContextResult> {
    return codeContexts.opened(this.#calls, await this.#calls.answer(codeContexts.open, {}, options))
  }
}
