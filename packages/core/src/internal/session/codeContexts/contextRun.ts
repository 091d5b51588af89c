/** One run of a code context: its events, its time limit, and what its result and its errors contain. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { CodeExecutionError, ExecutionTimeoutError, ExecutionUnknownError } from "../../../AgbError.js"
import type { CodeEvent, RunInContextError } from "../codeModels.js"
import { resultOf } from "../codeResult.js"
import type { ProcessFailure } from "../processes/model.js"
import { RunOutput } from "../runOutput.js"
import type { Kernel } from "./kernel.js"
import type { KernelError, KernelEvent } from "./kernelEvents.js"

export interface RunSpec {
  readonly operation: string
  readonly language: string
  readonly timeout: Duration.Duration
}

type Events = Chunk.Chunk<CodeEvent>

type Pull = Effect.Effect<Events, Option.Option<RunInContextError>>

export class ContextRun {
  readonly #kernel: Kernel
  readonly #spec: RunSpec
  readonly #count: number
  readonly #deadline: number
  readonly #output = new RunOutput()
  #isOver = false
  /** What the stream fails with after its last events. */
  #failure: RunInContextError | undefined

  constructor(kernel: Kernel, spec: RunSpec, count: number, now: number) {
    this.#kernel = kernel
    this.#spec = spec
    this.#count = count
    this.#deadline = now + Duration.toMillis(spec.timeout)
  }

  get events(): Stream.Stream<CodeEvent, RunInContextError> {
    return Stream.repeatEffectChunkOption(this.#pull)
  }

  /** Stops what nobody waits for any more. */
  get release(): Effect.Effect<void> {
    return Effect.suspend(() => this.#isOver ? Effect.void : Effect.asVoid(this.#kernel.stop(this.#spec.operation)))
  }

  get #pull(): Pull {
    return Effect.suspend((): Pull => {
      if (this.#failure !== undefined) return Effect.fail(Option.some(this.#failure))
      if (this.#isOver) return Effect.fail(Option.none())
      return Effect.flatMap(Effect.clock, (clock) => {
        const left = Math.max(0, this.#deadline - clock.unsafeCurrentTimeMillis())
        return Effect.uninterruptibleMask((restore) =>
          restore(Effect.timeoutOption(this.#kernel.next(this.#spec.operation), left)).pipe(
            Effect.matchEffect({
              onFailure: (error) => this.#failed(error),
              onSuccess: Option.match({
                onNone: () => restore(this.#late),
                onSome: Option.match({
                  onNone: () => restore(this.#died),
                  onSome: (events) => Effect.succeed(this.#told(events))
                })
              })
            })
          )
        )
      })
    })
  }

  #told(events: ReadonlyArray<KernelEvent>): Events {
    return Chunk.unsafeFromArray(events.flatMap((event) => this.#event(event) ?? []))
  }

  #event(event: KernelEvent): CodeEvent | undefined {
    if (this.#isOver) return undefined
    switch (event._tag) {
      case "Output":
        this.#output.add(event.stream, event.text)
        return { _tag: event.stream === "stdout" ? "Stdout" : "Stderr", text: event.text }
      case "Result":
        this.#output.addResult(event.item)
        return { _tag: "Result", item: event.item }
      case "Malformed":
        return this.#end(this.#unknown(`the kernel said nonsense, expected ${event.expected}`))
      case "Done":
        if (event.count !== this.#count) return undefined
        this.#isOver = true
        return event.error === null ? this.#completed(event.seconds) : this.#end(this.#raised(event.error, true))
    }
  }

  #completed(executionTime: number): CodeEvent {
    const { isWhole, results, stderr, stdout } = this.#output
    const result = resultOf({ results, stdout, stderr, executionCount: this.#count, executionTime })
    return { _tag: "Completed", result, isWhole }
  }

  #end(failure: RunInContextError): undefined {
    this.#failure ??= failure
    return undefined
  }

  #fail(failure: RunInContextError): Pull {
    return Effect.fail(Option.some(failure))
  }

  /** The time is up: what was printed until the run has stopped is told before. */
  get #late(): Pull {
    return Effect.map(this.#kernel.stop(this.#spec.operation), ({ events, stateKept }) => {
      const told = this.#told(events.filter(({ _tag }) => _tag === "Output" || _tag === "Result"))
      this.#isOver = true
      const { stderr, stdout } = this.#output
      const detail = stateKept
        ? "the code was interrupted and the kernel keeps its state"
        : "the kernel was killed and its state is lost"
      this.#failure = new ExecutionTimeoutError({
        operation: this.#spec.operation,
        stdout,
        stderr,
        timeoutMillis: Duration.toMillis(this.#spec.timeout),
        detail,
        stateKept
      })
      return told
    })
  }

  /** The kernel has ended, by itself or by a restart. */
  get #died(): Pull {
    this.#isOver = true
    return this.#kernel.exit(this.#spec.operation).pipe(
      Effect.map(({ exitCode, signal }) => Option.getOrElse(signal, () => `exit code ${exitCode}`)),
      Effect.orElseSucceed(() => "unknown cause"),
      Effect.tap(() => this.#kernel.end),
      Effect.flatMap((cause) =>
        this.#fail(this.#raised(
          { name: "KernelDied", value: `${cause}; its state is lost, the next run starts afresh`, traceback: "" },
          false
        ))
      )
    )
  }

  #raised(error: KernelError, stateKept: boolean): CodeExecutionError {
    const { results, stderr, stdout } = this.#output
    const { language, operation } = this.#spec
    return new CodeExecutionError({ operation, stdout, stderr, language, ...error, results, stateKept })
  }

  #failed(error: ProcessFailure): Pull {
    const isLost = error._tag === "ProcessError" && (error.reason === "Lost" || error.reason === "Gone")
    this.#isOver = isLost || error._tag === "SessionLostError"
    if (error._tag === "SessionLostError") return this.#fail(error)
    if (this.#kernel.isDead) {
      this.#isOver = true
      return this.#fail(
        this.#raised({ name: "KernelDied", value: "it was restarted; its state is lost", traceback: "" }, false)
      )
    }
    return isLost
      ? Effect.zipRight(this.#kernel.end, this.#fail(this.#unknown(error.message, false)))
      : this.#fail(this.#unknown(error.message))
  }

  #unknown(detail: string, stateKept?: boolean): ExecutionUnknownError {
    const { stderr, stdout } = this.#output
    return new ExecutionUnknownError({ operation: this.#spec.operation, stdout, stderr, detail, stateKept })
  }
}
