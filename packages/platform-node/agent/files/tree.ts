/** Transfer of directory trees: lists one, and reads many files in one reply. */
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs"
import { countArg, isRecord, pathArg } from "../wire/args.js"
import { codeOf, Failure, failureOf, mapErrors } from "../wire/failure.js"
import type { Operation } from "../wire/operation.js"
import { withResolved } from "./beneath.js"
import { stampOf, temporaryName } from "./parts.js"
import { type Entry, walk } from "./walk.js"

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

const maxListedBytes = 32 * 1024 * 1024

const line = (name: string, stat: BigIntStats) =>
  JSON.stringify([name, Number(stat.size), Number(stat.mode & 0o777n), stampOf(stat)])

/**
 * Lists the regular files below a directory as JSON lines: path, size, permissions and a stamp that changes with the file.
 * Symbolic links are not followed. If the path is a file itself, it is listed with an empty path.
 */
export const listTree: Operation = async ({ args, signal }) => {
  const root = pathArg(args, "path")
  const top = mapErrors(root, () => withResolved(root, true, (path) => lstatSync(path, { bigint: true })))
  if (top.isFile()) return listingReply([line("", top)], { links: 0, special: 0, unreadable: 0 })
  if (!top.isDirectory()) throw new Failure("EINVAL", `Neither a directory nor a regular file: ${root}`)
  const listing = makeListing(countArg(args, "maxEntries") ?? 100_000)
  try {
    await walk(root, (entry) => {
      if (signal.aborted || !listing.add(entry)) return "stop"
      return entry.isDirectory && args["recursive"] !== false ? "enter" : "skip"
    })
  } catch (error) {
    throw failureOf(error, root)
  }
  return listing.end(root)
}

const makeListing = (maxEntries: number) => {
  const skipped = { links: 0, special: 0, unreadable: 0 }
  const lines: Array<string> = []
  let bytes = 0
  let seen = 0
  const exceedsLimits = () => seen > maxEntries || bytes > maxListedBytes

  const addFile = ({ path, stat }: Entry) => {
    const known = stat()
    if (known === undefined) return skipped.unreadable++
    if (known.isSymbolicLink()) return skipped.links++
    if (!known.isFile()) return skipped.special++
    const text = line(path, known)
    bytes += Buffer.byteLength(text) + 1
    return lines.push(text)
  }

  return {
    add: (entry: Entry) => {
      seen++
      if (!entry.isDirectory && !temporaryName.test(entry.name)) addFile(entry)
      return !exceedsLimits()
    },
    end: (root: string) => {
      if (exceedsLimits()) throw new Failure("EFBIG", `More than ${maxEntries} entries: ${root}`)
      return listingReply(lines, skipped)
    }
  }
}

const listingReply = (lines: ReadonlyArray<string>, skipped: Readonly<Record<string, number>>) => ({
  value: { files: lines.length, skipped },
  body: lines.length === 0 ? [] : [Buffer.from(lines.join("\n"))]
})

/** Reads the first `length` bytes of several small files; for one that cannot be read the reply has the reason. */
export const readFiles: Operation = async ({ args }) => {
  const files = args["files"]
  if (!Array.isArray(files) || !files.every(isRecord)) throw new Failure("EINVAL", "Invalid argument: files")
  const body: Array<Buffer> = []
  const value = files.map((file) => {
    try {
      const read = readStart(pathArg(file, "path"), countArg(file, "length") ?? 0)
      body.push(read.bytes)
      return { length: read.bytes.length, stamp: read.stamp }
    } catch (error) {
      const { code, message } = failureOf(error, String(file["path"]))
      return { length: 0, code, message: message.slice(0, 500) }
    }
  })
  return { value, body }
}

/** The stamp is empty if the file was modified while it was read. */
const readStart = (file: string, length: number) => {
  const fd = mapErrors(file, () => openFile(file))
  try {
    const before = stampOf(fstatSync(fd, { bigint: true }))
    const bytes = Buffer.allocUnsafe(length)
    let done = 0
    for (let read = -1; read !== 0 && done < length; done += read) {
      read = readSync(fd, bytes, done, length - done, done)
    }
    const after = stampOf(fstatSync(fd, { bigint: true }))
    return { bytes: bytes.subarray(0, done), stamp: before === after ? before : "" }
  } finally {
    closeSync(fd)
  }
}

const openFile = (file: string) => {
  const fd = openNoFollow(file)
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw new Failure("EINVAL", `Not a regular file: ${file}`)
}

const openNoFollow = (file: string) => {
  try {
    return withResolved(file, false, (path) => openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
  } catch (error) {
    if (codeOf(error) === "ELOOP") throw new Failure("EINVAL", `Is a symbolic link now: ${file}`)
    throw error
  }
}

/** Reads a part of a file that is not a symbolic link, with its stamp to tell whether it is still the same file. */
export const readPart: Operation = async ({ args }) => {
  const file = pathArg(args, "path")
  const offset = countArg(args, "offset") ?? 0
  const fd = mapErrors(file, () => openFile(file))
  const stat = fstatSync(fd, { bigint: true })
  const size = Number(stat.size)
  const length = Math.max(0, Math.min(countArg(args, "length") ?? 0, size - offset))
  return { value: { size, stamp: stampOf(stat) }, file: { fd, offset, length } }
}
