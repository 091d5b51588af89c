/** Reading and writing whole files in the pieces that the wire allows. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as ParseResult from "effect/ParseResult"
import * as Stream from "effect/Stream"
import { type ClientError, FileError, MalformedResponseError } from "../../AgbError.js"
import * as AgbTools from "../../AgbTools.js"
import type { ToolCall } from "../../ToolCall.js"
import * as issues from "../client/issues.js"
import { type FileSystemError, fromTool } from "./fileErrors.js"

/** Bytes of one read and UTF-16 units of one write. */
export const pieceSize = 51_200

/** The longest string, in UTF-16 units, that V8 has on 64-bit machines. */
export const longestText = 2 ** 29 - 24

/** Pieces of one file that are asked for at the same time. */
const concurrency = 4

const fileError = (operation: string, path: string, reason: FileError["reason"], detail: string) =>
  new FileError({ operation, path, reason, detail, mayHaveHappened: reason === "Incomplete" })

interface Piece {
  readonly offset: number
  readonly length: number
}

/** One after the other, since nobody knows how large a file says it is. */
const pieces = (size: number): Stream.Stream<Piece> =>
  Stream.map(Stream.range(0, Math.ceil(size / pieceSize) - 1), (index) => ({
    offset: index * pieceSize,
    length: Math.min(pieceSize, size - index * pieceSize)
  }))

const notBase64 = (operation: string): ClientError =>
  new MalformedResponseError({
    operation,
    path: "the text of the tool's answer",
    expected: "base64",
    mayHaveHappened: false,
    retryable: true
  })

const readPiece = (toolCall: ToolCall, operation: string, path: string) => ({ length, offset }: Piece) =>
  toolCall.call(AgbTools.tools.read_file, { path, offset, length, format: "binary" }, { operation }).pipe(
    fromTool(path),
    Effect.flatMap((text): Effect.Effect<Uint8Array, FileSystemError> =>
      Either.match(Encoding.decodeBase64(text.trim()), {
        onLeft: () => Effect.fail(notBase64(operation)),
        onRight: (bytes) =>
          bytes.length === length
            ? Effect.succeed(bytes)
            : Effect.fail(fileError(operation, path, "Changed", `${bytes.length} of ${length} bytes at ${offset}`))
      })
    )
  )

/** The bytes of a file of a known size, a few pieces ahead of the reader. */
export const read = (
  toolCall: ToolCall,
  operation: string,
  path: string,
  size: number
): Stream.Stream<Uint8Array, FileSystemError> =>
  Stream.mapEffect(pieces(size), readPiece(toolCall, operation, path), { concurrency })

/** Text of bytes that must be UTF-8; a byte-order mark is kept. */
export const decodeText = (
  operation: string,
  path: string,
  bytes: Uint8Array
): Either.Either<string, FileError> =>
  Either.try({
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    catch: () => fileError(operation, path, "NotText", "the bytes are not UTF-8, read them with readFileBytes")
  })

/** Cuts text into pieces that no character is split by. */
export const cut = (text: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let at = 0
  while (at < text.length) {
    let end = Math.min(at + pieceSize, text.length)
    if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end -= 1
    parts.push(text.slice(at, end))
    at = end
  }
  return parts
}

export type WriteMode = "overwrite" | "append" | "create_new"

/** The first piece in the wanted mode, the others appended; what stops half-way says how far it came. */
export const write = (
  toolCall: ToolCall,
  operation: string,
  path: string,
  content: string,
  mode: WriteMode
): Effect.Effect<void, FileSystemError> => {
  const [first = "", ...rest] = typeof content === "string" ? cut(content) : [content]
  const put = (content: string, mode: WriteMode) =>
    fromTool(path)(toolCall.call(AgbTools.tools.write_file, { path, content, mode }, { operation }))
  const append = (part: string, index: number) =>
    Effect.mapError(put(part, "append"), (error) => {
      const progress = `${index + 1} of ${rest.length + 1} pieces were written; ${error.message}`
      return error._tag === "SessionLostError" ? error : fileError(operation, path, "Incomplete", progress)
    })
  const all = Effect.zipRight(put(first, mode), Effect.forEach(rest, append, { discard: true }))
  return rest.length === 0 ? all : Effect.zipRight(checkWhole(operation, { path, content, mode }), all)
}

/** What is wrong with a later piece must be known before the first is written. */
const checkWhole = (operation: string, args: AgbTools.ArgsOf<AgbTools.Tools["write_file"]>) =>
  Either.mapLeft(
    ParseResult.validateEither(AgbTools.tools.write_file.args)(args),
    (issue) => issues.invalidRequest(operation, issue)
  )
