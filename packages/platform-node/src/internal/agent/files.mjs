// @ts-check
/** Reading files, and replacing them in one step. */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { dirname, join, resolve } from "node:path"
import { count, path } from "./args.mjs"
import { maxBodyBytes } from "./connection.mjs"
import { about, codeOf, Failure } from "./failure.mjs"

const { O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants

const mostLinks = 40

/** @type {import("./operation.mjs").Operation} */
export const readFile = async ({ args }) => {
  const file = path(args, "path")
  const offset = count(args, "offset") ?? 0
  const wanted = count(args, "length") ?? Infinity
  const { fd, size } = about(file, () => openRegular(file, O_RDONLY))
  if (size === 0) return about(file, () => readUnsized(fd, offset, wanted))
  const length = Math.max(0, Math.min(wanted, size - offset))
  if (length <= maxBodyBytes) return { value: { size }, file: { fd, offset, length } }
  fs.closeSync(fd)
  throw new Failure("EFBIG", `${length} bytes are more than one reply holds (${maxBodyBytes}), read parts of: ${file}`)
}

/**
 * Opens a regular file and nothing else: opening a FIFO would wait for its other end.
 *
 * @param {string} file
 * @param {number} flags
 */
export const openRegular = (file, flags) => {
  const fd = fs.openSync(file, flags | O_NONBLOCK, 0o666)
  const stat = fs.fstatSync(fd)
  if (stat.isFile()) return { fd, size: stat.size }
  fs.closeSync(fd)
  throw notRegular(file, stat)
}

/**
 * A new file that takes the place of another one, with its permissions, in one step.
 *
 * @param {string} file a symbolic link is written through
 * @returns {{ readonly fd: number, readonly commit: () => void, readonly abort: () => void }}
 */
export const replacing = (file) => {
  const target = followLinks(resolve(file))
  const existing = fs.statSync(target, { throwIfNoEntry: false })
  if (existing?.isFile() === false) throw notRegular(file, existing)
  if (existing !== undefined) fs.accessSync(target, fs.constants.W_OK)
  const temporary = join(dirname(target), `.${randomBytes(8).toString("hex")}.part`)
  const fd = fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o666)
  if (existing !== undefined) fs.fchmodSync(fd, existing.mode & 0o7777)
  const abort = () => fs.rmSync(temporary, { force: true })
  const commit = () => {
    try {
      fs.renameSync(temporary, target)
    } catch (error) {
      abort()
      throw error
    }
  }
  return { fd, commit, abort }
}

/**
 * Writes all of `bytes` at the current position.
 *
 * @param {number} fd
 * @param {Uint8Array} bytes
 */
export const writeAll = (fd, bytes) => {
  for (let at = 0; at < bytes.length;) at += fs.writeSync(fd, bytes, at)
}

/**
 * @param {string} file
 * @param {fs.Stats} stat
 */
const notRegular = (file, stat) =>
  stat.isDirectory() ?
    new Failure("EISDIR", `Is a directory: ${file}`) :
    new Failure("EINVAL", `Not a regular file: ${file}`)

/**
 * Where a write to `file` ends up, also when the last link leads nowhere yet.
 *
 * @param {string} file
 */
const followLinks = (file) => {
  let target = file
  for (let links = 0; links < mostLinks; links++) {
    try {
      target = resolve(dirname(target), fs.readlinkSync(target))
    } catch (error) {
      if (codeOf(error) === "EINVAL" || codeOf(error) === "ENOENT") return target
      throw error
    }
  }
  throw new Failure("EINVAL", `Too many levels of symbolic links: ${file}`)
}

/**
 * Files such as those below /proc have contents but no size.
 *
 * @param {number} fd
 * @param {number} offset
 * @param {number} length
 * @returns {import("./operation.mjs").Reply}
 */
const readUnsized = (fd, offset, length) => {
  try {
    const all = fs.readFileSync(fd).subarray(0, maxBodyBytes)
    return { value: { size: all.length }, body: [all.subarray(offset, offset + length)] }
  } finally {
    fs.closeSync(fd)
  }
}
