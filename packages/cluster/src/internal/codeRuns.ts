/** Runs of code that take effect at most once: each is claimed in its session before it begins, and its outcome is recorded there. */
import * as AgbError from "@effect-agb/core/AgbError"
import type * as Code from "@effect-agb/core/Code"
import type { Session } from "@effect-agb/core/Session"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { patiently, patientlyOnce } from "./patience.js"

/** Result of a run: the text of its value, what it displayed and printed. */
export class CodeResult extends Schema.Class<CodeResult>("@effect-agb/cluster/CodeResult")({
  /** The value of the last expression as text; else the first displayed text; else standard output. */
  text: Schema.String,
  /** All displayed values in order, each in all its representations. */
  results: Schema.Array(AgbError.CodeResultItem),
  stdout: Schema.String,
  stderr: Schema.String
}) {}

/** Options of `runCode`. */
export interface RunCodeOptions {
  /** Time limit of the code, rounded up to whole seconds. Default: 300 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
}

export interface Source {
  readonly code: string
  readonly language: string
}

const operation = "AgbWorkflow.runCode"

/** The outcome of a run that has ended, as a file of the session. */
const Outcome = Schema.parseJson(Schema.Either({ left: AgbError.AgbError, right: CodeResult }))

type Outcome = typeof Outcome.Type

const pathsOf = (key: string) => ({ claim: `/tmp/.agb-run-${key}`, outcome: `/tmp/.agb-run-${key}.json` })

/**
 * A run begins within this time of its claim, or never, and ends within its time limit of its beginning. Whoever waits for its
 * outcome waits for as long, so that nothing runs once it has given up: a process that was stopped, and goes on after that, does
 * not run what it has claimed before.
 */
const grace = Duration.minutes(2)

const isMissing = ({ _tag }: { readonly _tag: string }): boolean => _tag === "FileNotFoundError"

/** Whether the claim is ours: of two, one alone can make the file. */
const claim = ({ fileSystem }: Session, path: string): Effect.Effect<boolean, AgbError.AgbError> => {
  const token = crypto.randomUUID()
  const isOurs = Effect.map(fileSystem.readFile(path), (found) => found === token)
  const make = fileSystem.writeFile(path, token, { mode: "create_new" }).pipe(
    Effect.as(true),
    Effect.catchIf((error) => error._tag === "FileError" && error.reason === "AlreadyExists", () => isOurs),
    // The reply may be lost after the file was made.
    Effect.catchIf(
      (error) => error._tag !== "SessionLostError" && error.mayHaveHappened === true,
      (error) => Effect.catchIf(isOurs, isMissing, () => Effect.fail(error))
    )
  )
  return patientlyOnce(make)
}

const recorded = ({ fileSystem }: Session, path: string): Effect.Effect<Option.Option<Outcome>, AgbError.AgbError> =>
  patiently(fileSystem.readFile(path)).pipe(
    Effect.flatMap((text) => Effect.orDie(Schema.decode(Outcome)(text))),
    Effect.asSome,
    Effect.catchIf(isMissing, () => Effect.succeedNone)
  )

/** The error of a run of which nobody knows how it ended. */
export const unknown = (detail: string): AgbError.ExecutionUnknownError =>
  new AgbError.ExecutionUnknownError({ operation, stdout: "", stderr: "", detail })

/** The outcome of a run that was claimed before, by a process that may still be at it. */
const awaited = (
  session: Session,
  path: string,
  timeout: Duration.DurationInput
): Effect.Effect<CodeResult, AgbError.AgbError> =>
  Effect.gen(function*() {
    for (;;) {
      const outcome = yield* recorded(session, path)
      if (Option.isSome(outcome)) return yield* outcome.value
      yield* Effect.sleep("1 second")
    }
  }).pipe(Effect.timeoutFail({
    duration: Duration.sum(timeout, grace),
    onTimeout: () => unknown("it was begun before, and its outcome was not recorded")
  }))

type Paths = ReturnType<typeof pathsOf>

/** What a run that failed leaves: its outcome if that is known, and no claim if nothing ran. */
const settle = ({ fileSystem }: Session, { claim, outcome }: Paths, error: Code.RunCodeError) => {
  switch (error._tag) {
    case "CodeExecutionError":
    case "ExecutionTimeoutError":
      return record(fileSystem, outcome, Either.left(error))
    case "SessionLostError":
      return Effect.void
    default:
      return error.mayHaveHappened ? Effect.void : Effect.ignore(fileSystem.remove(claim, { force: true }))
  }
}

const record = (fileSystem: Session["fileSystem"], path: string, outcome: Outcome) =>
  Effect.flatMap(Effect.orDie(Schema.encode(Outcome)(outcome)), (text) => patiently(fileSystem.writeFile(path, text)))

/** What is stored of a result. */
export const resultOf = ({ results, stderr, stdout, text }: Code.CodeResult): CodeResult =>
  new CodeResult({ text, results, stdout, stderr })

interface Claim extends Source {
  readonly paths: Paths
  /** When it was asked for. */
  readonly since: number
  readonly options: RunCodeOptions | undefined
}

const begun = ({ code: { runCode } }: Session, { code, language, options, since }: Claim) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    now - since < Duration.toMillis(grace)
      ? runCode(code, language, options)
      : unknown("it was claimed, and not begun in time"))

const claimed = (session: Session, { paths, ...rest }: Claim) =>
  patiently(begun(session, { paths, ...rest }), 5).pipe(
    Effect.tapError((error) => settle(session, paths, error)),
    Effect.map(resultOf),
    Effect.tap((result) => record(session.fileSystem, paths.outcome, Either.right(result)))
  )

/** Whether the run of this key is ours to begin. */
export const claimRun = (session: Session, key: string): Effect.Effect<boolean, AgbError.AgbError> =>
  claim(session, pathsOf(key).claim)

/** Runs the code, or returns the outcome of the run of this key. */
export const run = (
  session: Session,
  key: string,
  source: Source,
  options?: RunCodeOptions
): Effect.Effect<CodeResult, AgbError.AgbError> =>
  Effect.gen(function*() {
    const paths = pathsOf(key)
    const since = yield* Clock.currentTimeMillis
    if (yield* claim(session, paths.claim)) return yield* claimed(session, { ...source, paths, since, options })
    return yield* awaited(session, paths.outcome, options?.timeout ?? "5 minutes")
  })
