/** What is done to the arguments before `@effect/cli` reads them. */
import * as Either from "effect/Either"
import { UsageError } from "./failure.js"

export interface Arguments {
  /** For `@effect/cli`. */
  readonly own: ReadonlyArray<string>
  /** What stands after `--`, to be passed on literally; undefined where there is no `--`. */
  readonly literal: ReadonlyArray<string> | undefined
}

/** The options of a command by all their names, and whether each takes a value. */
export type KnownOptions = ReadonlyMap<string, boolean>

export const split = (args: ReadonlyArray<string>): Arguments => {
  const index = args.indexOf("--")
  return index === -1
    ? { own: args, literal: undefined }
    : { own: args.slice(0, index), literal: args.slice(index + 1) }
}

/** An option with its value. */
const read = (
  known: KnownOptions,
  command: string,
  arg: string,
  next: string | undefined
): Either.Either<ReadonlyArray<string>, UsageError> => {
  const [, name = arg, value] = /^(--[^=]+)=(.*)$/s.exec(arg) ?? []
  const takesValue = known.get(name)
  if (takesValue === undefined) {
    return Either.left(new UsageError({ message: `agb ${command} has no option ${name}; see agb ${command} --help` }))
  }
  if (takesValue) {
    const given = value ?? next
    return given === undefined
      ? Either.left(new UsageError({ message: `${name} needs a value; see agb ${command} --help` }))
      : Either.right([name, given])
  }
  return value === undefined
    ? Either.right([name])
    : Either.left(new UsageError({ message: `${name} takes no value; see agb ${command} --help` }))
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
