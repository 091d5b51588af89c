/** Bytes of a file in pieces of a size that is worth the work that each of them makes. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { concat } from "../../wire/text/bytes.js"
import type { FileSystemError } from "../fileErrors.js"
import type { OpenRange } from "./fileRoute.js"

/** Each write is a step of the connection: pieces below this size go together. */
const worthwhile = 65_536

/** What a reader gets at once, where so much has arrived. */
const largeBytes = 1024 * 1024

/** The bytes of a chunk in pieces that are worth a write: those of fewer than `least` bytes are joined. */
export const joined = (chunk: Chunk.Chunk<Uint8Array>, least = worthwhile): ReadonlyArray<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  let small: Array<Uint8Array> = []
  let size = 0
  const flush = () => {
    if (size > 0) pieces.push(small.length === 1 && small[0] !== undefined ? small[0] : concat(small))
    small = []
    size = 0
  }
  for (const bytes of chunk) {
    if (bytes.length >= least) {
      flush()
      pieces.push(bytes)
    } else {
      small.push(bytes)
      size += bytes.length
      if (size >= least) flush()
    }
  }
  flush()
  return pieces
}

/** What has arrived goes together: readers such as the sink of a file take each piece by itself. */
export const inLargePieces = <E>(bytes: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E> =>
  Stream.mapChunks(bytes, (chunk) => Chunk.unsafeFromArray(joined(chunk, largeBytes)))

/** Hands over a range in pieces of up to 1 MiB that share one buffer, or as they are pulled; each until its effect has ended. */
export const throughOneBuffer = <E, R>(
  { bytes, length, pull, release }: OpenRange,
  take: (piece: Uint8Array) => Effect.Effect<void, E, R>
): Effect.Effect<void, FileSystemError | E, R> =>
  Effect.suspend(() => {
    if (pull !== undefined) return pulled(pull(), release, take)
    const size = Math.min(length, largeBytes)
    let buffer = new Uint8Array(0)
    let filled = 0
    const flush = Effect.suspend(() => {
      const piece = buffer.subarray(0, filled)
      filled = 0
      return piece.length === 0 ? Effect.void : take(piece)
    })
    const copy = (piece: Uint8Array, at: number): Effect.Effect<void, E, R> =>
      Effect.suspend(() => {
        if (filled === 0 && piece.length >= size) return Effect.map(take(piece), () => release?.(piece))
        if (buffer.length === 0) buffer = new Uint8Array(size)
        const part = piece.subarray(at, at + buffer.length - filled)
        buffer.set(part, filled)
        filled += part.length
        if (at + part.length < piece.length) return Effect.zipRight(flush, copy(piece, at + part.length))
        release?.(piece)
        return filled === buffer.length ? flush : Effect.void
      })
    const copied = Stream.runForEachChunk(
      bytes,
      (pieces) => Effect.forEach(pieces, (piece) => copy(piece, 0), { discard: true })
    )
    return Effect.zipRight(copied, flush)
  })

const pulled = <E, R>(
  next: Effect.Effect<Uint8Array, FileSystemError>,
  release: OpenRange["release"],
  take: (piece: Uint8Array) => Effect.Effect<void, E, R>
): Effect.Effect<void, FileSystemError | E, R> =>
  Effect.flatMap(next, (piece) =>
    piece.length === 0 ? Effect.void : Effect.flatMap(take(piece), () => {
      release?.(piece)
      return pulled(next, release, take)
    }))

/** A piece in several, so that it shows whether it moves. */
export const cut = (bytes: Uint8Array, most: number): ReadonlyArray<Uint8Array> =>
  bytes.length <= most
    ? [bytes]
    : Array.from({ length: Math.ceil(bytes.length / most) }, (_, index) =>
      bytes.subarray(index * most, (index + 1) * most))
