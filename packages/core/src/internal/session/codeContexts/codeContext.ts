/** Code contexts: kernels that are processes of the session, each with a state of its own. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ExecutionUnknownError, InvalidRequestError } from "../../../AgbError.js"
import * as AgbTools from "../../../AgbTools.js"
import type { ToolCall } from "../../../ToolCall.js"
import * as issues from "../../client/checks/issues.js"
import * as optionObjects from "../../client/checks/options.js"
import * as requestChecks from "../../client/checks/requestChecks.js"
import * as timeouts from "../../client/checks/timeouts.js"
import * as metrics from "../../client/metrics.js"
import * as spans from "../../client/spans.js"
import type { Language } from "../../wire/language.js"
import type {
  CodeContext,
  CodeEvent,
  CodeResult,
  ContextOptions,
  RunCodeOptions,
  RunInContextError
} from "../codeModels.js"
import { processError } from "../processes/control.js"
import type { ProcessFailure } from "../processes/model.js"
import * as processes from "../processes/processes.js"
import { ContextRun } from "./contextRun.js"
import * as kernels from "./kernel.js"

type Source = { readonly code: string; readonly timeout: Duration.Duration }

const checkRun = (
  operation: string,
  code: string,
  options: RunCodeOptions | undefined
): Either.Either<Source, InvalidRequestError> =>
  Either.gen(function*() {
    const given = yield* optionObjects.check(operation, options, ["timeout"])
    const timeout = yield* timeouts.parse(operation, given.timeout ?? Duration.seconds(300))
    const args = { code, language: "python" as const }
    yield* Either.mapLeft(
      ParseResult.encodeUnknownEither(AgbTools.tools.run_code.args)(args),
      (issue) => issues.invalidRequest(operation, issue)
    )
    const malformed = requestChecks.malformedText(operation, { code })
    return malformed === undefined ? { code, timeout } : yield* Either.left(malformed)
  })

class Context implements CodeContext {
  readonly #toolCall: ToolCall
  readonly #options: kernels.KernelOptions
  readonly #scope: Scope.Scope
  readonly #runs = Effect.unsafeMakeSemaphore(1)
  readonly #starts = Effect.unsafeMakeSemaphore(1)
  #kernel: kernels.Kernel
  #hasEnded = false

  constructor(toolCall: ToolCall, options: kernels.KernelOptions, scope: Scope.Scope, kernel: kernels.Kernel) {
    this.#toolCall = toolCall
    this.#options = options
    this.#scope = scope
    this.#kernel = kernel
  }

  get language(): Language {
    return this.#options.language
  }

  readonly runCode: CodeContext["runCode"] = spans.method("CodeContext.runCode")(
    (code: string, options?: RunCodeOptions) =>
      Stream.runFold(
        this.#stream("CodeContext.runCode", code, options),
        undefined as CodeResult | undefined,
        (found, event) => event._tag === "Completed" ? event.result : found
      ).pipe(
        Effect.flatMap((result) => result === undefined ? Effect.fail(noResult()) : Effect.succeed(result)),
        metrics.run(this.language)
      )
  )

  readonly runCodeStream: CodeContext["runCodeStream"] = (code, options) =>
    metrics.runStream("CodeContext.runCodeStream", this.language)(
      this.#stream("CodeContext.runCodeStream", code, options)
    )

  readonly interrupt: CodeContext["interrupt"] = Effect.suspend(() =>
    this.#kernel.isDead ? Effect.void : this.#kernel.interrupt("CodeContext.interrupt")
  )

  readonly restart: CodeContext["restart"] = Effect.suspend(() =>
    this.#starts.withPermits(1)(
      Effect.zipRight(this.#kernel.end, Effect.asVoid(this.#start("CodeContext.restart")))
    )
  )

  /** No kernel is started any more. */
  end(): void {
    this.#hasEnded = true
  }

  #start(operation: string): Effect.Effect<kernels.Kernel, ProcessFailure> {
    return Effect.suspend(() =>
      this.#hasEnded
        ? Effect.fail(processError(operation, "", "Gone", "the scope of the code context has ended"))
        : Effect.map(
          kernels.open(this.#toolCall, operation, this.#options, this.#scope),
          (kernel) => this.#kernel = kernel
        )
    )
  }

  /** The kernel, or a fresh one in the place of one that has died. */
  #living(operation: string): Effect.Effect<kernels.Kernel, ProcessFailure> {
    return this.#starts.withPermits(1)(
      Effect.suspend(() => this.#kernel.isDead ? this.#start(operation) : Effect.succeed(this.#kernel))
    )
  }

  #stream(
    operation: string,
    code: string,
    options: RunCodeOptions | undefined
  ): Stream.Stream<CodeEvent, RunInContextError> {
    return Stream.unwrapScoped(Effect.gen(this, function*() {
      const source = yield* checkRun(operation, code, options)
      yield* Effect.acquireRelease(Effect.interruptible(this.#runs.take(1)), () => this.#runs.release(1))
      const kernel = yield* this.#living(operation)
      const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      const begun = Effect.mapBoth(kernel.start(operation, source.code), {
        onFailure: (error) => startFailed(operation, error),
        onSuccess: (count) =>
          new ContextRun(kernel, { operation, language: this.language, timeout: source.timeout }, count, now)
      })
      const run = yield* Effect.acquireRelease(
        Effect.onExit(
          Effect.interruptible(begun),
          (exit) => exit._tag === "Success" ? Effect.void : kernel.stop(operation)
        ),
        (run) => run.release
      )
      return run.events
    }))
  }
}

/** The code may have begun, unless nothing can have been sent. */
const startFailed = (operation: string, error: ProcessFailure): RunInContextError =>
  error.mayHaveHappened && error._tag !== "SessionLostError"
    ? new ExecutionUnknownError({ operation, stdout: "", stderr: "", detail: error.message })
    : error

const noResult = () =>
  new ExecutionUnknownError({
    operation: "CodeContext.runCode",
    stdout: "",
    stderr: "",
    detail: "the stream ended without a result"
  })

const operation = "Code.context"

const checkLanguage = (given: unknown): Either.Either<Language, InvalidRequestError> =>
  Either.mapLeft(ParseResult.decodeUnknownEither(AgbTools.Language)(given), () =>
    new InvalidRequestError({
      operation,
      field: "language",
      given: issues.describe(given, "language"),
      expected: "python, javascript, java or r"
    }))

export const open =
  (toolCall: ToolCall) => (given: ContextOptions): Effect.Effect<CodeContext, ProcessFailure, Scope.Scope> =>
    Effect.gen(function*() {
      const options = yield* optionObjects.check(operation, given, ["language", "cwd", "envs"])
      const language = yield* checkLanguage(options.language)
      const { cwd, envs } = yield* processes.check(operation, language, { cwd: options.cwd, envs: options.envs })
      const scope = yield* Scope.Scope
      const kernelOptions = { language, cwd, envs }
      const kernel = yield* kernels.open(toolCall, operation, kernelOptions, scope)
      const context = new Context(toolCall, kernelOptions, scope, kernel)
      yield* Effect.addFinalizer(() => Effect.sync(() => context.end()))
      return context
    }).pipe(spans.traced(operation))
