/**
 * Runs code in a session. Each language has a kernel that keeps its state between calls and runs one call at a time.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  type ClientError,
  CodeExecutionError,
  type CodeResultItem,
  ExecutionTimeoutError,
  ExecutionUnknownError,
  type InvalidRequestError,
  type ProcessError,
  RateLimitedError,
  ToolError
} from "./AgbError.js"
import * as AgbTools from "./AgbTools.js"
import * as issues from "./internal/client/checks/issues.js"
import * as optionObjects from "./internal/client/checks/options.js"
import * as timeouts from "./internal/client/checks/timeouts.js"
import * as metrics from "./internal/client/metrics.js"
import * as RequestId from "./internal/client/requestId.js"
import * as spans from "./internal/client/spans.js"
import * as codeContexts from "./internal/session/codeContexts/codeContext.js"
import type {
  CodeContext,
  CodeEvent,
  CodeResult,
  ContextOptions,
  RunCodeError,
  RunCodeOptions
} from "./internal/session/codeModels.js"
import { resultOf } from "./internal/session/codeResult.js"
import * as execution from "./internal/session/execution.js"
import type { RunFailure } from "./internal/session/runCall.js"
import { RunOutput } from "./internal/session/runOutput.js"
import type { RunStreams } from "./internal/session/runSockets.js"
import type { Language } from "./internal/wire/language.js"
import { isPlainRun, type RunCodeResult } from "./internal/wire/results/runCodeResult.js"
import type { RunError, RunFrame } from "./internal/wire/runFrames.js"
import { visible, visibleLines } from "./internal/wire/text/visibleText.js"
import { encodeArgs, type ToolAnswer, type ToolCall } from "./ToolCall.js"

export {
  /**
   * A kernel with a state of its own, which runs one call at a time.
   *
   * @since 0.1.0
   * @category models
   */
  type CodeContext,
  /**
   * Events of `runCodeStream`, in the order in which the session reported them.
   *
   * @since 0.1.0
   * @category models
   */
  type CodeEvent,
  /**
   * Result of a run that raised no error.
   *
   * @since 0.1.0
   * @category models
   */
  type CodeResult,
  /**
   * The code ended without an error: the last event, exactly once.
   *
   * @since 0.1.0
   * @category models
   */
  type Completed,
  /**
   * Options of `context`.
   *
   * @since 0.1.0
   * @category models
   */
  type ContextOptions,
  /**
   * A displayed value, or the value of the last expression.
   *
   * @since 0.1.0
   * @category models
   */
  type Result,
  /**
   * Errors of `runCode`.
   *
   * @since 0.1.0
   * @category errors
   */
  type RunCodeError,
  /**
   * Options of `runCode`.
   *
   * @since 0.1.0
   * @category models
   */
  type RunCodeOptions,
  /**
   * Errors of the runs of a context.
   *
   * @since 0.1.0
   * @category errors
   */
  type RunInContextError,
  /**
   * Text that the code wrote to standard error.
   *
   * @since 0.1.0
   * @category models
   */
  type Stderr,
  /**
   * Text that the code wrote to standard output. Characters are never split.
   *
   * @since 0.1.0
   * @category models
   */
  type Stdout
} from "./internal/session/codeModels.js"

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
  /**
   * Opens a further kernel, with a state of its own, which ends with the scope. It is a process of the session.
   *
   * Fails with a `ProcessError` of reason `Unsupported` that names what is missing, where a session has neither Python 3 nor
   * Perl 5, no Python for Python, no Node for JavaScript, no JDK for Java, or no Rscript for R.
   */
  readonly context: (
    options: ContextOptions
  ) => Effect.Effect<CodeContext, ClientError | ProcessError, Scope.Scope>
  /**
   * Runs code and streams its output and displayed values while it runs, and last `Completed`. The stream fails with the
   * errors of `runCode`, which contain what it had received before, of each stream the last 8,388,608 characters.
   *
   * Events come over the WebSocket of the session, which all runs of the session share. A reader that is slow holds up the
   * code, not the memory. In a session without a usable WebSocket the events come at once, when the code has ended.
   *
   * Interruption, also by `Stream.take`, ends the code if the server can do that.
   */
  readonly runCodeStream: (
    code: string,
    language: Language | (string & {}),
    options?: RunCodeOptions
  ) => Stream.Stream<CodeEvent, RunCodeError>
}

/**
 * Tag of `Code`.
 *
 * @since 0.1.0
 * @category tags
 */
export const Code = Context.GenericTag<Code>("@effect-agb/core/Code")

type LanguageName = Language | (string & {})

/** A validated call. */
interface Call {
  readonly operation: string
  readonly code: string
  readonly language: AgbTools.Language
  readonly timeout: Duration.Duration
  readonly timeoutMillis: number
}

const argsOf = ({ code, language, timeout }: Call) => ({
  code,
  language,
  timeout_s: Math.ceil(Duration.toSeconds(timeout))
})

