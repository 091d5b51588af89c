/** Bytes of a file in pieces of a size that is worth the work that each of them makes. */
import * as Chunk from "effect/Chunk"
import * as Stream from "effect/Stream"
import { concat } from "../../wire/text/bytes.js"

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

/** A piece in several, so that it shows whether it moves. */
export const cut = (bytes: Uint8Array, most: number): ReadonlyArray<Uint8Array> =>
  bytes.length <= most
    ? [bytes]
    : Array.from({ length: Math.ceil(bytes.length / most) }, (_, index) =>
      bytes.subarray(index * most, (index + 1) * most))
