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

/** The path that the text blames, if that is a directory on the way to the path of the call. */
const obstacle = /: (\/[^\n]*) \(needed for \/[^\n]*\)/

/** `paths` are those of the call: the text may blame another one than the first, such as the destination of a move. */
const blamed = (detail: string, [first, ...others]: Paths) => {
  const found = obstacle.exec(detail)?.[1]
  if (found !== undefined) return found
  return isNamed(detail, first) ? first : others.find((path) => isNamed(detail, path)) ?? first
}

/** Whether the text has this path, and not only one that begins with it. */
const isNamed = (detail: string, path: string) => {
  for (let at = detail.indexOf(path); at >= 0; at = detail.indexOf(path, at + 1)) {
    if (/^(?:$|[\s"'`,;:)])/.test(detail.slice(at + path.length, at + path.length + 1))) return true
  }
  return false
}

type Paths = readonly [string, ...ReadonlyArray<string>]

/** The error of a tool on one of these paths. */
export const fromText = ({ detail, operation, requestId }: ToolError, paths: Paths): FileNotFoundError | FileError => {
  const path = blamed(detail, paths)
  const reason = reasons.find(([pattern]) => pattern.test(detail))?.[1]
  return reason === undefined && missing.test(detail)
    ? new FileNotFoundError({ operation, requestId, path, detail })
    : new FileError({ operation, requestId, path, reason: reason ?? "Other", detail, mayHaveHappened: false })
}

/** Maps a `ToolError` on one of these paths to `FileNotFoundError` or `FileError`. */
export const fromTool =
  (...paths: Paths) => <A>(effect: Effect.Effect<A, ClientError | ToolError>): Effect.Effect<A, FileSystemError> =>
    Effect.mapError(effect, (error) => error._tag === "ToolError" ? fromText(error, paths) : error)
