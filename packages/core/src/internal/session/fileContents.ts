/** Reads and writes whole files in chunks of the size that the API allows. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as ParseResult from "effect/ParseResult"
import * as Stream from "effect/Stream"
import { type ClientError, FileError, MalformedResponseError } from "../../AgbError.js"
import * as AgbTools from "../../AgbTools.js"
import type { ToolCall } from "../../ToolCall.js"
import * as issues from "../client/checks/issues.js"
import { type FileSystemError, fromTool } from "./fileErrors.js"
import type { WriteMode } from "./files/fileRoute.js"

/** Size of a chunk: bytes when reading, UTF-16 code units when writing. */
export const chunkSize = 51_200

/** The longest string of V8 on 64-bit machines, in UTF-16 code units. */
export const maxTextLength = 2 ** 29 - 24

/** Chunks of one file that are read concurrently. */
const concurrency = 4

const fileError = (operation: string, path: string, reason: FileError["reason"], detail: string) =>
  new FileError({ operation, path, reason, detail, mayHaveHappened: reason === "Incomplete" })

interface Chunk {
  readonly offset: number
  readonly length: number
}

/** Generated lazily: the reported file size may be arbitrarily large. */
const chunks = (offset: number, size: number): Stream.Stream<Chunk> =>
  Stream.map(Stream.range(0, Math.ceil(size / chunkSize) - 1), (index) => ({
    offset: offset + index * chunkSize,
    length: Math.min(chunkSize, size - index * chunkSize)
  }))

/** The error of a read whose reply has the wrong text. */
export const malformedText = (operation: string, expected: string): ClientError =>
  new MalformedResponseError({
    operation,
    path: "the text of the tool's reply",
    expected,
    mayHaveHappened: false,
    retryable: true
  })

const readChunk = (toolCall: ToolCall, operation: string, path: string) => ({ length, offset }: Chunk) =>
  toolCall.call(AgbTools.tools.read_file, { path, offset, length, format: "binary" }, { operation }).pipe(
    fromTool(path),
    Effect.flatMap((text): Effect.Effect<Uint8Array, FileSystemError> =>
      Either.match(Encoding.decodeBase64(text.trim()), {
        onLeft: () => Effect.fail(malformedText(operation, "base64")),
        onRight: (bytes) =>
          bytes.length === length
            ? Effect.succeed(bytes)
            : Effect.fail(fileError(operation, path, "Changed", `${bytes.length} of ${length} bytes at ${offset}`))
      })
    )
  )

/** Streams `size` bytes that the file is known to have at `offset`, reading a few chunks ahead. */
export const read = (
  toolCall: ToolCall,
  operation: string,
  path: string,
  offset: number,
  size: number
): Stream.Stream<Uint8Array, FileSystemError> =>
  Stream.mapEffect(chunks(offset, size), readChunk(toolCall, operation, path), { concurrency })

/** Decodes UTF-8; a byte order mark is kept. */
export const decodeText = (
  operation: string,
  path: string,
  bytes: Uint8Array
): Either.Either<string, FileError> =>
  Either.try({
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    catch: () => fileError(operation, path, "NotText", "the content is not valid UTF-8; read it with readFileBytes")
  })

/** Splits text into chunks without splitting surrogate pairs. */
export const split = (text: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let at = 0
  while (at < text.length) {
    let end = Math.min(at + chunkSize, text.length)
    if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end -= 1
    parts.push(text.slice(at, end))
    at = end
  }
  return parts
}

/** Writes the first chunk in the given mode and appends the others. A partial write fails with `Incomplete` and the progress. */
export const write = (
  toolCall: ToolCall,
  operation: string,
  path: string,
  content: string,
  mode: WriteMode
): Effect.Effect<void, FileSystemError> => {
  const [first = "", ...rest] = typeof content === "string" ? split(content) : [content]
  const put = (content: string, mode: WriteMode) =>
    fromTool(path)(toolCall.call(AgbTools.tools.write_file, { path, content, mode }, { operation }))
  const append = (part: string, index: number) =>
    Effect.mapError(put(part, "append"), (error) => {
      const progress = `${index + 1} of ${rest.length + 1} chunks were written; ${error.message}`
      return error._tag === "SessionLostError" ? error : fileError(operation, path, "Incomplete", progress)
    })
  return Effect.zipRight(put(first, mode), Effect.forEach(rest, append, { discard: true }))
}

/** Validates the whole content before the first chunk is written. */
export const checkWhole = (operation: string, args: AgbTools.ArgsOf<AgbTools.Tools["write_file"]>) =>
  Either.mapLeft(
    ParseResult.validateEither(AgbTools.tools.write_file.args)(args),
    (issue) => issues.invalidRequest(operation, issue)
  )
