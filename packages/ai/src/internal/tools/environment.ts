/** What the handlers of the tools work with. */
import { InvalidRequestError } from "@effect-agb/core/AgbError"
import type { Code } from "@effect-agb/core/Code"
import type { Command } from "@effect-agb/core/Command"
import type { FileSystem } from "@effect-agb/core/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { PathError, Resolve } from "../paths.js"
import { bound, plain } from "./bounded.js"
import type { ToolName } from "./definitions.js"

export interface Environment {
  readonly code: Code
  readonly command: Command
  readonly files: FileSystem
  readonly resolve: Resolve
  /** Processes that the model started end with it. */
  readonly scope: Scope.Scope
  readonly maxCharacters: number
  readonly maxFigureBytes: number
}

/** Undefined is where commands start by themselves. */
export const workingDirectory = (
  { resolve }: Environment,
  path: string | undefined
): Effect.Effect<string | undefined, PathError> => path === undefined ? Effect.succeed(undefined) : resolve(path)

const longestSeconds = 86_400

/** Checked here, so that the message names the parameter of the tool. */
export const timeLimit = (tool: ToolName, seconds: number): Effect.Effect<Duration.Duration, InvalidRequestError> =>
  seconds > 0 && seconds <= longestSeconds ? Effect.succeed(Duration.seconds(seconds)) : Effect.fail(
    new InvalidRequestError({
      operation: tool,
      field: "timeout_seconds",
      given: String(seconds),
      expected: "a number above 0 and up to 86,400"
    })
  )

const outputDirectory = "/tmp/agb-output"

const save = ({ files }: Environment, text: string) =>
  Effect.gen(function*() {
    const id = yield* Random.nextIntBetween(0, 36 ** 6)
    const path = `${outputDirectory}/${id.toString(36).padStart(6, "0")}.txt`
    yield* files.createDirectory(outputDirectory)
    yield* files.writeFile(path, text)
    return path
  })

/**
 * Bounds the output of a program, which cannot be had again. What is too long is saved in the session, and the notice says where. It may fail
 * there, e.g. on a full disk: that is no failure of what ran.
 */
export const boundOutput = (environment: Environment, output: string, maxCharacters = environment.maxCharacters) => {
  const text = plain(output)
  if (text.length <= maxCharacters) return Effect.succeed(text)
  return save(environment, text).pipe(
    Effect.map((path) => `all of it is in ${path}, which read_file can read in parts`),
    Effect.orElseSucceed(() => "print less to see it, e.g. the last lines alone"),
    Effect.map((rest) => bound(text, maxCharacters, rest).text)
  )
}
