/** Definition of an operation of the promise API: name, argument schema, implementation and result mapping. */
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { type AgbError, InvalidRequestError } from "../../AgbError.js"
import * as issues from "../client/issues.js"

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
  const validate = ParseResult.validateEither(Schema.Struct({ ...fields, signal: Schema.optional(Signal) }))
  return (args, options = {}) =>
    Predicate.isRecord(options)
      ? Either.mapLeft(
        validate({ ...options, ...args }) as Either.Either<Checked<Fields>, ParseResult.ParseIssue>,
        (issue) => issues.invalidRequest(name, issue)
      )
      : Either.left(
        new InvalidRequestError({
          operation: name,
          field: "options",
          given: issues.describe(options, "options"),
          expected: "an object"
        })
      )
}

/** Maps a value or an error to a result. */
export interface ResultMapper<A, Result> {
  readonly onSuccess: (requestId: string, value: A) => Result
  readonly onFailure: (requestId: string, error: AgbError) => Result
}

export interface Operation<Subject, Args, A, Result> {
  readonly name: string
  readonly check: Check<Args>
  readonly run: (subject: Subject, args: Args) => Effect.Effect<A, AgbError>
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

/** A time limit as a plain number: above 0 and up to 1 day. */
const time = (unit: string, perDay: number) =>
  Schema.Number.pipe(Schema.filter((n) => n > 0 && n <= perDay, {
    description: `a number of ${unit} above 0 and up to 1 day`
  }))

export const Seconds = time("seconds", 86_400)

export const Millis = time("milliseconds", 86_400_000)
