/** `session.code`. */
import type { AgbError, CodeResultItem } from "@effect-agb/core/AgbError"
import type * as Promises from "@effect-agb/core/AgbPromise"
import { ofStream, type WsError } from "./errors.js"
import { withAliases, wrongOptions } from "./options.js"
import { answer, type ApiResponse, messageOf, refused } from "./results.js"

/**
 * A displayed value in each of its forms. Images are base64.
 *
 * @since 0.1.0
 * @category models
 */
export interface CodeExecutionItem {
  text?: string
  html?: string
  markdown?: string
  png?: string
  jpeg?: string
  svg?: string
  json?: unknown
  latex?: string
  chart?: unknown
  /** Whether it is the value of the last expression. */
  isMainResult: boolean
}

/**
 * The output of a run, in pieces.
 *
 * @since 0.1.0
 * @category models
 */
export interface CodeExecutionLogs {
  stdout: Array<string>
  stderr: Array<string>
}

/**
 * The error that the code raised. `traceback` is that of the language if the server reports it.
 *
 * @since 0.1.0
 * @category models
 */
export interface CodeExecutionFailure {
  name: string
  value: string
  traceback: string
}

/**
 * Result of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface EnhancedCodeExecutionResult extends ApiResponse {
  executionCount?: number
  /** In seconds, 0 if unknown. */
  executionTime: number
  logs: CodeExecutionLogs
  results: Array<CodeExecutionItem>
  error?: CodeExecutionFailure
}

/**
 * Options of `run`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CodeRunOptions {
  /** Whether the output is told while the code runs. Default: whether there is a function to tell. */
  streamBeta?: boolean
  onStdout?: (chunk: string) => void
  onStderr?: (chunk: string) => void
  /** Called if the run ended without the outcome of the code, e.g. because the connection was lost. */
  onError?: (error: WsError) => void
}

const shortNames: Readonly<Record<string, keyof CodeExecutionItem>> = {
  "text/plain": "text",
  "text/html": "html",
  "text/markdown": "markdown",
  "image/png": "png",
  "image/jpeg": "jpeg",
  "image/svg+xml": "svg",
  "application/json": "json",
  "text/latex": "latex",
  "application/vnd.vegalite.v4+json": "chart",
  "application/vnd.vegalite.v5+json": "chart"
}

const itemOf = ({ data, isMainResult }: CodeResultItem): CodeExecutionItem => ({
  ...Object.fromEntries(
    Object.entries(data).flatMap(([type, value]) => {
      const name = Object.hasOwn(shortNames, type) ? shortNames[type] : undefined
      return name === undefined ? [] : [[name, value]]
    })
  ),
  isMainResult
})

const failureOf = (error: AgbError): CodeExecutionFailure | undefined => {
  if (error._tag !== "CodeExecutionError") return undefined
  const { name, traceback, value } = error
  const text = name === "ExecutionError" ? value : value === "" ? name : `${name}: ${value}`
  return { name: "ExecutionError", value: text, traceback }
}

const piecesOf = (text: string): Array<string> => text === "" ? [] : [text]

/** What came while the code ran, or else the whole output in one piece. */
class Pieces {
  readonly stdout: Array<string> = []
  readonly stderr: Array<string> = []

  of({ stderr, stdout }: { readonly stdout: string; readonly stderr: string }): CodeExecutionLogs {
    return {
      stdout: this.stdout.length > 0 ? this.stdout : piecesOf(stdout),
      stderr: this.stderr.length > 0 ? this.stderr : piecesOf(stderr)
    }
  }
}

const known = ["streamBeta", "onStdout", "onStderr", "onError"]

const neutral = () => ({ executionTime: 0, logs: { stdout: [], stderr: [] }, results: [] })

/**
 * Runs code in a session. Each language has a kernel that keeps its state between calls. `execute` is `run`.
 *
 * @since 0.1.0
 * @category models
 */
export class Code {
  declare readonly execute: Code["run"]
  readonly #code: Promises.Code

  /** @internal */
  constructor(code: Promises.Code) {
    this.#code = code
  }

  /**
   * Runs code in `python`, `javascript`, `java` or `r`, in any case, or one of the aliases. The time limit is in seconds.
   */
  async run(
    code: string,
    language: string,
    timeoutS: number = 60,
    options: CodeRunOptions = {}
  ): Promise<EnhancedCodeExecutionResult> {
    const wrong = wrongOptions("session.code.run", options, known)
    if (wrong !== undefined) return refused(wrong, neutral())
    const { onError, onStderr, onStdout, streamBeta } = options
    const pieces = new Pieces()
    const tell = (stream: "stdout" | "stderr", listener: ((chunk: string) => void) | undefined) => (text: string) => {
      pieces[stream].push(text)
      listener?.(text)
    }
    const isStreamed = streamBeta ?? [onStdout, onStderr, onError].some((listener) => listener !== undefined)
    const callbacks = isStreamed ? { onStdout: tell("stdout", onStdout), onStderr: tell("stderr", onStderr) } : {}
    const result = await answer(
      this.#code.runCode(code, language, timeoutS, callbacks),
      ({ executionCount, executionTime = 0, logs, results }) => ({
        executionCount,
        executionTime,
        logs: pieces.of(logs),
        results: results.map(itemOf),
        errorMessage: ""
      }),
      ({ error, logs, results }) => {
        const failure = failureOf(error)
        return {
          executionTime: 0,
          logs: pieces.of(logs),
          results: results.map(itemOf),
          error: failure,
          errorMessage: failure?.value ?? messageOf(error)
        }
      }
    )
    const { cause } = result
    if (isStreamed && cause !== undefined && cause._tag !== "CodeExecutionError") onError?.(ofStream(cause))
    return result as EnhancedCodeExecutionResult
  }
}

withAliases(Code, { execute: "run" })
