/** Unpredictable names, without the start-up time and memory of `node:crypto`. */
import * as Fs from "node:fs"

export const randomHex = (bytes: number) => {
  const fd = Fs.openSync("/dev/urandom", "r")
  try {
    const buffer = Buffer.alloc(bytes)
    Fs.readSync(fd, buffer)
    return buffer.toString("hex")
  } finally {
    Fs.closeSync(fd)
  }
}
