/** Follows the output and the end of a process. Each call waits inside the session, so that silence costs few requests. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ToolCall } from "../../../ToolCall.js"
import * as control from "./control.js"
import * as ends from "./end.js"
import type { Cursor, Exit, LogChunk, ProcessFailure } from "./model.js"
import * as scripts from "./scripts.js"

export interface Target {
  readonly toolCall: ToolCall
  readonly operation: string
  readonly key: string
}

/** Bytes of both streams in one call. As base64 they stay under the 1 MiB of output that sessions keep by default. */
const mostBytes = 704 * 1024

const leastBytes = 2 * scripts.blockSize

/** The pauses that lead up to the longest one. */
export const fullyIdle = 12

/** What one call has read. */
interface Read {
  readonly end: ends.End
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  /** Sizes of the streams, which may be beyond what was read. */
  readonly size: Cursor
}

const nothing = new Uint8Array()

/** Blocks begin before the offset. */
const partOf = (base64: string, offset: number): Either.Either<Uint8Array, unknown> =>
  base64 === ""
    ? Either.right(nothing)
    : Either.map(Encoding.decodeBase64(base64), (bytes) => bytes.subarray(offset % scripts.blockSize))

/** Parses what `scripts.read` prints; `undefined` if it was cut. */
const parse = (lines: ReadonlyArray<string>, { stderr, stdout }: Cursor): Either.Either<Read, "cut" | "malformed"> => {
  const marks = lines.flatMap((line, index) => line === "agb part" ? [index] : [])
  const [first = 0, second = 0] = marks
  if (marks.length !== 2 || lines[second + 1] !== "agb done") return Either.left("cut")
  const [out, err, ...words] = (lines[0] ?? "").trim().split(/ +/).slice(2)
  const end = ends.parse(words)
  const size = { stdout: Number(out), stderr: Number(err) }
  if (end === undefined || !Number.isSafeInteger(size.stdout) || !Number.isSafeInteger(size.stderr)) {
    return Either.left("malformed")
  }
  return Either.mapLeft(
    Either.all({
      end: Either.right(end),
      stdout: partOf(lines.slice(1, first).join(""), stdout),
      stderr: partOf(lines.slice(first + 1, second).join(""), stderr),
      size: Either.right(size)
    }),
    () => "malformed" as const
  )
}

/** Reads beyond the cursor. A session that cuts long output is asked for less at a time. */
const read = (
  { key, operation, toolCall }: Target,
  cursor: Cursor,
  idle: number,
  maxBytes: number,
  wait = control.longestWait
): Effect.Effect<Read & { readonly maxBytes: number }, ProcessFailure> =>
  Effect.gen(function*() {
    const text = scripts.read({ key, ...cursor, maxBytes, wait: Duration.toMillis(wait) / 10, idle })
    const printed = yield* control.run(toolCall, { operation, key, text, retrySafety: "safe", wait })
    if (printed.lines[0] === "agb none") return yield* control.processError(operation, key, "Gone")
    const found = parse(printed.lines, cursor)
    if (Either.isRight(found) && isConsistent(found.right, cursor)) return { ...found.right, maxBytes }
    if (Either.isLeft(found) && found.left === "cut" && maxBytes > leastBytes) {
      return yield* Effect.suspend(() => read({ key, operation, toolCall }, cursor, idle, maxBytes >> 1, wait))
    }
    return yield* control.malformed(operation, "safe", "the output of a process")
  })

/** What is there beyond the cursor was read at least in part. */
const isConsistent = ({ size, stderr, stdout }: Read, cursor: Cursor): boolean =>
  (size.stdout <= cursor.stdout || stdout.length > 0) && (size.stderr <= cursor.stderr || stderr.length > 0)

const isIdle = ({ end, stderr, stdout }: Read): boolean => end === "running" && stdout.length + stderr.length === 0

interface Position {
  readonly cursor: Cursor
  readonly idle: number
  readonly maxBytes: number
}

const chunksOf = (found: Read, from: Cursor): ReadonlyArray<LogChunk> => {
  const middle = { ...from, stdout: from.stdout + found.stdout.length }
  const last = { ...middle, stderr: from.stderr + found.stderr.length }
  return [
    { stream: "stdout" as const, bytes: found.stdout, cursor: middle },
    { stream: "stderr" as const, bytes: found.stderr, cursor: last }
  ].filter(({ bytes }) => bytes.length > 0)
}

const lost = ({ key, operation }: Target) => control.processError(operation, key, "Lost")

/**
 * Output from a cursor on, until the process ends or, where it is not followed, to what is there; an offset of -1 leaves that
 * stream out.
 */
export const logs = (target: Target, from: Cursor, isFollowed = true): Stream.Stream<LogChunk, ProcessFailure> => {
  const next = ({ cursor, idle, maxBytes }: Position) =>
    isFollowed
      ? control.paced(read(target, cursor, idle, maxBytes), isIdle)
      : read(target, cursor, idle, maxBytes, Duration.zero)
  const page = (position: Position) =>
    Effect.map(next(position), (found) => {
      const { cursor } = position
      const chunks = chunksOf(found, cursor)
      const reached = chunks.at(-1)?.cursor ?? cursor
      const isComplete = reached.stdout >= found.size.stdout && reached.stderr >= found.size.stderr
      const after: Position = {
        cursor: reached,
        idle: chunks.length > 0 ? 0 : fullyIdle,
        maxBytes: found.maxBytes
      }
      const end = found.end === "running" && !isFollowed ? "read" as const : found.end
      return { chunks: Chunk.fromIterable(chunks), after, end: isComplete ? end : "running" as const }
    })
  type State = Position | "ended" | "lost"
  return Stream.unfoldChunkEffect<State, LogChunk, ProcessFailure, never>(
    { cursor: from, idle: 0, maxBytes: from.stdout < 0 || from.stderr < 0 ? mostBytes : mostBytes / 2 },
    (state) => {
      if (state === "ended") return Effect.succeedNone
      if (state === "lost") return Effect.fail(lost(target))
      return Effect.map(
        page(state),
        ({ after, chunks, end }) =>
          Option.some([chunks, end === "running" ? after : end === "lost" ? "lost" : "ended"] as const)
      )
    }
  )
}

/** Waits for the recorded end. */
export const exit = (target: Target, idle = 0): Effect.Effect<Exit, ProcessFailure> =>
  Effect.flatMap(control.paced(read(target, { stdout: -1, stderr: -1 }, idle, leastBytes), isIdle), ({ end }) => {
    if (end === "running") return exit(target, fullyIdle)
    return end === "lost" ? Effect.fail(lost(target)) : Effect.succeed(end)
  })
