/** The handlers of all tools over the services of a session. */
import { InvalidRequestError } from "@effect-agb/core/AgbError"
import { Code } from "@effect-agb/core/Code"
import { Command } from "@effect-agb/core/Command"
import { FileSystem } from "@effect-agb/core/FileSystem"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { tildeResolver } from "../paths.js"
import * as codeTools from "./codeTools.js"
import * as commandTools from "./commandTools.js"
import type { Parameters, Success, ToolName } from "./definitions.js"
import type { AccountError } from "./failures.js"
import * as fileTools from "./fileTools.js"
import * as processTools from "./processTools.js"
import type { Problem } from "./results.js"

/** Options of the handlers. */
export interface Options {
  /** The most characters of a result, from 1,000 on. Default: 20,000, some 5,000 tokens. */
  readonly maxCharacters?: number | undefined
  /** A larger image is not handed on, in bytes. Default: 3,750,000, the most that common models accept. */
  readonly maxFigureBytes?: number | undefined
}

export type Handlers = {
  readonly [Name in ToolName]: (
    parameters: Parameters<Name>
  ) => Effect.Effect<Success<Name> | Problem, AccountError>
}

const integer = (field: keyof Options, given: number, least: number) =>
  Number.isInteger(given) && given >= least ? Effect.succeed(given) : Effect.fail(
    new InvalidRequestError({
      operation: "AgbToolkit.layer",
      field,
      given: String(given).slice(0, 64),
      expected: `an integer from ${least}`
    })
  )

export const make = (
  { maxCharacters = 20_000, maxFigureBytes = 3_750_000 }: Options = {}
): Effect.Effect<Handlers, InvalidRequestError, Code | Command | FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const command = yield* Command
    const environment = {
      code: yield* Code,
      command,
      resolve: tildeResolver(command),
      files: yield* FileSystem,
      scope: yield* Effect.scope,
      maxCharacters: yield* integer("maxCharacters", maxCharacters, 1_000),
      maxFigureBytes: yield* integer("maxFigureBytes", maxFigureBytes, 0)
    }
    return {
      ...codeTools.make(environment),
      ...commandTools.make(environment),
      ...fileTools.make(environment),
      ...processTools.make(environment)
    }
  })
