/** The file tools of one session. */
import { ToolFailure, type ToolHandlers } from "@effect-agb/core/AgbServer"
import { fileBlocks } from "@effect-agb/core/AgbTools"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SandboxLost } from "../../sandbox/channel/protocol.js"
import type { Ask } from "./agentCall.js"
import { aroundRange, textOfRange } from "./textRange.js"

const Entries = Schema.Struct({
  entries: Schema.Array(Schema.Struct({ name: Schema.String, isDirectory: Schema.Boolean }))
})

const Info = Schema.Struct({
  name: Schema.String,
  path: Schema.String,
  size: Schema.NonNegativeInt,
  isDirectory: Schema.Boolean,
  modTime: Schema.String,
  mode: Schema.String,
  owner: Schema.String,
  group: Schema.String
})

const Changes = Schema.Struct({
  events: Schema.Array(Schema.Struct({
    eventType: Schema.Literal("create", "modify", "delete"),
    path: Schema.String,
    pathType: Schema.Literal("file", "directory")
  }))
})

/** `limit` says why the search was ended before it had seen everything. */
const Found = Schema.Struct({ paths: Schema.Array(Schema.String), limit: Schema.NullOr(Schema.String) })

const Size = Schema.Struct({ size: Schema.NonNegativeInt })

/** The most that one answer carries; what is longer is read in ranges. */
const maxAnswerBytes = 16 * 1024 * 1024

const tooLong = (path: string, size: number) =>
  new ToolFailure({ text: `EFBIG: ${path} has ${size} bytes, read it in ranges of at most ${maxAnswerBytes}` })

const readRange = (ask: Ask, path: string, offset: number, length: number, extra: number) =>
  Effect.flatMap(
    ask({ op: "readFile", path, offset, length: (length === 0 ? maxAnswerBytes : length) + extra }, Size),
    ({ body, value: { size } }) =>
      (length === 0 ? size - offset : length) > maxAnswerBytes + aroundRange
        ? Effect.fail(tooLong(path, size))
        : Effect.succeed(body)
  )

const readText = (ask: Ask, path: string, offset: number, length: number) => {
  const before = Math.min(offset, aroundRange)
  const wanted = length === 0 ? 0 : length + before
  return Effect.map(
    readRange(ask, path, offset - before, wanted, aroundRange),
    (body) => textOfRange(body, before, wanted === 0 ? body.length : wanted)
  )
}

const readFile = (ask: Ask): ToolHandlers<SandboxLost>["read_file"] => ({ format, length = 0, offset = 0, path }) =>
  format === "binary"
    ? Effect.map(readRange(ask, path, offset, length, 0), (body) => Buffer.from(body).toString("base64"))
    : readText(ask, path, offset, length)

const readMultipleFiles = (ask: Ask): ToolHandlers<SandboxLost>["read_multiple_files"] => ({ paths }) =>
  Effect.map(
    Effect.forEach(paths, (path) =>
      readFile(ask)({ path }).pipe(
        Effect.catchTag("ToolFailure", ({ text }) => Effect.succeed(`Error - ${text}`)),
        Effect.map((content) => ({ path, content }))
      )),
    fileBlocks
  )

const search = (ask: Ask): ToolHandlers<SandboxLost>["search_files"] => ({ excludePatterns = [], path, pattern }) =>
  Effect.flatMap(ask({ op: "searchFiles", path, pattern, excludePatterns }, Found), ({ value }) =>
    value.limit === null
      ? Effect.succeed(value.paths)
      : new ToolFailure({
        text: `the search below ${path} was stopped at its limit (${value.limit}), narrow the path or the pattern`
      }))

export const fileHandlers = (ask: Ask): Omit<ToolHandlers<SandboxLost>, "run_code" | "shell" | "get_metrics"> => ({
  create_directory: ({ path }) =>
    Effect.as(ask({ op: "createDirectory", path }, Schema.Null), `Created directory ${path}`),
  delete_file: ({ path }) => Effect.as(ask({ op: "deleteFile", path }, Schema.Null), `Deleted ${path}`),
  edit_file: ({ dryRun = false, edits, path }) =>
    Effect.map(
      ask({ op: "editFile", path, edits, dryRun }, Schema.Struct({ diff: Schema.String })),
      ({ value }) => value.diff
    ),
  get_file_info: ({ path }) => Effect.map(ask({ op: "fileInfo", path }, Info), ({ value }) => value),
  list_directory: ({ path }) => Effect.map(ask({ op: "listDirectory", path }, Entries), ({ value }) => value.entries),
  move_file: ({ destination, source }) =>
    Effect.as(ask({ op: "moveFile", source, destination }, Schema.Null), `Moved ${source} to ${destination}`),
  read_file: readFile(ask),
  read_multiple_files: readMultipleFiles(ask),
  search_files: search(ask),
  write_file: ({ content, mode = "overwrite", path }) =>
    Effect.as(
      ask(
        { op: "writeFile", path, mode },
        Schema.Struct({ bytesWritten: Schema.NonNegativeInt }),
        Buffer.from(content)
      ),
      `Wrote ${path}`
    ),
  get_file_change: ({ path }) => Effect.map(ask({ op: "fileChange", path }, Changes), ({ value }) => value.events)
})
