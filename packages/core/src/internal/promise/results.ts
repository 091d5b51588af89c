/** Result mappers of the promise API. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { SessionSummary } from "../../Agb.js"
import type { AgbError } from "../../AgbError.js"
import type * as Code from "../../Code.js"
import type * as Command from "../../Command.js"
import type { DirectoryEntry, FileChangeEvent, FileInfo } from "../../FileSystem.js"
import type * as Results from "../../OperationResult.js"
import type { ResultMapper } from "./operation.js"

const succeeded = <Value extends object>(requestId: string, value: Value): Results.Succeeded & Value => ({
  requestId,
  success: true,
  ...value
})

const failed = <Neutral extends object>(
  requestId: string,
  error: AgbError,
  neutral: Neutral
): Results.Failed & Neutral => ({ requestId, success: false, errorMessage: error.message, error, ...neutral })

/** A success has the fields of the value, a failure has none of them. */
const shape = <A, Value extends object>(fields: (value: A) => Value): ResultMapper<A, Results.Result<Value, {}>> => ({
  onSuccess: (requestId, value) => succeeded(requestId, fields(value)),
  onFailure: (requestId, error) => failed(requestId, error, {})
})

export const data = <A>(): ResultMapper<A, Results.OperationResult<A>> => shape((data) => ({ data }))

export const done: ResultMapper<void, Results.BoolResult> = shape(() => ({ data: true }))

export const deleted: ResultMapper<void, Results.DeleteResult> = shape(() => ({}))

export const session = <Session>(): ResultMapper<Session, Results.SessionResult<Session>> =>
  shape((session) => ({ session }))

export const sessionList: ResultMapper<ReadonlyArray<SessionSummary>, Results.SessionListResult> = shape((
  sessions
) => ({
  sessionIds: sessions.map(({ sessionId }) => sessionId),
  sessions,
  totalCount: sessions.length
}))

/** The output recorded in an error. */
const outputOf = (error: AgbError): Results.CodeLogs => ({
  stdout: "stdout" in error ? error.stdout : "",
  stderr: "stderr" in error ? error.stderr : ""
})

export const code: ResultMapper<Code.CodeResult, Results.CodeExecutionResult> = {
  onSuccess: (requestId, { executionCount, executionTime, results, stderr, stdout, text }) =>
    succeeded(requestId, {
      result: text,
      logs: { stdout, stderr },
      results,
      executionCount,
      executionTime: executionTime === undefined ? undefined : Duration.toSeconds(executionTime)
    }),
  onFailure: (requestId, error) =>
    failed(requestId, error, {
      result: "",
      logs: outputOf(error),
      results: error._tag === "CodeExecutionError" ? error.results : []
    })
}

/** The last event of a stream, with the same fields as a result. */
export const completed = ({ isWhole, result }: Code.Completed): Results.CodeCompleted => {
  const { executionCount, executionTime, results, stderr, stdout, text } = result
  return {
    _tag: "Completed",
    result: text,
    logs: { stdout, stderr },
    results,
    executionCount,
    executionTime: executionTime === undefined ? undefined : Duration.toSeconds(executionTime),
    isWhole
  }
}

export const command: ResultMapper<Command.CommandResult, Results.CommandResult> = {
  onSuccess: succeeded,
  onFailure: (requestId, error) => {
    const { stderr, stdout } = outputOf(error)
    const exitCode = error._tag === "CommandExitError" ? error.exitCode : undefined
    const trace = "traceId" in error && error.traceId !== undefined ? { traceId: error.traceId } : {}
    return failed(requestId, error, { output: stdout + stderr, stdout, stderr, exitCode, ...trace })
  }
}

/** The last event of a stream, in plain values. */
export const exited = ({ duration, exitCode, signal, timedOut }: Command.Exited): Results.CommandExited => ({
  _tag: "Exited",
  exitCode,
  signal: Option.getOrUndefined(signal),
  timedOut,
  durationMs: Duration.toMillis(duration)
})

export const content: ResultMapper<string, Results.FileContentResult> = shape((content) => ({ content }))

export const binaryContent: ResultMapper<Uint8Array, Results.BinaryFileContentResult> = shape((content) => ({
  content
}))

export const contents: ResultMapper<ReadonlyMap<string, string>, Results.MultipleFileContentResult> = shape((
  files
) => ({
  contents: Object.fromEntries(files)
}))

export const entries: ResultMapper<ReadonlyArray<DirectoryEntry>, Results.DirectoryListResult> = shape((entries) => ({
  entries
}))

export const fileInfo: ResultMapper<FileInfo, Results.FileInfoResult> = shape((fileInfo) => ({ fileInfo }))

export const matches: ResultMapper<ReadonlyArray<string>, Results.FileSearchResult> = shape((matches) => ({ matches }))

export const events: ResultMapper<ReadonlyArray<FileChangeEvent>, Results.FileChangeResult> = shape((events) => ({
  events
}))

export const edited: ResultMapper<string, Results.EditFileResult> = shape((diff) => ({ data: true, diff }))
