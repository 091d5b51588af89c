/** Unpredictable names, without the start-up time and memory of `node:crypto`. */
import { closeSync, openSync, readSync } from "node:fs"

export const randomHex = (bytes: number) => {
  const fd = openSync("/dev/urandom", "r")
  try {
    const buffer = Buffer.alloc(bytes)
    readSync(fd, buffer)
    return buffer.toString("hex")
  } finally {
    closeSync(fd)
  }
}
