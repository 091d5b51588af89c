/**
 * Buffers that are used again and again. Memory outside the heap makes the garbage collector run as often as it is
 * allocated: a fresh buffer for each piece of a large file costs many times what copying the file does.
 */

export const bufferBytes = 1024 * 1024

const mostIdle = 16

const idle: Array<Buffer> = []

export const takeBuffer = (): Buffer => idle.pop() ?? Buffer.allocUnsafeSlow(bufferBytes)

/** Only what nobody reads or writes any more. */
export const giveBuffer = (buffer: Buffer): void => {
  if (idle.length < mostIdle) idle.push(buffer)
}
