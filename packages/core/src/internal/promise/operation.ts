/** Definition of an operation of the promise API: name, argument schema, implementation and result mapping. */
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Agb } from "../../Agb.js"
import type { AgbError, InvalidRequestError } from "../../AgbError.js"
import * as issues from "../client/checks/issues.js"
import { unknownOption } from "../client/checks/options.js"

/** Options of every call, passed as its last argument. */
export interface CallOptions {
  /** Aborting the signal cancels the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

const Signal = Schema.declare(
  (u): u is AbortSignal =>
    Predicate.hasProperty(u, "aborted") && typeof u.aborted === "boolean" &&
    Predicate.hasProperty(u, "addEventListener") && typeof u.addEventListener === "function",
  { description: "an AbortSignal" }
)

/** Validated arguments. */
export type Checked<Fields extends Schema.Struct.Fields> = Schema.Struct.Type<Fields> & CallOptions

/** Validates positional arguments and named options as one record. */
type Check<Args> = (args: object, options: unknown) => Either.Either<Args & CallOptions, InvalidRequestError>

const check = <Fields extends Schema.Struct.Fields>(name: string, fields: Fields): Check<Checked<Fields>> => {
  const names = [...Object.keys(fields), "signal"]
  // Compiled at its first use: programs use few operations, and the module is loaded with all of core.
  let validate: ((value: unknown) => Either.Either<unknown, ParseResult.ParseIssue>) | undefined
  return (args, options) => {
    validate ??= ParseResult.validateEither(
      Schema.Struct({ ...fields, signal: Schema.optional(Signal) }),
      { onExcessProperty: "error" }
    )
    // A positional argument is no option: it would be passed twice.
    const unknown = unknownOption(name, options, names.filter((field) => !Object.hasOwn(args, field)))
    return unknown === undefined
      ? Either.mapLeft(
        validate({ ...options as object, ...args }) as Either.Either<Checked<Fields>, ParseResult.ParseIssue>,
        (issue) => issues.invalidRequest(name, issue)
      )
      : Either.left(unknown)
  }
}

/** Maps a value or an error to a result. */
export interface ResultMapper<A, Result> {
  readonly onSuccess: (requestId: string, value: A) => Result
  readonly onFailure: (requestId: string, error: AgbError) => Result
}

export interface Operation<Subject, Args, A, Result> {
  readonly name: string
  readonly check: Check<Args>
  readonly run: (subject: Subject, args: Args) => Effect.Effect<A, AgbError, Agb>
  readonly shape: ResultMapper<A, Result>
}

export const make = <Fields extends Schema.Struct.Fields, Subject, A, Result>(
  name: string,
  fields: Fields,
  shape: ResultMapper<A, Result>,
  run: (subject: Subject, args: Checked<Fields>) => Effect.Effect<A, AgbError>
): Operation<Subject, Checked<Fields>, A, Result> => ({ name, check: check(name, fields), run, shape })

/** An operation that returns a stream of values. */
export interface StreamOperation<Subject, Args, A> {
  readonly name: string
  readonly check: Check<Args>
  readonly open: (subject: Subject, args: Args) => Stream.Stream<A, AgbError>
}

export const source = <Fields extends Schema.Struct.Fields, Subject, A>(
  name: string,
  fields: Fields,
  open: (subject: Subject, args: Checked<Fields>) => Stream.Stream<A, AgbError>
): StreamOperation<Subject, Checked<Fields>, A> => ({ name, check: check(name, fields), open })

/** An operation whose value lasts until it is released. */
export interface LastingOperation<Subject, Args, A> {
  readonly name: string
  readonly check: Check<Args>
  readonly acquire: (subject: Subject, args: Args) => Effect.Effect<A, AgbError, Agb | Scope.Scope>
}

export const lasting = <Fields extends Schema.Struct.Fields, Subject, A>(
  name: string,
  fields: Fields,
  acquire: (subject: Subject, args: Checked<Fields>) => Effect.Effect<A, AgbError, Agb | Scope.Scope>
): LastingOperation<Subject, Checked<Fields>, A> => ({ name, check: check(name, fields), acquire })

/** A time limit as a plain number: above 0 and up to 1 day. */
const time = (unit: string, perDay: number) =>
  Schema.Number.pipe(Schema.filter((n) => n > 0 && n <= perDay, {
    description: `a number of ${unit} above 0 and up to 1 day`
  }))

export const Seconds = time("seconds", 86_400)

export const Millis = time("milliseconds", 86_400_000)
