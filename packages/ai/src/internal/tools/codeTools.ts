/** run_code: what was printed and displayed, and images that a model can look at. */
import type { CodeExecutionError, CodeResultItem } from "@effect-agb/core/AgbError"
import * as RichResult from "@effect-agb/core/RichResult"
import * as Effect from "effect/Effect"
import { bound, plain } from "./bounded.js"
import { defaultTimeouts, type Parameters } from "./definitions.js"
import { boundOutput, type Environment, timeLimit } from "./environment.js"
import { settle } from "./failures.js"
import type { Figure, RunCodeResult } from "./results.js"

/** What models look at. */
const imageTypes: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"])

/** More images than this in one result tell a model nothing more. */
const maxFigures = 10

const imagesOf = (item: CodeResultItem): ReadonlyArray<Figure> =>
  RichResult.representations(item).flatMap((one) =>
    one._tag === "Binary" && imageTypes.has(one.mimeType)
      ? [{ mimeType: one.mimeType, byteLength: one.bytes.length, data: one.bytes }]
      : []
  ).slice(0, 1)

const notice = (images: ReadonlyArray<Figure>, shown: ReadonlyArray<Figure>, { maxFigureBytes }: Environment) =>
  shown.length === images.length ? [] : [
    `[${images.length - shown.length} of ${images.length} figures cannot be shown: at most ${maxFigures}, and of ` +
    `${
      maxFigureBytes.toLocaleString("en-US")
    } bytes each. Save them to files, with a lower resolution, to look at them with read_file]`
  ]

interface Run {
  readonly stdout: string
  readonly stderr: string
  readonly results?: ReadonlyArray<CodeResultItem>
}

const describe = (environment: Environment, run: Run, error?: string): Effect.Effect<RunCodeResult> => {
  const images = (run.results ?? []).flatMap(imagesOf)
  const figures = images.filter(({ byteLength }) => byteLength <= environment.maxFigureBytes).slice(0, maxFigures)
  const shown = RichResult.show(run, { maxCharacters: Infinity })
  const whole = [...shown === "" ? [] : [shown], ...notice(images, figures, environment)].join("\n")
  return Effect.map(boundOutput(environment, whole), (output) => ({
    output,
    ...error === undefined
      ? {}
      : { error: bound(plain(error), environment.maxCharacters, "the end says what failed").text },
    figures
  }))
}

const state = (kept: boolean | undefined): string =>
  kept === undefined ? "" : kept ? "\nVariables are kept." : "\nVariables are lost: run again what defined them."

/** Sessions may have printed the traceback as well; a model reads it once. */
const withoutTraceback = (stderr: string, traceback: string): string => {
  const [printed, reported] = [stderr.trimEnd(), traceback.trim()]
  return reported !== "" && printed.endsWith(reported) ? printed.slice(0, -reported.length) : stderr
}

const raised = (environment: Environment, error: CodeExecutionError) => {
  const { name, results, stateKept, stderr, stdout, traceback, value } = error
  return describe(
    environment,
    { stdout, stderr: withoutTraceback(stderr, traceback), results },
    `${traceback === "" ? `${name}: ${value}` : traceback.trimEnd()}${state(stateKept)}`
  )
}

export const make = (environment: Environment) => ({
  run_code: ({ code, language = "python", timeout_seconds = defaultTimeouts.run_code }: Parameters<"run_code">) =>
    timeLimit("run_code", timeout_seconds).pipe(
      Effect.flatMap((timeout) => environment.code.runCode(code, language, { timeout })),
      Effect.flatMap((run) => describe(environment, run)),
      Effect.catchTags({
        CodeExecutionError: (error) => raised(environment, error),
        ExecutionTimeoutError: (error) => describe(environment, error, error.message + state(error.stateKept)),
        ExecutionUnknownError: (error) => describe(environment, error, error.message + state(error.stateKept))
      }),
      settle
    )
})
