/** How `agb` fails: what it says, and its exit code. */
import * as AgbError from "@effect-agb/core/AgbError"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { stripVTControlCharacters } from "node:util"
import { complain, write } from "./output/write.js"

/** Ends the program with this code. Without a reason everything is said already. */
export class ExitCode extends Data.TaggedError("ExitCode")<{ readonly code: number; readonly reason?: unknown }> {}

/** The arguments do not make sense together. */
export class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string }> {}

/** A page could not be opened. */
export class OpenError extends Data.TaggedError("OpenError")<{ readonly message: string }> {}

/** The command of the user was not run, or its end is not known: told apart from the exit codes of commands. */
export const notRun = 125

/** For commands that pass on the exit code of what they ran. */
export const orNotRun = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, ExitCode, R> =>
  Effect.mapError(
    effect,
    (error) =>
      error instanceof ExitCode ? error : new ExitCode({ code: codeOf(error) === 2 ? 2 : notRun, reason: error })
  )

/** The exit code of what was stopped at its time limit, as of `timeout(1)`. */
export const timedOut = 124

const startLocal = "start `agb local` in another terminal and export the two variables that it prints"

const adviceOn: Readonly<Record<string, string>> = {
  ConfigurationError: `export AGB_API_KEY for the cloud, or add --local to work on this machine, or ${startLocal}`,
  AuthenticationError: "check AGB_API_KEY, and AGB_ENDPOINT if it is set",
  SessionLostError: "`agb ls` lists the sessions there are",
  ProcessNotFoundError: "`agb ps SESSION` lists the processes there are",
  SandboxUnavailableError: "`agb doctor` says what this machine has"
}

interface Failure {
  readonly error: string
  readonly message: string
  readonly advice: string | undefined
}

/** Why a file of this machine could not be used. */
const systemReasons: Readonly<Record<string, string>> = {
  AlreadyExists: "exists already",
  NotFound: "there is no such file or directory",
  PermissionDenied: "permission denied"
}

const messageOf = (error: unknown): string => {
  if (ValidationError.isValidationError(error)) return stripVTControlCharacters(HelpDoc.toAnsiText(error.error)).trim()
  if (!(error instanceof Error)) return String(error)
  const { pathOrDescriptor, reason } = error as { readonly pathOrDescriptor?: unknown; readonly reason?: unknown }
  const plain = typeof reason === "string" ? systemReasons[reason] : undefined
  return pathOrDescriptor === undefined || plain === undefined ? error.message : `${pathOrDescriptor}: ${plain}`
}

const describe = (error: unknown): Failure => {
  if (error instanceof ExitCode) return describe(error.reason)
  const message = messageOf(error)
  const tag = typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : "Defect"
  return { error: tag, message, advice: adviceOn[tag] }
}

const codeOf = (error: unknown): number => {
  if (error instanceof ExitCode) return error.code
  if (error instanceof UsageError || ValidationError.isValidationError(error)) return 2
  if (!AgbError.isAgbError(error)) return 1
  if (error._tag === "ExecutionTimeoutError") return timedOut
  return error._tag === "ConfigurationError" || error._tag === "InvalidRequestError" ? 2 : 1
}

/** What went wrong, and what to do next. */
const say = ({ advice, message }: Failure): Effect.Effect<void> =>
  complain(advice === undefined ? message : `${message}\n     ${advice}`)

/** One line of JSON on standard error. */
const sayJson = (failure: Failure): Effect.Effect<void> => write("stderr", `${JSON.stringify(failure)}\n`)

interface Invocation {
  readonly json: boolean
  readonly command: string
}

/** Says why it failed, unless that was said, and fails with nothing but the exit code. */
export const report = ({ command, json }: Invocation) => <E>(cause: Cause.Cause<E>): Effect.Effect<never, ExitCode> => {
  if (Cause.isInterruptedOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
  const error = Option.getOrElse(Cause.failureOption(cause), () => Cause.squash(cause))
  const advice = ValidationError.isValidationError(error) ? { advice: `see agb ${command} --help` } : {}
  const isSaid = error instanceof ExitCode && error.reason === undefined
  const said = isSaid ? Effect.void : (json ? sayJson : say)({ ...describe(error), ...advice })
  return Effect.zipRight(said, new ExitCode({ code: codeOf(error) }))
}

/** The exit code of the process. */
export const teardown = <E, A>(exit: Exit.Exit<E, A>, onExit: (code: number) => void): void => {
  if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return onExit(0)
  const failure = Cause.failureOption(exit.cause)
  onExit(Option.isSome(failure) && failure.value instanceof ExitCode ? failure.value.code : 1)
}
