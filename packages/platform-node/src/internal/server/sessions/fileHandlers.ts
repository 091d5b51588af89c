/** The file tools of one session. */
import { ToolFailure, type ToolHandlers } from "@effect-agb/core/AgbServer"
import { fileBlocks } from "@effect-agb/core/AgbTools"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SandboxLost } from "../../sandbox/channel/protocol.js"
import type { AgentCall } from "./agentCall.js"
import { contextBytes, textOfRange } from "./textRange.js"

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

/** `limit` names the limit at which the search stopped, if it did not complete. */
const Found = Schema.Struct({ paths: Schema.Array(Schema.String), limit: Schema.NullOr(Schema.String) })

const Size = Schema.Struct({ size: Schema.NonNegativeInt })

/** Largest content of one reply; larger files are read in ranges. */
const maxReplyBytes = 16 * 1024 * 1024

const tooLong = (path: string, size: number) =>
  new ToolFailure({ text: `EFBIG: ${path} has ${size} bytes, read it in ranges of at most ${maxReplyBytes}` })

const readRange = <E>(agentCall: AgentCall<E>, path: string, offset: number, length: number, extra: number) =>
  Effect.flatMap(
    agentCall({ op: "readFile", path, offset, length: (length === 0 ? maxReplyBytes : length) + extra }, Size),
    ({ body, value: { size } }) =>
      (length === 0 ? size - offset : length) > maxReplyBytes + contextBytes
        ? Effect.fail(tooLong(path, size))
        : Effect.succeed(body)
  )

const readText = <E>(agentCall: AgentCall<E>, path: string, offset: number, length: number) => {
  const before = Math.min(offset, contextBytes)
  const wanted = length === 0 ? 0 : length + before
  return Effect.map(
    readRange(agentCall, path, offset - before, wanted, contextBytes),
    (body) => textOfRange(body, before, wanted === 0 ? body.length : wanted)
  )
}

const readFile =
  <E>(agentCall: AgentCall<E>): ToolHandlers<SandboxLost | E>["read_file"] =>
  ({ format, length = 0, offset = 0, path }) =>
    format === "binary"
      ? Effect.map(readRange(agentCall, path, offset, length, 0), (body) => Buffer.from(body).toString("base64"))
      : readText(agentCall, path, offset, length)

const tooMuch = (path: string) =>
  `EFBIG: ${path} is left out: the files of one call have at most ${maxReplyBytes} bytes, read it alone`

/** Each file is read within what the files before it have left of the bytes of a reply. */
const readMultipleFiles =
  <E>(agentCall: AgentCall<E>): ToolHandlers<SandboxLost | E>["read_multiple_files"] => ({ paths }) => {
    let left = maxReplyBytes
    const readOne = (path: string) =>
      Effect.map(
        agentCall({ op: "readFile", path, offset: 0, length: Math.max(left, 1) }, Size),
        ({ body, value: { size } }) => {
          if (size > maxReplyBytes) return `Error - ${tooLong(path, size).text}`
          if (size > left) return `Error - ${tooMuch(path)}`
          left -= size
          return textOfRange(body, 0, body.length)
        }
      )
    return Effect.map(
      Effect.forEach(paths, (path) =>
        readOne(path).pipe(
          Effect.catchIf(
            (error) => error instanceof ToolFailure,
            ({ text }) => Effect.succeed(`Error - ${text}`)
          ),
          Effect.map((content) => ({ path, content }))
        )),
      fileBlocks
    )
  }

const search =
  <E>(agentCall: AgentCall<E>): ToolHandlers<SandboxLost | E>["search_files"] =>
  ({ excludePatterns = [], path, pattern }) =>
    Effect.flatMap(
      agentCall({ op: "searchFiles", path, pattern, excludePatterns }, Found),
      ({ value }) =>
        value.limit === null
          ? Effect.succeed(value.paths)
          : new ToolFailure({
            text: `the search below ${path} was stopped at its limit (${value.limit}), narrow the path or the pattern`
          })
    )

export const fileHandlers = <E>(
  agentCall: AgentCall<E>
): Omit<ToolHandlers<SandboxLost | E>, "run_code" | "shell" | "get_metrics"> => ({
  create_directory: ({ path }) =>
    Effect.as(agentCall({ op: "createDirectory", path }, Schema.Null), `Created directory ${path}`),
  delete_file: ({ path }) => Effect.as(agentCall({ op: "deleteFile", path }, Schema.Null), `Deleted ${path}`),
  edit_file: ({ dryRun = false, edits, path }) =>
    Effect.map(
      agentCall({ op: "editFile", path, edits, dryRun }, Schema.Struct({ diff: Schema.String })),
      ({ value }) => value.diff
    ),
  get_file_info: ({ path }) => Effect.map(agentCall({ op: "fileInfo", path }, Info), ({ value }) => value),
  list_directory: ({ path }) =>
    Effect.map(agentCall({ op: "listDirectory", path }, Entries), ({ value }) => value.entries),
  move_file: ({ destination, source }) =>
    Effect.as(agentCall({ op: "moveFile", source, destination }, Schema.Null), `Moved ${source} to ${destination}`),
  read_file: readFile(agentCall),
  read_multiple_files: readMultipleFiles(agentCall),
  search_files: search(agentCall),
  write_file: ({ content, mode = "overwrite", path }) =>
    Effect.as(
      agentCall(
        { op: "writeFile", path, mode },
        Schema.Struct({ bytesWritten: Schema.NonNegativeInt }),
        Buffer.from(content)
      ),
      `Wrote ${path}`
    ),
  get_file_change: ({ path }) => Effect.map(agentCall({ op: "fileChange", path }, Changes), ({ value }) => value.events)
})
