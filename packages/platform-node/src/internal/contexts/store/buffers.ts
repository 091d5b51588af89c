/**
 * A pool of buffers. Allocating memory outside the heap triggers garbage collections: a new buffer for each chunk of a large
 * file costs many times as much as copying it.
 */

export const bufferBytes = 1024 * 1024

const maxIdle = 16

const idle: Array<Buffer> = []

export const takeBuffer = (): Buffer => idle.pop() ?? Buffer.allocUnsafeSlow(bufferBytes)

/** Returns a buffer that is not in use any more. */
export const releaseBuffer = (buffer: Buffer): void => {
  if (idle.length < maxIdle) idle.push(buffer)
}
