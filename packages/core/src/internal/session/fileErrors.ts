/** Classifies errors of file tools by their text: the API has no error codes for them. */
import * as Effect from "effect/Effect"
import { type ClientError, FileError, FileNotFoundError, type ToolError } from "../../AgbError.js"

export type FileSystemError = ClientError | FileNotFoundError | FileError

const reasons: ReadonlyArray<readonly [RegExp, FileError["reason"]]> = [
  [/EEXIST|already exists|file exists/i, "AlreadyExists"],
  [/EISDIR|is a directory/i, "IsDirectory"],
  [/ENOTDIR|not a directory/i, "NotDirectory"],
  [/EACCES|EPERM|EROFS|permission denied|not permitted|read-only/i, "PermissionDenied"],
  [/NO_MATCH|no match|not match|could not find exact/i, "NoMatch"]
]

const missing = /ENOENT|no such file|not found|does not exist/i

const fromText = ({ detail, operation, requestId }: ToolError, path: string): FileNotFoundError | FileError => {
  const reason = reasons.find(([pattern]) => pattern.test(detail))?.[1]
  return reason === undefined && missing.test(detail)
    ? new FileNotFoundError({ operation, requestId, path, detail })
    : new FileError({ operation, requestId, path, reason: reason ?? "Other", detail, mayHaveHappened: false })
}

/** Maps a `ToolError` on a path to `FileNotFoundError` or `FileError`. */
export const fromTool =
  (path: string) => <A>(effect: Effect.Effect<A, ClientError | ToolError>): Effect.Effect<A, FileSystemError> =>
    Effect.mapError(effect, (error) => error._tag === "ToolError" ? fromText(error, path) : error)
