/** Text formats of the file tools. They cannot represent a newline in a name; it is written as `\n`. A CR is written as it is. */
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { optional } from "../codecs.js"
import { isGatewayText } from "./gatewayText.js"

/** The text of a tool that only confirms: any, but the error page of a proxy. */
export const confirmationText = () =>
  Schema.String.pipe(
    Schema.filter((text) => !isGatewayText(text) && text.trim() !== "null", { description: "the reply of the tool" })
  )

/** Metadata of a file or directory. `size` is in bytes, `modTime` is ISO 8601. */
const fileInfo = () =>
  Schema.Struct({
    name: Schema.String,
    path: Schema.String,
    size: Schema.Number,
    isDirectory: Schema.Boolean,
    modTime: Schema.String,
    mode: Schema.String,
    owner: Schema.String,
    group: Schema.String
  })

export type FileInfo = ReturnType<typeof fileInfo>["Type"]

/** A directory entry. */
const directoryEntry = () => Schema.Struct({ name: Schema.String, isDirectory: Schema.Boolean })

export type DirectoryEntry = ReturnType<typeof directoryEntry>["Type"]

/** A change in a watched directory tree. */
const fileChangeEvent = () =>
  Schema.Struct({
    eventType: Schema.Literal("create", "modify", "delete"),
    path: Schema.String,
    pathType: Schema.Literal("file", "directory")
  })

export type FileChangeEvent = ReturnType<typeof fileChangeEvent>["Type"]

const oneLine = (text: string): string => text.replace(/\n/g, "\\n")

const isCrlf = (lines: ReadonlyArray<string>): boolean =>
  lines.length > 1 && lines.slice(0, -1).every((line) => line.endsWith("\r"))

/** Lines that end with LF, or all with CRLF. A CR before some of the line ends belongs to the names. */
const splitLines = (text: string): ReadonlyArray<string> => {
  const lines = text.split("\n")
  return isCrlf(lines) ? lines.map((line, index) => index < lines.length - 1 ? line.slice(0, -1) : line) : lines
}

const lines = (text: string): ReadonlyArray<string> => splitLines(text).filter((line) => line.trim() !== "")

/** An empty line comes first where names that end with CR would look like lines that end with CRLF. */
const joinLines = (texts: ReadonlyArray<string>): string => {
  const lines = texts.map(oneLine)
  return (isCrlf(lines) ? ["", ...lines] : lines).join("\n")
}

const readInfo = (text: string): Partial<Record<string, string>> => {
  const fields: Partial<Record<string, string>> = Object.create(null)
  for (const line of lines(text)) {
    const colon = line.indexOf(":")
    if (colon > 0) fields[line.slice(0, colon).trim()] ??= line.slice(colon + 1).trim()
  }
  return fields
}

/**
 * `get_file_info`: `key: value` lines; `modified` is another name of `modTime`. `size` and `isDirectory` are required, other
 * missing fields are empty strings.
 */
export const fileInfoText = () =>
  Schema.transformOrFail(Schema.String, Schema.typeSchema(fileInfo()), {
    strict: true,
    decode: (text, _options, ast) => {
      const { group, isDirectory, modified, modTime = modified, mode, name, owner, path, size } = readInfo(text)
      const bytes = Number(size ?? NaN)
      if (!Number.isSafeInteger(bytes) || bytes < 0 || !/^(true|false)$/i.test(isDirectory ?? "")) {
        return ParseResult.fail(
          new ParseResult.Type(ast, text, "lines `size: <bytes>` and `isDirectory: true or false`")
        )
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
    encode: (info) => {
      const fields = Object.entries({ ...info, modified: info.modTime })
      return ParseResult.succeed(fields.map(([key, value]) => `${key}: ${oneLine(String(value))}`).join("\n"))
    }
  })

const entryOf = /^\s*\[(DIR|FILE)\] (.*)$/s

/** `list_directory`: one `[DIR] name` or `[FILE] name` per line. Other lines are ignored, but not if there is nothing else. */
export const directoryText = () =>
  Schema.transformOrFail(Schema.String, Schema.Array(Schema.typeSchema(directoryEntry())), {
    strict: true,
    decode: (text, _options, ast) => {
      const entries = splitLines(text).flatMap((line) => {
        const match = entryOf.exec(line)
        return match === null ? [] : [{ name: match[2] ?? "", isDirectory: match[1] === "DIR" }]
      })
      return entries.length === 0 && text.trim() !== ""
        ? ParseResult.fail(new ParseResult.Type(ast, text, "lines `[DIR] name` or `[FILE] name`"))
        : ParseResult.succeed(entries)
    },
    encode: (entries) =>
      ParseResult.succeed(
        joinLines(entries.map(({ isDirectory, name }) => `${isDirectory ? "[DIR]" : "[FILE]"} ${name}`))
      )
  })

const noMatches = "No matches found"

/** `search_files`: one absolute path per line, or a fixed sentence if nothing matches. */
export const searchText = () =>
  Schema.transformOrFail(Schema.String, Schema.Array(Schema.String), {
    strict: true,
    decode: (text, _options, ast) => {
      const paths = text.trim() === noMatches ? [] : lines(text)
      return paths.every((path) => path.startsWith("/"))
        ? ParseResult.succeed(paths)
        : ParseResult.fail(new ParseResult.Type(ast, text, `absolute paths, or ${noMatches}`))
    },
    encode: (paths) => ParseResult.succeed(paths.length === 0 ? noMatches : joinLines(paths))
  })

const rawEvent = () =>
  Schema.Struct({
    eventType: optional(Schema.String),
    path: optional(Schema.String),
    pathType: optional(Schema.String)
  })

/** `get_file_change`: a JSON array of events. */
export const fileChangeText = () =>
  Schema.transformOrFail(
    Schema.parseJson(Schema.Array(rawEvent())),
    Schema.Array(Schema.typeSchema(fileChangeEvent())),
    {
      strict: true,
      decode: (events) => ParseResult.decodeUnknown(Schema.Array(fileChangeEvent()))(events),
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

/**
 * Entry of a session's tool list by which a server announces the route `/files/<session id>` below its endpoint: `GET` reads a
 * file, `PUT` writes one, both with the session's token. It is no tool.
 */
export const fileBytesRoute = "file_bytes"

/**
 * Entry of a session's tool list by which a server announces that it can hand over open files of `file_bytes` to a client that is
 * a process of the same user on the same machine. It is no tool.
 */
export const fileHandover = "file_handover"