const parseLanguage = (
  operation: string,
  language: unknown
): Either.Either<AgbTools.Language, InvalidRequestError> =>
  Either.mapLeft(
    ParseResult.decodeUnknownEither(AgbTools.Language)(language),
    (issue) => issues.invalidRequest(operation, issue, "language")
  )

const parse = (
  operation: string,
  code: string,
  language: LanguageName,
  options: RunCodeOptions | undefined
): Either.Either<Call, InvalidRequestError> =>
  Either.gen(function*() {
    const given = yield* optionObjects.check(operation, options, ["timeout"])
    const timeout = yield* timeouts.parse(operation, given.timeout ?? Duration.seconds(300))
    const canonical = yield* parseLanguage(operation, language)
    return { operation, code, language: canonical, timeout, timeoutMillis: Duration.toMillis(timeout) }
  })

const timedOut = /^(Execution ?Timeout|Execution timed out|The code timed out|timed out|timeout\b)/i

/** A run that ended, its output in one piece. */
type Run = Omit<RunCodeResult, "stdout" | "stderr"> & { readonly stdout: string; readonly stderr: string }

const joined = (run: RunCodeResult): Run => ({ ...run, stdout: run.stdout.join(""), stderr: run.stderr.join("") })

/** What sessions say of the state of a kernel that they have stopped. */
const stateKept = (text: string): { readonly stateKept?: boolean } =>
  /\bstate is lost\b/.test(text) ? { stateKept: false } : /\bkeeps its state\b/.test(text) ? { stateKept: true } : {}

const raised = ({ language, operation, timeoutMillis }: Call, requestId: string | undefined, run: Run) => {
  const { executionError: error, results, stderr, stdout } = run
  const output = { operation, requestId, stdout, stderr }
  if (error === null) return undefined
  return timedOut.test(`${error.name} ${error.value}`)
    ? new ExecutionTimeoutError({
      ...output,
      timeoutMillis,
      detail: visibleLines(error.value),
      ...stateKept(error.value)
    })
    : new CodeExecutionError({ ...output, ...error, language, results, ...stateKept(error.value) })
}

const unreadable = ({ operation }: Call, requestId: string | undefined) =>
  new ExecutionUnknownError({
    operation,
    requestId,
    stdout: "",
    stderr: "",
    detail: "the reply is not the result of a run"
  })

const toolFailed = ({ operation, timeoutMillis }: Call, requestId: string | undefined, text: string) => {
  const detail = visibleLines(text)
  return /\btimed? ?out\b/i.test(text)
    ? new ExecutionTimeoutError({ operation, requestId, stdout: "", stderr: "", timeoutMillis, detail })
    : new ToolError({ operation, requestId, tool: "run_code", detail })
}

/**
 * Reads the replies of one session. Only text that decodes as the result of a run counts as one; a tool error may contain
 * one too. Once the session has replied in the structured format, plain text is none.
 */
const makeInterpreter = () => {
  let isStructured = false
  return (call: Call, { isError, requestId, text = "" }: ToolAnswer): Either.Either<CodeResult, RunCodeError> => {
    const decoded = ParseResult.decodeUnknownEither(AgbTools.tools.run_code.result)(text)
    if (isError && (Either.isLeft(decoded) || decoded.right.executionError === null)) {
      return Either.left(toolFailed(call, requestId, text))
    }
    const isPlain = isPlainRun(text)
    if (Either.isLeft(decoded) || isPlain && isStructured) return Either.left(unreadable(call, requestId))
    isStructured ||= !isPlain
    const run = joined(decoded.right)
    const error = raised(call, requestId, run)
    return error === undefined ? Either.right(resultOf(run)) : Either.left(error)
  }
}

const runOnce = (toolCall: ToolCall) => {
  const interpret = makeInterpreter()
  return (call: Call): Effect.Effect<CodeResult, RunCodeError> =>
    toolCall.answer(AgbTools.tools.run_code, argsOf(call), { operation: call.operation, timeout: call.timeout }).pipe(
      execution.orUnknown(call.operation),
      Effect.flatMap((answer) => interpret(call, answer))
    )
}

/** The events of a run whose output is known as a whole. */
const eventsOf = (
  stdout: string,
  stderr: string,
  results: ReadonlyArray<CodeResultItem>
): ReadonlyArray<CodeEvent> => [
  ...(stdout === "" ? [] : [{ _tag: "Stdout", text: stdout } as const]),
  ...(stderr === "" ? [] : [{ _tag: "Stderr", text: stderr } as const]),
  ...results.map((item) => ({ _tag: "Result", item }) as const)
]

