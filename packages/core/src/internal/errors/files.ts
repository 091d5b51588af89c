/** Errors of the files of a session and of contexts. */
import * as Schema from "effect/Schema"
import { call, line, sentence } from "./sharedFields.js"
import { prefix, TypeId } from "./typeId.js"

/**
 * The file or directory does not exist in the session.
 *
 * @since 0.1.0
 * @category errors
 */
export class FileNotFoundError extends Schema.TaggedError<FileNotFoundError>(prefix + "FileNotFoundError")(
  "FileNotFoundError",
  { ...call, path: Schema.String, detail: Schema.String }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  readonly mayHaveHappened = false
  override get message(): string {
    return line(`${this.operation}: ${this.path} does not exist`)
  }
}

/**
 * A file operation failed, except for a missing file. `detail` is the error text of the session. `Incomplete` means a partial
 * write, `Changed` that the file changed while it was read, `NotText` that the content is not valid UTF-8.
 *
 * @since 0.1.0
 * @category errors
 */
export class FileError extends Schema.TaggedError<FileError>(prefix + "FileError")(
  "FileError",
  {
    ...call,
    path: Schema.String,
    reason: Schema.Literal(
      "AlreadyExists",
      "PermissionDenied",
      "IsDirectory",
      "NotDirectory",
      "NoMatch",
      "NotText",
      "Changed",
      "Incomplete",
      "Other"
    ),
    detail: Schema.String,
    mayHaveHappened: Schema.Boolean
  }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = false
  override get message(): string {
    return sentence(`${this.operation}: ${this.path} (${this.reason})`, this.detail)
  }
}

/**
 * Work on a context was refused or failed on the server (`Failed`), or the server did not confirm it in time (`Unconfirmed`): it
 * may or may not have been done. `path` is the directory of the session or the file of the context, or empty.
 *
 * @since 0.1.0
 * @category errors
 */
export class ContextError extends Schema.TaggedError<ContextError>(prefix + "ContextError")(
  "ContextError",
  {
    ...call,
    contextId: Schema.String,
    path: Schema.String,
    reason: Schema.Literal("Failed", "Unconfirmed"),
    detail: Schema.String
  }
) {
  readonly [TypeId]: TypeId = TypeId
  readonly retryable = true
  readonly mayHaveHappened = true
  override get message(): string {
    const what = this.reason === "Failed" ? "failed" : "was not confirmed"
    const where = [this.path, this.contextId].filter((text) => text !== "").join(" of ")
    return sentence(`${this.operation}: the work on ${where === "" ? "the contexts" : where} ${what}`, this.detail)
  }
}
