// @ts-check
"use strict"

/** Whole directories for the host: what is below one, and the contents of many files in one answer. */
const fs = require("node:fs")
const { count, isRecord, path } = require("./args.cjs")
const { about, codeOf, Failure, failureOf } = require("./failure.cjs")
const { stampOf, temporaryName } = require("./parts.cjs")
const { at } = require("./places.cjs")
const { walk } = require("./walk.cjs")

/** @typedef {import("./operation.cjs").Operation} Operation */

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants

const mostListedBytes = 32 * 1024 * 1024

/**
 * @param {string} name
 * @param {fs.BigIntStats} stat
 */
const line = (name, stat) => JSON.stringify([name, Number(stat.size), Number(stat.mode & 0o777n), stampOf(stat)])

/**
 * The regular files below a directory, as JSON lines: path, size, permissions and a stamp that changes with the file.
 * Symbolic links are not followed. A path that is a file itself is listed under the empty path.
 *
 * @type {Operation}
 */
const listTree = async ({ args, signal }) => {
  const root = path(args, "path")
  const top = about(root, () => at(root, true, (path) => fs.lstatSync(path, { bigint: true })))
  if (top.isFile()) return answer([line("", top)], { links: 0, special: 0, unreadable: 0 })
  if (!top.isDirectory()) throw new Failure("EINVAL", `Neither a directory nor a regular file: ${root}`)
  const listing = makeListing(count(args, "maxEntries") ?? 100_000)
  try {
    await walk(root, (found) => {
      if (signal.aborted || !listing.add(found)) return "stop"
      return found.isDirectory && args["recursive"] !== false ? "enter" : "skip"
    })
  } catch (error) {
    throw failureOf(error, root)
  }
  return listing.end(root)
}

/** @param {number} most */
const makeListing = (most) => {
  const skipped = { links: 0, special: 0, unreadable: 0 }
  /** @type {Array<string>} */
  const lines = []
  let bytes = 0
  let seen = 0
  const isTooMuch = () => seen > most || bytes > mostListedBytes

  /** @param {import("./walk.cjs").Found} found */
  const take = ({ path, stat }) => {
    const known = stat()
    if (known === undefined) return skipped.unreadable++
    if (known.isSymbolicLink()) return skipped.links++
    if (!known.isFile()) return skipped.special++
    const text = line(path, known)
    bytes += Buffer.byteLength(text) + 1
    return lines.push(text)
  }

  return {
    /** @param {import("./walk.cjs").Found} found */
    add: (found) => {
      seen++
      if (!found.isDirectory && !temporaryName.test(found.name)) take(found)
      return !isTooMuch()
    },
    /** @param {string} root */
    end: (root) => {
      if (isTooMuch()) throw new Failure("EFBIG", `More than ${most} entries: ${root}`)
      return answer(lines, skipped)
    }
  }
}

/**
 * @param {ReadonlyArray<string>} lines
 * @param {Readonly<Record<string, number>>} skipped
 */
const answer = (lines, skipped) => ({
  value: { files: lines.length, skipped },
  body: lines.length === 0 ? [] : [Buffer.from(lines.join("\n"))]
})

/**
 * The first `length` bytes of each of some small files, one after the other; one that cannot be read says why.
 *
 * @type {Operation}
 */
const readFiles = async ({ args }) => {
  const wanted = args["files"]
  if (!Array.isArray(wanted) || !wanted.every(isRecord)) throw new Failure("EINVAL", "Invalid argument: files")
  /** @type {Array<Buffer>} */
  const body = []
  const value = wanted.map((file) => {
    try {
      const read = readStart(path(file, "path"), count(file, "length") ?? 0)
      body.push(read.bytes)
      return { length: read.bytes.length, stamp: read.stamp }
    } catch (error) {
      const { code, message } = failureOf(error, String(file["path"]))
      return { length: 0, code, message: message.slice(0, 500) }
    }
  })
  return { value, body }
}

/**
 * @param {string} file
 * @param {number} length
 */
const readStart = (file, length) => {
  const fd = about(file, () => openPlain(file))
  try {
    const before = stampOf(fs.fstatSync(fd, { bigint: true }))
    const bytes = Buffer.allocUnsafe(length)
    let done = 0
    for (let read = -1; read !== 0 && done < length; done += read) {
      read = fs.readSync(fd, bytes, done, length - done, done)
    }
    const after = stampOf(fs.fstatSync(fd, { bigint: true }))
    return { bytes: bytes.subarray(0, done), stamp: before === after ? before : "" }
  } finally {
    fs.closeSync(fd)
  }
}

/** @param {string} file */
const openPlain = (file) => {
  const fd = open(file)
  if (fs.fstatSync(fd).isFile()) return fd
  fs.closeSync(fd)
  throw new Failure("EINVAL", `Not a regular file: ${file}`)
}

/** @param {string} file */
const open = (file) => {
  try {
    return at(file, false, (path) => fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
  } catch (error) {
    if (codeOf(error) === "ELOOP") throw new Failure("EINVAL", `Is a symbolic link now: ${file}`)
    throw error
  }
}

/**
 * A part of a file that is no symbolic link, with the stamp that says whether it is still the same file.
 *
 * @type {Operation}
 */
const readPart = async ({ args }) => {
  const file = path(args, "path")
  const offset = count(args, "offset") ?? 0
  const fd = about(file, () => openPlain(file))
  const stat = fs.fstatSync(fd, { bigint: true })
  const size = Number(stat.size)
  const length = Math.max(0, Math.min(count(args, "length") ?? 0, size - offset))
  return { value: { size, stamp: stampOf(stat) }, file: { fd, offset, length } }
}

module.exports = { listTree, readFiles, readPart }
