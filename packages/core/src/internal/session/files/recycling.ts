/** Buffers that are used again once what they held was sent: those of a large file would be garbage faster than it is collected. */
import type * as Stream from "effect/Stream"

/** So many are kept for the next file: memory that is used for the first time costs more than to copy into it. */
const mostKept = 2

export class Buffers {
  readonly #size: number
  readonly #free: Array<Uint8Array> = []

  /** Of so many bytes each. */
  constructor(size: number) {
    this.#size = size
  }

  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(this.#size)
  }

  /** To be called for the bytes of a buffer once nobody uses them. What is none of these buffers is left alone. */
  readonly giveBack = ({ buffer, byteOffset }: Uint8Array): void => {
    const isOwn = buffer.byteLength === this.#size && byteOffset === 0
    if (isOwn && this.#free.length < mostKept) this.#free.push(new Uint8Array(buffer))
  }
}

/** What is read at once: each piece costs two calls of the system in another thread, which smaller ones would not be worth. */
export const pieceOfFile = 4 * 1024 * 1024

const shared = new WeakMap<object, Buffers>()

/** The buffers of a client, of {@link pieceOfFile} each. */
export const buffersOf = (client: object): Buffers => {
  const own = shared.get(client) ?? new Buffers(pieceOfFile)
  shared.set(client, own)
  return own
}

type OnTaken = (bytes: Uint8Array) => void

const takers = new WeakMap<object, OnTaken>()

/** Tells whoever sends a stream what to call for pieces of it that are not used any more. */
export const onTaken = <S extends Stream.Stream<Uint8Array, unknown, unknown>>(stream: S, taken: OnTaken): S => {
  takers.set(stream, taken)
  return stream
}

export const takerOf = (stream: object): OnTaken | undefined => takers.get(stream)
