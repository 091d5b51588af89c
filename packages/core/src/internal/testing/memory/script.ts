/** Finds the answers of a script, and runs them. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { Answer, Respond, Script } from "./answers.js"
import { UnscriptedError } from "./unscripted.js"

const isStream = (value: unknown): value is Stream.Stream<never> => Predicate.hasProperty(value, Stream.StreamTypeId)

const outputsOf = <Output>(answer: Answer<Output>): Stream.Stream<string | Output> => {
  if (isStream(answer)) return answer
  return Effect.isEffect(answer)
    ? Stream.fromEffect(answer as Effect.Effect<string | Output>)
    : Stream.succeed(answer as string | Output)
}

/** A script, with what is counted and how its texts are read. */
export class Scripted<C extends { readonly nth: number }, Output> {
  readonly #script: Script<C, Output>
  readonly #ofText: (text: string) => Output
  readonly #asked = new Map<string, number>()

  constructor(script: Script<C, Output>, ofText: (text: string) => Output) {
    this.#script = script
    this.#ofText = ofText
  }

  get #known(): ReadonlyArray<string> {
    return typeof this.#script === "function" ? ["what the function answers"] : Object.keys(this.#script)
  }

  #find(text: string, call: C): Answer<Output> | undefined {
    const script = this.#script
    if (typeof script === "function") return script(call)
    const found = Object.hasOwn(script, text) ? script[text] : undefined
    return typeof found === "function" ? (found as Respond<C, Output>)(call) : found
  }

  /** The pieces of the output of a call. `asked` describes it. */
  answer(
    text: string,
    call: Omit<C, "nth">,
    asked: string
  ): Effect.Effect<Stream.Stream<Output>, UnscriptedError> {
    return Effect.suspend(() => {
      const nth = this.#asked.get(text) ?? 0
      this.#asked.set(text, nth + 1)
      const answer = this.#find(text, { ...call, nth } as C)
      return answer === undefined
        ? new UnscriptedError({ asked, known: this.#known })
        : Effect.succeed(
          Stream.map(outputsOf(answer), (output) => typeof output === "string" ? this.#ofText(output) : output)
        )
    })
  }
}

/** The pieces that came before the time was over. */
export const collect = <Output>(
  outputs: Stream.Stream<Output>,
  timeout: Duration.Duration
): Effect.Effect<{ readonly found: ReadonlyArray<Output>; readonly isLate: boolean }> =>
  Effect.suspend(() => {
    const found: Array<Output> = []
    return Stream.runForEach(outputs, (output) => Effect.sync(() => void found.push(output))).pipe(
      Effect.timeoutOption(timeout),
      Effect.map((ended) => ({ found, isLate: Option.isNone(ended) }))
    )
  })

export const textOf = <Name extends string>(
  found: ReadonlyArray<{ readonly [N in Name]?: string | undefined }>,
  name: Name
): string => found.map((output) => output[name] ?? "").join("")

/** The default time limits of the cloud. */
export const defaultTimeout = Duration.seconds(60)
