// @ts-check
/** Reading and writing whole files and ranges of files, in bytes. */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { dirname, join, resolve } from "node:path"
import { count, path, text } from "./args.mjs"
import { maxBodyBytes } from "./connection.mjs"
import { about, codeOf, Failure } from "./failure.mjs"

const { O_APPEND, O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants

const mostLinks = 40

/**
 * Opens a regular file and nothing else: opening a FIFO would wait for its other end.
 *
 * @param {string} file
 * @param {number} flags
 */
const openRegular = (file, flags) => {
  const fd = fs.openSync(file, flags | O_NONBLOCK, 0o666)
  const stat = fs.fstatSync(fd)
  if (stat.isFile()) return { fd, stat }
  fs.closeSync(fd)
  if (stat.isDirectory()) throw new Failure("EISDIR", `Is a directory: ${file}`)
  throw new Failure("EINVAL", `Not a regular file: ${file}`)
}

/** @type {import("./operation.mjs").Operation} */
export const readFile = async ({ args }) => {
  const file = path(args, "path")
  const offset = count(args, "offset") ?? 0
  const { fd, stat: { size } } = about(file, () => openRegular(file, O_RDONLY))
  if (size === 0) return readUnsized(fd, offset, count(args, "length"))
  const length = Math.max(0, Math.min(count(args, "length") ?? Infinity, size - offset))
  if (length <= maxBodyBytes) return { value: { size }, file: { fd, offset, length } }
  fs.closeSync(fd)
  throw new Failure("EFBIG", `${length} bytes are more than one reply holds (${maxBodyBytes}), read parts of: ${file}`)
}

/**
 * Files such as those below /proc have contents but no size.
 *
 * @param {number} fd
 * @param {number} offset
 * @param {number} [length]
 */
const readUnsized = (fd, offset, length = Infinity) => {
  try {
    const all = fs.readFileSync(fd).subarray(0, maxBodyBytes)
    return { value: { size: all.length }, body: [all.subarray(offset, offset + length)] }
  } finally {
    fs.closeSync(fd)
  }
}

/**
 * @typedef {object} Writing
 * @property {(chunk: Uint8Array) => void} write
 * @property {() => void} commit makes what was written visible
 * @property {() => void} abort undoes it
 */

/**
 * @param {Args} args
 */
