/** Whole directories for the host: what is below one, and the contents of many files in one answer. */
import * as Fs from "node:fs"
import type { Operation } from "../operation.js"
import { count, isRecord, path } from "../wire/args.js"
import { about, codeOf, Failure, failureOf } from "../wire/failure.js"
import { at } from "./beneath.js"
import { stampOf, temporaryName } from "./parts.js"
import { type Found, walk } from "./walk.js"

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = Fs.constants

const mostListedBytes = 32 * 1024 * 1024

const line = (name: string, stat: Fs.BigIntStats) =>
  JSON.stringify([name, Number(stat.size), Number(stat.mode & 0o777n), stampOf(stat)])

/**
 * The regular files below a directory, as JSON lines: path, size, permissions and a stamp that changes with the file.
 * Symbolic links are not followed. A path that is a file itself is listed under the empty path.
 */
export const listTree: Operation = async ({ args, signal }) => {
  const root = path(args, "path")
  const top = about(root, () => at(root, true, (path) => Fs.lstatSync(path, { bigint: true })))
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

const makeListing = (most: number) => {
  const skipped = { links: 0, special: 0, unreadable: 0 }
  const lines: Array<string> = []
  let bytes = 0
  let seen = 0
  const isTooMuch = () => seen > most || bytes > mostListedBytes

  const take = ({ path, stat }: Found) => {
    const known = stat()
    if (known === undefined) return skipped.unreadable++
    if (known.isSymbolicLink()) return skipped.links++
    if (!known.isFile()) return skipped.special++
    const text = line(path, known)
    bytes += Buffer.byteLength(text) + 1
    return lines.push(text)
  }

  return {
    add: (found: Found) => {
      seen++
      if (!found.isDirectory && !temporaryName.test(found.name)) take(found)
      return !isTooMuch()
    },
    end: (root: string) => {
      if (isTooMuch()) throw new Failure("EFBIG", `More than ${most} entries: ${root}`)
      return answer(lines, skipped)
    }
  }
}

const answer = (lines: ReadonlyArray<string>, skipped: Readonly<Record<string, number>>) => ({
  value: { files: lines.length, skipped },
  body: lines.length === 0 ? [] : [Buffer.from(lines.join("\n"))]
})

/** The first `length` bytes of each of some small files, one after the other; one that cannot be read says why. */
export const readFiles: Operation = async ({ args }) => {
  const wanted = args["files"]
  if (!Array.isArray(wanted) || !wanted.every(isRecord)) throw new Failure("EINVAL", "Invalid argument: files")
  const body: Array<Buffer> = []
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

const readStart = (file: string, length: number) => {
  const fd = about(file, () => openPlain(file))
  try {
    const before = stampOf(Fs.fstatSync(fd, { bigint: true }))
    const bytes = Buffer.allocUnsafe(length)
    let done = 0
    for (let read = -1; read !== 0 && done < length; done += read) {
      read = Fs.readSync(fd, bytes, done, length - done, done)
    }
    const after = stampOf(Fs.fstatSync(fd, { bigint: true }))
    return { bytes: bytes.subarray(0, done), stamp: before === after ? before : "" }
  } finally {
    Fs.closeSync(fd)
  }
}

const openPlain = (file: string) => {
  const fd = open(file)
  if (Fs.fstatSync(fd).isFile()) return fd
  Fs.closeSync(fd)
  throw new Failure("EINVAL", `Not a regular file: ${file}`)
}

const open = (file: string) => {
  try {
    return at(file, false, (path) => Fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
  } catch (error) {
    if (codeOf(error) === "ELOOP") throw new Failure("EINVAL", `Is a symbolic link now: ${file}`)
    throw error
  }
}

/** A part of a file that is no symbolic link, with the stamp that says whether it is still the same file. */
export const readPart: Operation = async ({ args }) => {
  const file = path(args, "path")
  const offset = count(args, "offset") ?? 0
  const fd = about(file, () => openPlain(file))
  const stat = Fs.fstatSync(fd, { bigint: true })
  const size = Number(stat.size)
  const length = Math.max(0, Math.min(count(args, "length") ?? 0, size - offset))
  return { value: { size, stamp: stampOf(stat) }, file: { fd, offset, length } }
}
