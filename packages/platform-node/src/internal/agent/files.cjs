// @ts-check
"use strict"

/** Reading files, and replacing them in one step. */
const fs = require("node:fs")
const { dirname, join } = require("node:path")
const { count, path } = require("./args.cjs")
const { maxBodyBytes } = require("./connection.cjs")
const { about, Failure } = require("./failure.cjs")
const { ownName } = require("./ownFiles.cjs")
const { at, locate } = require("./places.cjs")

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants

/** The most that is read of a file that does not say how long it is: some below /proc are longer than any memory. */
const longestUnsized = 16 * 1024 * 1024

/** @type {import("./operation.cjs").Operation} */
const readFile = async ({ args }) => {
  const file = path(args, "path")
  const offset = count(args, "offset") ?? 0
  const wanted = count(args, "length") ?? Infinity
  const { fd, size } = about(file, () => openRegular(file, O_RDONLY))
  if (size === 0) return about(file, () => readUnsized(fd, file, offset, wanted))
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
const openRegular = (file, flags) => {
  const fd = at(file, true, (path) => fs.openSync(path, flags | O_NONBLOCK | O_NOFOLLOW, 0o666))
  const stat = fs.fstatSync(fd)
  if (stat.isFile()) return { fd, size: stat.size }
  fs.closeSync(fd)
  throw notRegular(file, stat)
}

/**
 * A file in the making, which nobody sees before it is whole.
 *
 * @typedef {{ readonly fd: number, readonly commit: () => void, readonly abort: () => void }} Staged
 */

/**
 * A new file that takes the place of another one, with its permissions, in one step.
 *
 * @param {string} file a symbolic link is written through
 * @returns {Staged}
 */
const replacing = (file) =>
  staged(file, true, fs.renameSync, (target) => {
    const existing = fs.lstatSync(target, { throwIfNoEntry: false })
    if (existing === undefined) return undefined
    if (!existing.isFile()) throw notRegular(file, existing)
    fs.accessSync(target, fs.constants.W_OK)
    return existing.mode & 0o7777
  })

/**
 * A new file that gets its name in one step, unless something has that name by then.
 *
 * @param {string} file
 * @returns {Staged}
 */
const creating = (file) =>
  staged(file, false, linkOnce, (target) => {
    if (fs.lstatSync(target, { throwIfNoEntry: false }) === undefined) return undefined
    throw new Failure("EEXIST", `Already exists: ${file}`)
  })

/**
 * @param {string} file
 * @param {boolean} follow
 * @param {(temporary: string, target: string) => void} name
 * @param {(target: string) => number | undefined} check gives the permissions of the file, if not those of any new one
 * @returns {Staged}
 */
const staged = (file, follow, name, check) => {
  const place = locate(file, follow)
  const temporary = join(dirname(place.path), ownName("part"))
  const abort = () => {
    fs.rmSync(temporary, { force: true })
    place.close()
  }
  try {
    const mode = check(place.path)
    const fd = fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o666)
    if (mode !== undefined) fs.fchmodSync(fd, mode)
    const commit = () => {
      try {
        name(temporary, place.path)
      } catch (error) {
        fs.rmSync(temporary, { force: true })
        throw error
      } finally {
        place.close()
      }
    }
    return { fd, commit, abort }
  } catch (error) {
    place.close()
    throw error
  }
}

/**
 * @param {string} temporary
 * @param {string} target
 */
const linkOnce = (temporary, target) => {
  fs.linkSync(temporary, target)
  fs.unlinkSync(temporary)
}

/**
 * Writes all of `bytes` at the current position.
 *
 * @param {number} fd
 * @param {Uint8Array} bytes
 */
const writeAll = (fd, bytes) => {
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
 * Files such as those below /proc have contents but no size.
 *
 * @param {number} fd
 * @param {string} file
 * @param {number} offset
 * @param {number} length
 * @returns {import("./operation.cjs").Reply}
 */
const readUnsized = (fd, file, offset, length) => {
  try {
    const all = readUpTo(fd, longestUnsized + 1)
    if (all.length > longestUnsized) {
      throw new Failure("EFBIG", `More than ${longestUnsized} bytes, and no size: ${file}`)
    }
    return { value: { size: all.length }, body: [all.subarray(offset, offset + length)] }
  } finally {
    fs.closeSync(fd)
  }
}

/**
 * Whatever size the file claims to have.
 *
 * @param {number} fd
 * @param {number} most
 */
const readUpTo = (fd, most) => {
  /** @type {Array<Buffer>} */
  const parts = []
  for (let size = 0; size < most;) {
    const part = Buffer.alloc(64 * 1024)
    const read = fs.readSync(fd, part)
    if (read === 0) break
    parts.push(part.subarray(0, read))
    size += read
  }
  return Buffer.concat(parts).subarray(0, most)
}

module.exports = { readFile, openRegular, replacing, creating, writeAll, readUpTo }
