/** Code contexts of the promise API. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { AgbError } from "../../../AgbError.js"
import type * as Results from "../../../OperationResult.js"
import type * as model from "../../session/codeModels.js"
import type { Session } from "../../session/session.js"
import * as operations from "../operation.js"
import * as results from "../results.js"
import { acquire, type Scoped } from "../scoped.js"
import { callbackFields, type RunCodeOptions, runWith } from "./runCallbacks.js"
import type { SessionInvoker } from "./sessionInvoker.js"

type Opened = Scoped<model.CodeContext>

/** Options of `code.context`. */
export interface ContextOptions extends model.ContextOptions, operations.CallOptions {}

export const open = operations.make(
  "Code.context",
  {
    language: Schema.String,
    cwd: Schema.optional(Schema.String),
    envs: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String }))
  },
  results.data<Opened>(),
  ({ code }: Session, { cwd, envs, language }) => acquire(code.context({ language, cwd, envs }))
)

const run = { code: Schema.String, timeoutS: operations.Seconds }

const runCode = operations.make(
  "CodeContext.runCode",
  { ...run, ...callbackFields },
  results.code,
  ({ value: context }: Opened, { code, timeoutS, ...callbacks }) => {
    const options = { timeout: Duration.seconds(timeoutS) }
    return runWith(callbacks, context.runCode(code, options), context.runCodeStream(code, options))
  }
)

const runCodeStream = operations.source(
  "CodeContext.runCodeStream",
  run,
  ({ value: context }: Opened, { code, timeoutS }): Stream.Stream<Results.CodeEvent, AgbError> =>
    Stream.map(
      context.runCodeStream(code, { timeout: Duration.seconds(timeoutS) }),
      (event) => event._tag === "Completed" ? results.completed(event) : event
    )
)

const interrupt = operations.make("CodeContext.interrupt", {}, results.done, ({ value }: Opened) => value.interrupt)

const restart = operations.make("CodeContext.restart", {}, results.done, ({ value }: Opened) => value.restart)

const close = operations.make("CodeContext.close", {}, results.done, ({ close }: Opened) => close)

/** Result of `code.context`. `context` is absent on failure. */
export type CodeContextResult = Results.Result<{ readonly context: CodeContext }>

/** A kernel with a state of its own. `await using`, or `close`, ends it. */
export class CodeContext {
  readonly #calls: SessionInvoker<Opened>
  readonly language: string

  /** @internal */
  constructor(calls: SessionInvoker, opened: Opened) {
    this.#calls = calls.on(opened)
    this.language = opened.value.language
  }

  /**
   * Runs code, after the runs that began before; `timeoutS` is the time limit in seconds, 300 by default. Results are those of
   * `Code.runCode`; `stateKept` of an error says whether the state of earlier runs is still there.
   */
  runCode(code: string, timeoutS: number = 300, options?: RunCodeOptions): Promise<Results.CodeExecutionResult> {
    return this.#calls.answer(runCode, { code, timeoutS }, options)
  }

  /** Runs code and iterates over its output and displayed values, and last `Completed`. Leaving the loop stops the code. */
  runCodeStream(
    code: string,
    timeoutS: number = 300,
    options?: operations.CallOptions
  ): AsyncIterableIterator<Results.CodeEvent> {
    return this.#calls.iterate(runCodeStream, { code, timeoutS }, options)
  }

  /** Stops the current run as Ctrl-C does, which keeps the state. Without a run nothing happens. */
  interrupt(options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(interrupt, {}, options)
  }

  /** Ends the kernel with the current run, and starts a fresh one. */
  restart(options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(restart, {}, options)
  }

  /** Ends the kernel with everything that it has started. */
  close(options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#calls.answer(close, {}, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Makes a context of what was opened. */
export const opened = (calls: SessionInvoker, result: Results.OperationResult<Opened>): CodeContextResult => {
  if (!result.success) return result
  const { data, requestId } = result
  return { requestId, success: true, context: new CodeContext(calls, data) }
}
