/** What the handlers of the tools work with. */
import type { Code } from "@effect-agb/core/Code"
import type { Command } from "@effect-agb/core/Command"
import type { FileSystem } from "@effect-agb/core/FileSystem"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { bound, plain } from "./bounded.js"

export interface Environment {
  readonly code: Code
  readonly command: Command
  readonly files: FileSystem
  /** Processes that the model started end with it. */
  readonly scope: Scope.Scope
  readonly maxCharacters: number
  readonly maxFigureBytes: number
}

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
