/** Standard input of a process: a sink that appends to a file in the session, from which the process is fed. */
import type * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Sink from "effect/Sink"
import { concat } from "../../wire/text/bytes.js"
import * as control from "./control.js"
import type { Target } from "./follow.js"
import type { ProcessFailure } from "./model.js"
import * as scripts from "./scripts.js"

/** Bytes of one call: as base64 they fit into one argument of a command. */
const pieceBytes = 48 * 1024

/** How much the process may have left to read before the sink waits. */
const maxBacklog = 1024 * 1024

/** The longest wait of the script for the backlog. */
const wait = Duration.seconds(15)

/** Cuts the pieces of a chunk to the size of a call; small ones are written together. */
const pieces = (chunk: Chunk.Chunk<Uint8Array>): ReadonlyArray<Uint8Array> => {
  const all = concat(chunk)
  return Array.from(
    { length: Math.ceil(all.length / pieceBytes) },
    (_, index) => all.subarray(index * pieceBytes, (index + 1) * pieceBytes)
  )
}

/** Runs a script of standard input; returns whether there was room, and the size afterwards. */
const call = (target: Target, text: string): Effect.Effect<{ isFull: boolean; size: number }, ProcessFailure> =>
  Effect.gen(function*() {
    const { key, operation, toolCall } = target
    const fail = (reason: Parameters<typeof control.processError>[2], detail: string) =>
      control.processError(operation, key, reason, detail)
    const printed = yield* control.run(toolCall, { operation, key, text, retrySafety: "idempotent", wait })
    const [about, state, size] = control.wordsOf(printed)
    if (about === "none") return yield* fail("Gone", "")
    if (state === "none") return yield* fail("NoStdin", "it was started without the option stdin: \"pipe\"")
    if (state === "moved") return yield* fail("StdinClosed", "something else writes to it at the same time")
    if (state === "closed") return yield* fail("StdinClosed", "")
    if (about !== "stdin" || !/^\d{1,15}$/.test(size ?? "")) {
      return yield* control.malformed(operation, "idempotent", "the state of standard input")
    }
    return { isFull: state === "full", size: Number(size) }
  })

const write = (target: Target, offset: number, bytes: Uint8Array): Effect.Effect<number, ProcessFailure> =>
  Effect.flatMap(
    control.paced(
      call(target, scripts.write(target.key, offset, bytes.length, Encoding.encodeBase64(bytes), maxBacklog)),
      ({ isFull }) => isFull
    ),
    ({ isFull, size }) => {
      if (isFull) return Effect.suspend(() => write(target, offset, bytes))
      return size === offset + bytes.length
        ? Effect.succeed(size)
        : Effect.fail(control.processError(target.operation, target.key, "Other", "standard input was written in part"))
    }
  )

/** Nothing is written twice: each call says at which offset its bytes belong. */
export const sink = (target: Target): Sink.Sink<void, Uint8Array, never, ProcessFailure> => {
  const { key, operation, toolCall } = target
  const close = control.run(toolCall, { operation, key, text: scripts.closeStdin(key), retrySafety: "idempotent" })
  return Sink.unwrap(
    Effect.map(call(target, scripts.write(key, -1, 0, "", Number.MAX_SAFE_INTEGER)), ({ size }) => {
      let offset = size
      const writeAll = (chunk: Chunk.Chunk<Uint8Array>) =>
        Effect.forEach(pieces(chunk), (bytes) =>
          Effect.map(write(target, offset, bytes), (size) => {
            offset = size
          }), { discard: true })
      return Sink.forEachChunk(writeAll).pipe(Sink.mapEffect(() => Effect.asVoid(close)))
    })
  )
}
