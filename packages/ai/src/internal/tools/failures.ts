/** Which errors a model can read and go on from, and which end its work. */
import {
  AuthenticationError,
  type ClientError,
  type CodeExecutionError,
  type CommandExitError,
  ContextError,
  type ExecutionTimeoutError,
  type ExecutionUnknownError,
  type FileError,
  type FileNotFoundError,
  type InvalidRequestError,
  type LimitExceededError,
  MalformedResponseError,
  PoolExhaustedError,
  type ProcessError,
  type ProcessNotFoundError,
  RateLimitedError,
  RequestRejectedError,
  ServerError,
  SessionLostError,
  type ToolError,
  TransportError
} from "@effect-agb/core/AgbError"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Problem } from "./results.js"

export const AccountError = Schema.Union(
  AuthenticationError,
  SessionLostError,
  RateLimitedError,
  RequestRejectedError,
  ServerError,
  TransportError,
  MalformedResponseError,
  PoolExhaustedError,
  ContextError
)

export type AccountError = typeof AccountError.Type

/** Errors about what the model asked for. */
type Readable =
  | InvalidRequestError
  | LimitExceededError
  | ToolError
  | FileError
  | FileNotFoundError
  | ProcessError
  | ProcessNotFoundError
  | CodeExecutionError
  | CommandExitError
  | ExecutionTimeoutError
  | ExecutionUnknownError

const problems: Readonly<Record<Readable["_tag"], Problem["problem"]>> = {
  InvalidRequestError: "InvalidArgument",
  LimitExceededError: "LimitExceeded",
  ToolError: "ToolFailed",
  FileError: "FileFailed",
  FileNotFoundError: "NotFound",
  ProcessError: "ProcessFailed",
  ProcessNotFoundError: "NotFound",
  CodeExecutionError: "ToolFailed",
  CommandExitError: "ToolFailed",
  ExecutionTimeoutError: "ToolFailed",
  ExecutionUnknownError: "OutcomeUnknown"
}

const isReadable = (error: Readable | AccountError): error is Readable => Object.hasOwn(problems, error._tag)

const longest = 2_000

export const problem = (kind: Problem["problem"], message: string): Problem => ({
  problem: kind,
  message: message.slice(0, longest)
})

/** Makes results of the errors that a model can go on from, and leaves those of the account. */
export const settle = <A, R>(
  self: Effect.Effect<A, Readable | ClientError, R>
): Effect.Effect<A | Problem, AccountError, R> =>
  Effect.catchAll(
    self,
    (error): Effect.Effect<Problem, AccountError> =>
      isReadable(error) ? Effect.succeed(problem(problems[error._tag], error.message)) : Effect.fail(error)
  )
