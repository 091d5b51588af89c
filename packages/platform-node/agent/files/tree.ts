/** Transfer of directory trees: lists one, and reads many files in one reply. */
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs"
import { setTimeout as delay } from "node:timers/promises"
import { type Args, countArg, isRecord, pathArg } from "../wire/args.js"
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
 * Lists what is below a directory as JSON lines. A regular file is its path, size, permissions and a stamp that changes with
 * it; another entry is its path, and the reason if it could not be read, else null. Symbolic links are not followed. If the
 * path is a file itself, it is listed with an empty path.
 */
export const listTree: Operation = async ({ args, signal }) => {
  const root = pathArg(args, "path")
  const top = mapErrors(root, () => statRoot(root))
  if (top.isFile()) return { value: null, body: [Buffer.from(line("", top))] }
  if (!top.isDirectory()) throw new Failure("EINVAL", `Neither a directory nor a regular file: ${root}`)
  const listing = makeListing(countArg(args, "maxEntries") ?? 100_000)
  try {
    await walk(root, (entry) => {
      if (signal.aborted || !listing.add(entry)) return "stop"
      return entry.isDirectory && args["recursive"] !== false ? "enter" : "skip"
    }, listing.addUnreadable)
  } catch (error) {
    throw failureOf(error, root)
  }
  return listing.end(root)
}

/** A link that leads nowhere is not the same as nothing. */
const statRoot = (root: string) => {
  try {
    return withResolved(root, true, (path) => lstatSync(path, { bigint: true }))
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || !withResolved(root, false, (path) => lstatSync(path)).isSymbolicLink()) {
      throw error
    }
    throw new Failure("EINVAL", `A symbolic link that leads nowhere: ${root}`)
  }
}

/** Stands in names for bytes that are no UTF-8. */
const replacement = "\ufffd"

const makeListing = (maxEntries: number) => {
  const lines: Array<string> = []
  let bytes = 0
  let seen = 0
  const exceedsLimits = () => seen > maxEntries || bytes > maxListedBytes

  const push = (text: string) => {
    bytes += Buffer.byteLength(text) + 1
    lines.push(text)
  }

  const addOther = (path: string, reason: string | null) => push(JSON.stringify([path, reason]))

  /** What is gone is not unreadable. */
  const addMissing = (path: string) => {
    if (path.includes(replacement)) addOther(path, "Its name is not valid UTF-8")
  }

  const addUnreadable = (path: string, error: unknown) => {
    if (codeOf(error) === "ENOENT") return addMissing(path)
    addOther(path, codeOf(error) === "ENOTDIR" || codeOf(error) === "ELOOP" ? null : failureOf(error, path).message)
  }

  const addFile = ({ path, stat }: Entry) => {
    try {
      const known = stat()
      if (known === undefined) addMissing(path)
      else if (known.isFile()) push(line(path, known))
      else addOther(path, null)
    } catch (error) {
      addUnreadable(path, error)
    }
  }

  return {
    add: (entry: Entry) => {
      seen++
      if (!entry.isDirectory && !temporaryName.test(entry.name)) addFile(entry)
      return !exceedsLimits()
    },
    addUnreadable,
    end: (root: string) => {
      if (exceedsLimits()) throw new Failure("EFBIG", `More than ${maxEntries} entries: ${root}`)
      return { value: null, body: lines.length === 0 ? [] : [Buffer.from(lines.join("\n"))] }
    }
  }
}

/** Reads several files of up to `length` bytes; for one that cannot be read the reply has the reason. */
export const readFiles: Operation = async ({ args }) => {
  const files = args["files"]
  if (!Array.isArray(files) || !files.every(isRecord)) throw new Failure("EINVAL", "Invalid argument: files")
  const body: Array<Buffer> = []
  await untilQuiet(files)
  const value = []
  for (const file of files) {
    try {
      const read = await readWhole(pathArg(file, "path"), countArg(file, "length") ?? 0)
      body.push(read.bytes)
      value.push({ length: read.bytes.length, stamp: read.stamp })
    } catch (error) {
      const { code, message } = failureOf(error, String(file["path"]))
      value.push({ length: 0, code, message: message.slice(0, 500) })
    }
  }
  return { value, body }
}

/** The clock of file times ticks up to every 10 ms: two changes within a tick leave the same time. */
const tickMs = 25

/** Whether a change from now on changes the stamp. */
const isQuiet = ({ ctimeMs }: BigIntStats) => Math.abs(Date.now() - Number(ctimeMs)) > tickMs

/** Waits if one of the files changed just now. */
const untilQuiet = async (files: ReadonlyArray<Args>) => {
  const isBusy = files.some((file) => {
    try {
      return !isQuiet(withResolved(pathArg(file, "path"), false, (path) => lstatSync(path, { bigint: true })))
    } catch {
      return false
    }
  })
  if (isBusy) await delay(2 * tickMs)
}

/** The stamp is empty if the bytes are not those that the file had at one time, or if it is longer. */
const readWhole = async (file: string, length: number) => {
  const fd = mapErrors(file, () => openFile(file))
  try {
    const found = fstatSync(fd, { bigint: true })
    const bytes = readStart(fd, length)
    if (found.size > length) return { bytes, stamp: "" }
    if (isQuiet(found) && stampOf(found) === stampOf(fstatSync(fd, { bigint: true }))) {
      return { bytes, stamp: stampOf(found) }
    }
    await delay(2 * tickMs)
    return { bytes, stamp: readStart(fd, bytes.length).equals(bytes) ? busyStamp(found) : "" }
  } finally {
    closeSync(fd)
  }
}

const readStart = (fd: number, length: number) => {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  for (let read = -1; read !== 0 && done < length; done += read) {
    read = readSync(fd, bytes, done, length - done, done)
  }
  return bytes.subarray(0, done)
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

/** Differs from each other stamp, since the file may change without another one. */
const busyStamp = (stat: BigIntStats) => `${stampOf(stat)}-${busyStamps++}`
let busyStamps = 0

/** Reads a part of a file that is not a symbolic link, with its stamp to tell whether it is still the same file. */
export const readPart: Operation = async ({ args }) => {
  const file = pathArg(args, "path")
  const offset = countArg(args, "offset") ?? 0
  if (offset === 0) await untilQuiet([args])
  const fd = mapErrors(file, () => openFile(file))
  const stat = fstatSync(fd, { bigint: true })
  const size = Number(stat.size)
  const length = Math.max(0, Math.min(countArg(args, "length") ?? 0, size - offset))
  return { value: { size, stamp: isQuiet(stat) ? stampOf(stat) : busyStamp(stat) }, file: { fd, offset, length } }
}
