/**
 * Runs code in a session. Each language has a kernel that keeps its state between calls and runs one call at a time.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import {
  type ClientError,
  CodeExecutionError,
  type CodeResultItem,
  ExecutionTimeoutError,
  ExecutionUnknownError,
  type InvalidRequestError,
  ToolError
} from "./AgbError.js"
import * as AgbTools from "./AgbTools.js"
import * as issues from "./internal/client/issues.js"
import * as spans from "./internal/client/spans.js"
import * as timeouts from "./internal/client/timeouts.js"
import * as execution from "./internal/session/execution.js"
import type { Language } from "./internal/wire/language.js"
import type { RunCodeResult } from "./internal/wire/runCodeResult.js"
import type { ToolAnswer, ToolCall } from "./ToolCall.js"

/**
 * Result of a run that raised no error.
 *
 * @since 0.1.0
 * @category models
 */
export interface CodeResult {
  /** The value of the last expression as text; else the first displayed text; else standard output. */
  readonly text: string
  /** All displayed values in order, each in all its representations. */
  readonly results: ReadonlyArray<CodeResultItem>
  readonly stdout: string
  readonly stderr: string
  /** 1-based execution counter of the kernel, if the server reports it. */
  readonly executionCount: number | undefined
  /** Time spent in the kernel, if the server reports it. */
  readonly executionTime: Duration.Duration | undefined
}

/**
 * Options of `runCode`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunCodeOptions {
  /** Time limit of the code, rounded up to whole seconds. Default: 300 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
}

/**
 * Errors of `runCode`.
 *
 * @since 0.1.0
 * @category errors
 */
export type RunCodeError = ClientError | ToolError | CodeExecutionError | ExecutionTimeoutError | ExecutionUnknownError

/**
 * Runs code in a session.
 *
 * @since 0.1.0
 * @category models
 */
export interface Code {
  /**
   * Runs code. `language` is `python`, `javascript`, `java` or `r`, or a common alias.
   *
   * Fails with `CodeExecutionError` if the code raised an error, `ExecutionTimeoutError` if it exceeded the time limit, and
   * `ExecutionUnknownError` if the reply was lost and the code may have run; it is never retried.
   */
  readonly runCode: (
    code: string,
    language: Language | (string & {}),
    options?: RunCodeOptions
  ) => Effect.Effect<CodeResult, RunCodeError>
}

/**
 * Tag of `Code`.
 *
 * @since 0.1.0
 * @category tags
 */
export const Code = Context.GenericTag<Code>("@effect-agb/core/Code")

const operation = "Code.runCode"

const parseLanguage = (language: unknown): Either.Either<AgbTools.Language, InvalidRequestError> =>
  Either.mapLeft(
    ParseResult.decodeUnknownEither(AgbTools.Language)(language),
    (issue) => issues.invalidRequest(operation, issue, "language")
  )

const plainText = (item: CodeResultItem): string | undefined => {
  const text = item.data["text/plain"]
  return typeof text === "string" ? text : undefined
}

const mainText = (results: ReadonlyArray<CodeResultItem>): string | undefined => {
  const main = results.find((item) => item.isMainResult && plainText(item) !== undefined)
  const first = main ?? results.find((item) => plainText(item) !== undefined)
  return first === undefined ? undefined : plainText(first)
}

const timedOut = /^(Execution ?Timeout|Execution timed out|The code timed out|timed out|timeout\b)/i

const toResult = (run: RunCodeResult): CodeResult => {
  const stdout = run.stdout.join("")
  return {
    text: mainText(run.results) ?? stdout,
    results: run.results,
    stdout,
    stderr: run.stderr.join(""),
    executionCount: run.executionCount,
    executionTime: run.executionTime === undefined ? undefined : Duration.seconds(run.executionTime)
  }
}

interface Call {
  readonly language: AgbTools.Language
  readonly timeoutMillis: number
}

const raised = ({ language, timeoutMillis }: Call, requestId: string | undefined, run: RunCodeResult) => {
  const output = { operation, requestId, stdout: run.stdout.join(""), stderr: run.stderr.join("") }
  const error = run.executionError
  if (error === null) return undefined
  return timedOut.test(`${error.name} ${error.value}`)
    ? new ExecutionTimeoutError({ ...output, timeoutMillis, detail: error.value })
    : new CodeExecutionError({ ...output, ...error, language, results: run.results })
}

const unreadable = (requestId: string | undefined) =>
  new ExecutionUnknownError({
    operation,
    requestId,
    stdout: "",
    stderr: "",
    detail: "the reply is not the result of a run"
  })

const toolFailed = ({ timeoutMillis }: Call, requestId: string | undefined, detail: string) =>
  /\btimed? ?out\b/i.test(detail)
    ? new ExecutionTimeoutError({ operation, requestId, stdout: "", stderr: "", timeoutMillis, detail })
    : new ToolError({ operation, requestId, tool: "run_code", detail })

/** Only text that decodes as the result of a run counts as one; a tool error may contain one too. */
const interpret = (
  call: Call,
  { isError, requestId, text = "" }: ToolAnswer
): Either.Either<CodeResult, RunCodeError> => {
  const run = ParseResult.decodeUnknownEither(AgbTools.tools.run_code.result)(text)
  if (isError && (Either.isLeft(run) || run.right.executionError === null)) {
    return Either.left(toolFailed(call, requestId, text))
  }
  if (Either.isLeft(run)) return Either.left(unreadable(requestId))
  const error = raised(call, requestId, run.right)
  return error === undefined ? Either.right(toResult(run.right)) : Either.left(error)
}

/**
 * Creates `Code` over the tool calls of a session.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (toolCall: ToolCall): Code =>
  Code.of({
    runCode: spans.method(operation)((code: string, language: Language | (string & {}), options?: RunCodeOptions) =>
      Effect.gen(function*() {
        const timeout = yield* timeouts.parse(operation, options?.timeout ?? Duration.seconds(300))
        const call = { language: yield* parseLanguage(language), timeoutMillis: Duration.toMillis(timeout) }
        const answer = yield* toolCall.answer(
          AgbTools.tools.run_code,
          { code, language: call.language, timeout_s: Math.ceil(Duration.toSeconds(timeout)) },
          { operation, timeout }
        ).pipe(execution.orUnknown(operation))
        return yield* interpret(call, answer)
      })
    )
  })
