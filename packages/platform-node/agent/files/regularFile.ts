/** Opening regular files and nothing else, reading and writing them whole. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, writeSync } from "node:fs"
import { Failure } from "../wire/failure.js"
import { withResolved } from "./beneath.js"

const { O_NOFOLLOW, O_NONBLOCK } = constants

/** Does not block on a FIFO, which without O_NONBLOCK would wait for its other end. */
export const openRegular = (file: string, flags: number) => {
  const fd = withResolved(file, true, (path) => openSync(path, flags | O_NONBLOCK | O_NOFOLLOW, 0o666))
  const stat = fstatSync(fd)
  if (stat.isFile()) return { fd, size: stat.size, stat }
  closeSync(fd)
  throw notRegular(file, stat)
}

export const notRegular = (file: string, stat: Stats) =>
  stat.isDirectory()
    ? new Failure("EISDIR", `Is a directory: ${file}`)
    : new Failure("EINVAL", `Not a regular file: ${file}`)

/** Reads up to `maxBytes`, whatever size the file reports. */
export const readUpTo = (fd: number, maxBytes: number) => {
  const parts: Array<Buffer> = []
  for (let size = 0; size < maxBytes;) {
    const part = Buffer.alloc(64 * 1024)
    const read = readSync(fd, part)
    if (read === 0) break
    parts.push(part.subarray(0, read))
    size += read
  }
  return Buffer.concat(parts).subarray(0, maxBytes)
}

/** Writes all of `bytes` at the current position. */
export const writeAll = (fd: number, bytes: Uint8Array) => {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
}
