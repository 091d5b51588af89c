/** When a socket has taken what it was given to write, told by the memory of it. What was copied on the way is never taken. */

const waiting = new WeakMap<ArrayBufferLike, () => void>()

/** Calls back once a socket has written the bytes, or cannot any more. */
export const whenTaken = ({ buffer }: Uint8Array, taken: () => void): void => void waiting.set(buffer, taken)

/** What is to be called when a chunk has been written. */
export const takenCallback = (chunk: unknown): (() => void) | undefined => {
  if (!(chunk instanceof Uint8Array)) return undefined
  const taken = waiting.get(chunk.buffer)
  waiting.delete(chunk.buffer)
  return taken
}
