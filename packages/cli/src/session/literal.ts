/** The arguments after `--`, which are passed on as they are. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { UsageError } from "../failure.js"

/** Undefined where there is no `--`. */
export class Literal extends Context.Tag("@effect-agb/cli/Literal")<Literal, ReadonlyArray<string> | undefined>() {}

/** As one word for a POSIX shell. */
const quote = (text: string): string => /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** A command line that runs these arguments. */
export const shellLine = (words: ReadonlyArray<string>): string => words.map(quote).join(" ")

/** The error of a command that was not given what to run after `--`. */
export const misplaced = (command: string) =>
  new UsageError({ message: `what to run stands after --, as in: agb ${command} -- ls -l` })

export const commandLine = (command: string): Effect.Effect<string, UsageError, Literal> =>
  Effect.flatMap(Literal, (words) =>
    words === undefined || words.length === 0
      ? misplaced(command)
      : Effect.succeed(shellLine(words)))