/** The stream of a run that is not streamed: everything at its end. */
const atOnce = (run: Effect.Effect<CodeResult, RunCodeError>): Stream.Stream<CodeEvent, RunCodeError> =>
  Stream.unwrap(Effect.match(run, {
    onSuccess: (result) =>
      Stream.fromIterable<CodeEvent>([
        ...eventsOf(result.stdout, result.stderr, result.results),
        { _tag: "Completed", result, isWhole: true }
      ]),
    onFailure: (error) =>
      Stream.concat(
        "stdout" in error
          ? Stream.fromIterable(eventsOf(error.stdout, error.stderr, "results" in error ? error.results : []))
          : Stream.empty,
        Stream.fail(error)
      )
  }))

/** One streamed run: turns its frames into events, and keeps what its result and its errors contain. */
class StreamedRun {
  readonly #call: Call
  readonly #id = crypto.randomUUID().replaceAll("-", "")
  readonly #output = new RunOutput()
  #isBegun = false
  #error: RunError | undefined

  constructor(call: Call) {
    this.#call = call
  }

  open(sockets: RunStreams): Stream.Stream<CodeEvent, RunCodeError> {
    const { operation, timeout } = this.#call
    const { timeout_s: timeoutS, ...args } = argsOf(this.#call)
    const deadlineMillis = Duration.toMillis(timeout) + execution.transportMillis
    return sockets.stream(operation, { id: this.#id, ...args, timeoutS, deadlineMillis }).pipe(
      Stream.mapError((failure) => this.#failed(failure)),
      Stream.mapChunksEffect((frames) => this.#events(Chunk.toReadonlyArray(frames)))
    )
  }

  /** The frame that ends a run comes alone. */
  #events(frames: ReadonlyArray<RunFrame>): Effect.Effect<Chunk.Chunk<CodeEvent>, RunCodeError> {
    const first = frames[0]
    if (first?._tag === "End") return this.#ended(first)
    if (first?._tag === "Aborted") return Effect.fail(this.#aborted(first.code, first.detail))
    if (first?._tag === "Malformed") {
      return Effect.fail(this.#unknown(`a message of the server is malformed, expected ${first.expected}`))
    }
    this.#isBegun = true
    return Effect.succeed(Chunk.unsafeFromArray(frames.flatMap((frame) => this.#event(frame) ?? [])))
  }

  #event(frame: RunFrame): CodeEvent | undefined {
    switch (frame._tag) {
      case "Output":
        this.#output.add(frame.stream, frame.text)
        return { _tag: frame.stream === "stdout" ? "Stdout" : "Stderr", text: frame.text }
      case "Result":
        this.#output.addResult(frame.item)
        return { _tag: "Result", item: frame.item }
      case "Raised":
        this.#error ??= frame.error
        return undefined
      default:
        return undefined
    }
  }

  #ended({ error, executionCount, executionTime }: RunFrame & { readonly _tag: "End" }) {
    const { isWhole, results, stderr, stdout } = this.#output
    const executionError = error ?? this.#error ?? null
    const run = { executionCount, executionTime, executionError, stdout, stderr, results }
    const failure = raised(this.#call, this.#id, run)
    return Effect.zipRight(
      RequestId.record(this.#id),
      failure === undefined
        ? Effect.succeed(Chunk.of<CodeEvent>({ _tag: "Completed", result: resultOf(run), isWhole }))
        : Effect.fail(failure)
    )
  }

  #aborted(code: string, detail: string): RunCodeError {
    const { operation } = this.#call
    return /^Throttling/i.test(code) && !this.#isBegun
      ? new RateLimitedError({ operation, requestId: this.#id, retryAfterMillis: undefined, detail: visible(detail) })
      : this.#unknown(visible(`${code}${code === "" || detail === "" ? "" : ": "}${detail}`))
  }

  #failed(failure: RunFailure): RunCodeError {
    return failure._tag === "RunLost" ? this.#unknown(failure.detail) : failure
  }

  #unknown(detail: string): ExecutionUnknownError {
    const { stderr, stdout } = this.#output
    return new ExecutionUnknownError({ operation: this.#call.operation, requestId: this.#id, stdout, stderr, detail })
  }
}

/**
 * Creates `Code` over the tool calls of a session.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  toolCall: ToolCall,
  /** @internal */
  sockets?: RunStreams
): Code => {
  const run = runOnce(toolCall)
  return Code.of({
    context: codeContexts.open(toolCall),
    runCode: spans.method("Code.runCode")((code: string, language: LanguageName, options?: RunCodeOptions) =>
      Effect.flatMap(
        parse("Code.runCode", code, language, options),
        (call) => metrics.run(call.language)(run(call))
      )
    ),
    runCodeStream: (code, language, options) =>
      Stream.unwrap(Effect.map(parse("Code.runCodeStream", code, language, options), (call) => {
        const events = sockets === undefined ? atOnce(run(call)) : Stream.unwrap(
          Effect.map(
            encodeArgs(call.operation, AgbTools.tools.run_code, argsOf(call)),
            () => new StreamedRun(call).open(sockets)
          )
        )
        return metrics.runStream(call.operation, call.language)(events)
      }))
  })
}
