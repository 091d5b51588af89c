/** Makes results: the fields that all have in common, and those of each kind. */
import * as Duration from "effect/Duration"
import type { SessionSummary } from "../../Agb.js"
import type { AgbError } from "../../AgbError.js"
import type * as Code from "../../Code.js"
import type * as Command from "../../Command.js"
import type { DirectoryEntry, FileChangeEvent, FileInfo } from "../../FileSystem.js"
import type * as Results from "../../OperationResult.js"
import type { Shape } from "./operation.js"

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

/** The value stands under one or more names, and a failure has none of them. */
const shape = <A, Value extends object>(fields: (value: A) => Value): Shape<A, Results.Result<Value, {}>> => ({
  onSuccess: (requestId, value) => succeeded(requestId, fields(value)),
  onFailure: (requestId, error) => failed(requestId, error, {})
})

export const data = <A>(): Shape<A, Results.OperationResult<A>> => shape((data) => ({ data }))

export const done: Shape<void, Results.BoolResult> = shape(() => ({ data: true }))

export const deleted: Shape<void, Results.DeleteResult> = shape(() => ({}))

export const session = <Session>(): Shape<Session, Results.SessionResult<Session>> => shape((session) => ({ session }))

export const sessionList: Shape<ReadonlyArray<SessionSummary>, Results.SessionListResult> = shape((sessions) => ({
  sessionIds: sessions.map(({ sessionId }) => sessionId),
  sessions,
  totalCount: sessions.length
}))

/** What an error knows of the output so far. */
const printed = (error: AgbError): Results.CodeLogs => ({
  stdout: "stdout" in error ? error.stdout : "",
  stderr: "stderr" in error ? error.stderr : ""
})

export const code: Shape<Code.CodeResult, Results.CodeExecutionResult> = {
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
      logs: printed(error),
      results: error._tag === "CodeExecutionError" ? error.results : []
    })
}

export const command: Shape<Command.CommandResult, Results.CommandResult> = {
  onSuccess: succeeded,
  onFailure: (requestId, error) => {
    const { stderr, stdout } = printed(error)
    const exitCode = error._tag === "CommandExitError" ? error.exitCode : undefined
    return failed(requestId, error, { output: stdout + stderr, stdout, stderr, exitCode })
  }
}

export const content: Shape<string, Results.FileContentResult> = shape((content) => ({ content }))

export const binaryContent: Shape<Uint8Array, Results.BinaryFileContentResult> = shape((content) => ({ content }))

export const contents: Shape<ReadonlyMap<string, string>, Results.MultipleFileContentResult> = shape((files) => ({
  contents: Object.fromEntries(files)
}))

export const entries: Shape<ReadonlyArray<DirectoryEntry>, Results.DirectoryListResult> = shape((entries) => ({
  entries
}))

export const fileInfo: Shape<FileInfo, Results.FileInfoResult> = shape((fileInfo) => ({ fileInfo }))

export const matches: Shape<ReadonlyArray<string>, Results.FileSearchResult> = shape((matches) => ({ matches }))

export const events: Shape<ReadonlyArray<FileChangeEvent>, Results.FileChangeResult> = shape((events) => ({ events }))

export const edited: Shape<string, Results.EditFileResult> = shape((diff) => ({ data: true, diff }))
