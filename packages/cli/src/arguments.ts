/** What is done to the arguments before `@effect/cli` reads them. */
import * as Either from "effect/Either"
import { UsageError } from "./failure.js"

export interface Arguments {
  /** For `@effect/cli`. */
  readonly own: ReadonlyArray<string>
  /** What stands after `--`, to be passed on literally; undefined where there is no `--`. */
  readonly literal: ReadonlyArray<string> | undefined
}

/** The options of a command by all their names, with what each takes: `text`, `integer`, `one|or|other`, or nothing. */
export type KnownOptions = ReadonlyMap<string, string>

export const split = (args: ReadonlyArray<string>): Arguments => {
  const index = args.indexOf("--")
  return index === -1
    ? { own: args, literal: undefined }
    : { own: args.slice(0, index), literal: args.slice(index + 1) }
}

const usage = (command: string, message: string) =>
  Either.left(new UsageError({ message: `${message}; see agb ${command} --help` }))

const expectation = (kind: string, value: string): string | undefined => {
  if (kind === "integer") return /^-?\d+$/.test(value) ? undefined : "an integer"
  const choices = kind.split("|")
  return choices.length === 1 || choices.includes(value) ? undefined : `one of ${choices.join(", ")}`
}

/** An option with its value. */
const read = (
  known: KnownOptions,
  command: string,
  arg: string,
  next: string | undefined
): Either.Either<ReadonlyArray<string>, UsageError> => {
  const [, name = arg, value] = /^(--[^=]+)=(.*)$/s.exec(arg) ?? []
  const kind = known.get(name)
  if (kind === undefined) return usage(command, `agb ${command} has no option ${name}`)
  if (kind === "") return value === undefined ? Either.right([name]) : usage(command, `${name} takes no value`)
  const given = value ?? next
  if (given === undefined) return usage(command, `${name} needs a value`)
  const expected = expectation(kind, given)
  return expected === undefined ? Either.right([name, given]) : usage(command, `${name} must be ${expected}`)
}

interface Sorted {
  readonly options: ReadonlyArray<string>
  readonly others: ReadonlyArray<string>
}

/**
 * Tells the options of a command from its other arguments, before which `@effect/cli` reads them; it would take an unknown one
 * for an argument.
 */
export const sort = (
  command: string,
  args: ReadonlyArray<string>,
  known: KnownOptions
): Either.Either<Sorted, UsageError> =>
  Either.gen(function*() {
    const options: Array<string> = []
    const others: Array<string> = []
    for (let index = 0; index < args.length; index++) {
      const arg = args[index] ?? ""
      if (!arg.startsWith("-") || arg === "-") others.push(arg)
      else {
        const words = yield* read(known, command, arg, args[index + 1])
        options.push(...words)
        if (words.length === 2 && !arg.startsWith(`${words[0]}=`)) index++
      }
    }
    return { options, others }
  })
