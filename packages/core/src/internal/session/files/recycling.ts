/** Buffers that are used again once what they held was sent: those of a large file would be garbage faster than it is collected. */
import type * as Stream from "effect/Stream"

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
    if (buffer.byteLength === this.#size && byteOffset === 0) this.#free.push(new Uint8Array(buffer))
  }
}

type OnTaken = (bytes: Uint8Array) => void

const takers = new WeakMap<object, OnTaken>()

/** Tells whoever sends a stream what to call for pieces of it that are not used any more. */
export const onTaken = <S extends Stream.Stream<Uint8Array, unknown, unknown>>(stream: S, taken: OnTaken): S => {
  takers.set(stream, taken)
  return stream
}

export const takerOf = (stream: object): OnTaken | undefined => takers.get(stream)
