/** Runs of code that tell what they print and show while they run. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type AgbError, type CodeResultItem, ExecutionUnknownError } from "../../../AgbError.js"
import type * as Core from "../../../Code.js"
import type * as operations from "../operation.js"

const Callback = <A>() =>
  Schema.optional(
    Schema.declare((u): u is (value: A) => void => Predicate.isFunction(u), { description: "a function" })
  )

/** Called while code runs. */
export interface RunCodeCallbacks {
  readonly onStdout?: ((text: string) => void) | undefined
  readonly onStderr?: ((text: string) => void) | undefined
  readonly onResult?: ((item: CodeResultItem) => void) | undefined
}

/**
 * Options of `runCode`, all optional. With one of the functions the output is streamed: it is told while the code runs. A
 * function that throws ends the run, and the promise rejects with its error.
 */
export interface RunCodeOptions extends operations.CallOptions, RunCodeCallbacks {
  /** Called with each piece of standard output. */
  readonly onStdout?: ((text: string) => void) | undefined
  /** Called with each piece of standard error. */
  readonly onStderr?: ((text: string) => void) | undefined
  /** Called with each displayed value. */
  readonly onResult?: ((item: CodeResultItem) => void) | undefined
}

/** Calls back for each event, and returns the result of the run. */
const observed = (
  events: Stream.Stream<Core.CodeEvent, AgbError>,
  { onResult, onStderr, onStdout }: RunCodeCallbacks
): Effect.Effect<Core.CodeResult, AgbError> => {
  const observe = (event: Core.CodeEvent): Core.CodeResult | undefined => {
    switch (event._tag) {
      case "Stdout":
        return void onStdout?.(event.text)
      case "Stderr":
        return void onStderr?.(event.text)
      case "Result":
        return void onResult?.(event.item)
      case "Completed":
        return event.result
    }
  }
  const last = Stream.runFoldEffect(
    events,
    undefined as Core.CodeResult | undefined,
    (_, event) => Effect.sync(() => observe(event))
  )
  const unknown = new ExecutionUnknownError({
    operation: "Code.runCode",
    stdout: "",
    stderr: "",
    detail: "the stream ended without a result"
  })
  return Effect.flatMap(last, (result) => result === undefined ? Effect.fail(unknown) : Effect.succeed(result))
}

/** The fields of the callbacks. */
export const callbackFields = {
  onStdout: Callback<string>(),
  onStderr: Callback<string>(),
  onResult: Callback<CodeResultItem>()
}

/** Runs once, or streams if anything is to be told. */
export const runWith = (
  callbacks: RunCodeCallbacks,
  once: Effect.Effect<Core.CodeResult, AgbError>,
  stream: Stream.Stream<Core.CodeEvent, AgbError>
): Effect.Effect<Core.CodeResult, AgbError> =>
  [callbacks.onStdout, callbacks.onStderr, callbacks.onResult].some(Predicate.isNotUndefined)
    ? observed(stream, callbacks)
    : once
