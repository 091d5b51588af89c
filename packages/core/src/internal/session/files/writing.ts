/** Writing whole files: nothing is at the path before all of it is. */
import type * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { FileError, FileNotFoundError, InvalidRequestError } from "../../../AgbError.js"
import * as AgbTools from "../../../AgbTools.js"
import type { ToolCall } from "../../../ToolCall.js"
import { describe } from "../../client/checks/issues.js"
import * as requestChecks from "../../client/checks/requestChecks.js"
import * as metrics from "../../client/metrics.js"
import * as fileContents from "../fileContents.js"
import { type FileSystemError, fromTool } from "../fileErrors.js"
import type { FileRoute, OpenFile, WriteMode, WriteOptions } from "./fileRoute.js"
import { joined } from "./pieces.js"
import { onTaken, takerOf } from "./recycling.js"
import * as scripts from "./scripts.js"
import * as shellScript from "./shellScript.js"

/** What can be written. */
export type Content<E, R> = string | Uint8Array | Stream.Stream<Uint8Array, E, R>

const isStream = <E, R>(content: unknown): content is Stream.Stream<Uint8Array, E, R> =>
  typeof content === "object" && content !== null && Stream.StreamTypeId in content

/** Checks the arguments of a write before anything is sent. */
const check = (operation: string, path: string, mode: WriteMode, content: unknown) => {
  const isText = typeof content === "string"
  if (!isText && !(content instanceof Uint8Array) && !isStream(content)) {
    return Either.left(
      new InvalidRequestError({
        operation,
        field: "content",
        given: describe(content, "content"),
        expected: "a string, a Uint8Array or a stream of them"
      })
    )
  }
  const args = { path, mode, content: isText ? content : "" }
  const malformed = requestChecks.malformedText(operation, args)
  return malformed === undefined ? fileContents.checkWhole(operation, args) : Either.left(malformed)
}

/** Writes chunks beside the path and moves the file there. */
const writeChunks = (
  toolCall: ToolCall,
  operation: string,
  path: string,
  content: string,
  mode: "overwrite" | "create_new"
) => {
  const temporary = `${path.slice(0, path.lastIndexOf("/") + 1)}.agb-part-${crypto.randomUUID()}`
  const named = fromTool(path)
  const move = named(
    toolCall.call(AgbTools.tools.move_file, { source: temporary, destination: path }, { operation })
  )
  const args = [path, temporary]
  const replace = shellScript.run(toolCall, {
    operation,
    paths: [path],
    text: scripts.replace,
    args,
    places: [1, 2],
    retrySafety: "unsafe"
  })
  const written = fileContents.write(toolCall, operation, temporary, content, "overwrite").pipe(
    Effect.zipRight(
      mode === "create_new" ? Effect.asVoid(move) : Effect.catchIf(
        Effect.asVoid(move),
        (error) => error._tag === "FileError" && error.reason === "AlreadyExists",
        () => Effect.asVoid(replace)
      )
    )
  )
  const discard = Effect.ignore(toolCall.call(AgbTools.tools.delete_file, { path: temporary }, { operation }))
  return Effect.onExit(written, (exit) => exit._tag === "Success" ? Effect.void : discard).pipe(
    Effect.mapError((error) => atPath(error, temporary, path))
  )
}

/** Errors name the path of the call, not the temporary one beside it. */
const atPath = (error: FileSystemError, temporary: string, path: string): FileSystemError => {
  if (!("path" in error) || error.path !== temporary) return error
  const detail = error._tag === "MalformedResponseError" ? "" : error.detail.replaceAll(temporary, path)
  switch (error._tag) {
    case "FileError":
      return new FileError({ ...error, path, detail, mayHaveHappened: false })
    case "FileNotFoundError":
      return new FileNotFoundError({ ...error, path, detail })
    default:
      return error
  }
}

const writeText = (
  toolCall: ToolCall,
  route: FileRoute,
  operation: string,
  path: string,
  content: string,
  mode: WriteMode
) => {
  if (content.length <= fileContents.chunkSize) {
    return fileContents.write(toolCall, operation, path, content, mode)
  }
  if (route.isDirect) return route.write(operation, path, new TextEncoder().encode(content), { mode })
  return mode === "append"
    ? fileContents.write(toolCall, operation, path, content, mode)
    : writeChunks(toolCall, operation, path, content, mode)
}

const writeTo = (file: OpenFile) => (chunk: Chunk.Chunk<Uint8Array>): Effect.Effect<void, FileSystemError> =>
  Effect.forEach(joined(chunk), file.write, { discard: true })

/** Who sends it still tells what of it is not used any more. */
const counted = <E, R>(content: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Uint8Array, E, R> => {
  const taken = takerOf(content)
  const stream = metrics.writtenStream(content)
  return taken === undefined ? stream : onTaken(stream, taken)
}

const writeStream = <E, R>(
  route: FileRoute,
  operation: string,
  path: string,
  content: Stream.Stream<Uint8Array, E, R>,
  options: WriteOptions
): Effect.Effect<void, FileSystemError | E, R> =>
  route.send !== undefined ? route.send(operation, path, content, options) : Effect.scoped(Effect.flatMap(
    route.open(operation, path, options),
    (file) => Effect.zipRight(Stream.runForEachChunk(content, writeTo(file)), file.commit)
  ))

export const write = <E, R>(
  toolCall: ToolCall,
  route: FileRoute,
  operation: string,
  path: string,
  content: Content<E, R>,
  options: WriteOptions
): Effect.Effect<void, FileSystemError | E, R> =>
  Effect.flatMap(check(operation, path, options.mode, content), (): Effect.Effect<void, FileSystemError | E, R> => {
    if (isStream<E, R>(content)) return writeStream(route, operation, path, counted(content), options)
    // The tool for text takes no permissions.
    const done = typeof content === "string" && options.permissions === undefined
      ? writeText(toolCall, route, operation, path, content, options.mode)
      : route.write(operation, path, typeof content === "string" ? new TextEncoder().encode(content) : content, options)
    return Effect.zipRight(done, metrics.written(content))
  })

/** Bytes that are read while the file is opened. */
export const writeRead = <E, R>(
  writeRead: NonNullable<FileRoute["writeRead"]>,
  operation: string,
  path: string,
  bytes: number,
  content: Effect.Effect<Uint8Array, E, R>,
  options: WriteOptions
): Effect.Effect<void, FileSystemError | E, R> =>
  Effect.flatMap(
    check(operation, path, options.mode, ""),
    () => Effect.zipRight(writeRead(operation, path, bytes, content, options), metrics.writtenBytes(bytes))
  )

/** Ends with the file in its place; a stream that fails leaves nothing. */
export const sink = (
  route: FileRoute,
  operation: string,
  path: string,
  options: WriteOptions
): Sink.Sink<void, Uint8Array, never, FileSystemError> =>
  Sink.unwrapScoped(Effect.flatMap(check(operation, path, options.mode, ""), () =>
    Effect.map(
      route.open(operation, path, options),
      (file) => {
        let size = 0
        const write = writeTo(file)
        const written = Sink.forEachChunk((chunk: Chunk.Chunk<Uint8Array>) => {
          for (const piece of chunk) size += piece.byteLength
          return write(chunk)
        })
        return Sink.mapEffect(written, () => Effect.zipRight(file.commit, metrics.writtenBytes(size)))
      }
    )))
