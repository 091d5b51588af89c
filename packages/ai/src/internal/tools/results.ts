/** What the tools return: what a model reads, and what only a program sees. */
import * as Schema from "effect/Schema"

const figureFields = {
  mimeType: Schema.String,
  /** Size of the image in bytes. */
  byteLength: Schema.NonNegativeInt
}

/**
 * The image itself is not encoded: as base64 in a text it would cost a model hundreds of thousands of tokens and tell it nothing. Those who
 * can send images take it from the decoded result.
 */
export const Figure = Schema.transform(
  Schema.Struct(figureFields),
  Schema.Struct({ ...figureFields, data: Schema.optional(Schema.Uint8ArrayFromSelf) }),
  { strict: true, decode: (figure) => figure, encode: ({ byteLength, mimeType }) => ({ byteLength, mimeType }) }
)

export type Figure = typeof Figure.Type

export const Problem = Schema.Struct({
  problem: Schema.Literal(
    "InvalidArgument",
    "NotFound",
    "NoMatch",
    "FileFailed",
    "ProcessFailed",
    "ToolFailed",
    "LimitExceeded",
    "OutcomeUnknown"
  ),
  message: Schema.String
})

export type Problem = typeof Problem.Type

export const RunCodeResult = Schema.Struct({
  output: Schema.String,
  error: Schema.optional(Schema.String),
  figures: Schema.Array(Figure)
})

export type RunCodeResult = typeof RunCodeResult.Type

export const ShellResult = Schema.Struct({
  exit_code: Schema.NullOr(Schema.Int),
  stdout: Schema.String,
  stderr: Schema.String,
  error: Schema.optional(Schema.String)
})

export type ShellResult = typeof ShellResult.Type

export const ReadFileResult = Schema.Struct({ content: Schema.String, figures: Schema.optional(Schema.Array(Figure)) })

export type ReadFileResult = typeof ReadFileResult.Type

export const WriteFileResult = Schema.Struct({ path: Schema.String, bytes_written: Schema.NonNegativeInt })

export const EditFileResult = Schema.Struct({ diff: Schema.String })

export const ListDirectoryResult = Schema.Struct({
  entries: Schema.Array(Schema.String),
  note: Schema.optional(Schema.String)
})

export type ListDirectoryResult = typeof ListDirectoryResult.Type

export const SearchResult = Schema.Struct({ matches: Schema.String, note: Schema.optional(Schema.String) })

export type SearchResult = typeof SearchResult.Type

export const ProcessResult = Schema.Struct({
  process_id: Schema.String,
  status: Schema.Literal("running", "exited"),
  exit_code: Schema.optional(Schema.Int),
  output: Schema.String,
  note: Schema.optional(Schema.String)
})

export type ProcessResult = typeof ProcessResult.Type
