/** Text formats of the file tools. They cannot represent a newline in a name; it is written as `\n`. */
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { optional } from "./codecs.js"

/** Metadata of a file or directory. `size` is in bytes, `modTime` is ISO 8601. */
export const FileInfo = Schema.Struct({
  name: Schema.String,
  path: Schema.String,
  size: Schema.Number,
  isDirectory: Schema.Boolean,
  modTime: Schema.String,
  mode: Schema.String,
  owner: Schema.String,
  group: Schema.String
})

export type FileInfo = typeof FileInfo.Type

/** A directory entry. */
export const DirectoryEntry = Schema.Struct({ name: Schema.String, isDirectory: Schema.Boolean })

export type DirectoryEntry = typeof DirectoryEntry.Type

/** A change in a watched directory tree. */
export const FileChangeEvent = Schema.Struct({
  eventType: Schema.Literal("create", "modify", "delete"),
  path: Schema.String,
  pathType: Schema.Literal("file", "directory")
})

export type FileChangeEvent = typeof FileChangeEvent.Type

const oneLine = (text: string): string => text.replace(/\r/g, "\\r").replace(/\n/g, "\\n")

const lines = (text: string): ReadonlyArray<string> => text.split("\n").filter((line) => line.trim() !== "")

const readInfo = (text: string): Partial<Record<string, string>> => {
  const fields: Partial<Record<string, string>> = Object.create(null)
  for (const line of lines(text)) {
    const colon = line.indexOf(":")
    if (colon > 0) fields[line.slice(0, colon).trim()] ??= line.slice(colon + 1).trim()
  }
  return fields
}

/** `get_file_info`: `key: value` lines. `size` and `isDirectory` are required, other missing fields are empty strings. */
export const FileInfoText = Schema.transformOrFail(Schema.String, Schema.typeSchema(FileInfo), {
  strict: true,
  decode: (text, _options, ast) => {
    const { group, isDirectory, modTime, mode, name, owner, path, size } = readInfo(text)
    const bytes = Number(size ?? NaN)
    if (!Number.isSafeInteger(bytes) || bytes < 0 || !/^(true|false)$/i.test(isDirectory ?? "")) {
      return ParseResult.fail(new ParseResult.Type(ast, text, "lines `size: <bytes>` and `isDirectory: true or false`"))
    }
    return ParseResult.succeed({
      name: name ?? "",
      path: path ?? "",
      size: bytes,
      isDirectory: isDirectory?.toLowerCase() === "true",
      modTime: modTime ?? "",
      mode: mode ?? "",
      owner: owner ?? "",
      group: group ?? ""
    })
  },
  encode: (info) =>
    ParseResult.succeed(Object.entries(info).map(([key, value]) => `${key}: ${oneLine(String(value))}`).join("\n"))
})

const entryOf = /^\s*\[(DIR|FILE)\] (.*?)\r?$/s

/** `list_directory`: one `[DIR] name` or `[FILE] name` per line; other lines are ignored. */
export const DirectoryText = Schema.transform(Schema.String, Schema.Array(Schema.typeSchema(DirectoryEntry)), {
  strict: true,
  decode: (text) =>
    text.split("\n").flatMap((line) => {
      const match = entryOf.exec(line)
      return match === null ? [] : [{ name: match[2] ?? "", isDirectory: match[1] === "DIR" }]
    }),
  encode: (entries) =>
    entries.map(({ isDirectory, name }) => `${isDirectory ? "[DIR]" : "[FILE]"} ${oneLine(name)}`).join("\n")
})

const noMatches = "No matches found"

/** `search_files`: one path per line, or a fixed sentence if nothing matches. */
export const SearchText = Schema.transform(Schema.String, Schema.Array(Schema.String), {
  strict: true,
  decode: (text) => text.trim() === noMatches ? [] : lines(text).map((line) => line.replace(/\r$/, "")),
  encode: (paths) => paths.length === 0 ? noMatches : paths.map(oneLine).join("\n")
})

const RawEvent = Schema.Struct({
  eventType: optional(Schema.String),
  path: optional(Schema.String),
  pathType: optional(Schema.String)
})

/** `get_file_change`: a JSON array of events. */
export const FileChangeText = Schema.transformOrFail(
  Schema.parseJson(Schema.Array(RawEvent)),
  Schema.Array(Schema.typeSchema(FileChangeEvent)),
  {
    strict: true,
    decode: (events) => ParseResult.decodeUnknown(Schema.Array(FileChangeEvent))(events),
    encode: (events) => ParseResult.succeed(events)
  }
)

/** The content of one file, or the reason why it could not be read. */
export interface FileBlock {
  readonly path: string
  readonly content: string
}

const separator = "\n---\n"

/** `read_multiple_files`: one `path:` line and the content per file, separated by `---` lines. */
export const writeFileBlocks = (blocks: ReadonlyArray<FileBlock>): string =>
  blocks.map(({ content, path }) => `${oneLine(path)}:\n${content}\n`).join(separator)

/**
 * Parses the blocks of the requested `paths`; knowing them makes colons and `---` lines inside a file unambiguous. The
 * format does not delimit outer white space, so content is trimmed.
 */
export const readFileBlocks = (text: string, paths: ReadonlyArray<string>): ReadonlyArray<FileBlock> => {
  const starts: Array<{ readonly path: string; readonly from: number; readonly content: number }> = []
  let at = 0
  for (const path of paths) {
    const head = `${oneLine(path)}:`
    const from = nextBlock(text, starts.length === 0 ? lineStart : afterSeparator, head, at)
    if (from === -1) continue
    at = from + head.length
    starts.push({ path, from, content: at })
  }
  return starts.map(({ content, path }, index) => {
    const next = starts[index + 1]?.from
    const end = next === undefined ? undefined : text.lastIndexOf("---", next)
    return { path, content: text.slice(content, end).trim() }
  })
}

const lineStart = "(?:^|\\n)\\s*"
const afterSeparator = "\\n[^\\S\\n]*---[^\\S\\n]*\\n\\s*"

const nextBlock = (text: string, before: string, head: string, from: number): number => {
  const match = new RegExp(`${before}(?=${escape(head)})`, "g")
  match.lastIndex = from
  const found = match.exec(text)
  return found === null ? -1 : found.index + found[0].length
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
