/** Creating and listing directories, file attributes, deleting files. */
import {
  closeSync,
  constants,
  type Dir,
  type Dirent,
  lstatSync,
  mkdirSync,
  opendirSync,
  readFileSync,
  unlinkSync
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { pathArg } from "../wire/args.js"
import { codeOf, Failure, mapErrors } from "../wire/failure.js"
import type { Operation } from "../wire/operation.js"
import { fdPath, openDirectory, withResolved } from "./beneath.js"

const maxEntries = 100_000

const createDirectory: Operation = async ({ args }) => {
  const directory = pathArg(args, "path")
  mapErrors(directory, () => makeDirectories(directory))
  return { value: null }
}

const deleteFile: Operation = async ({ args }) => {
  const file = pathArg(args, "path")
  mapErrors(file, () =>
    withResolved(file, false, (path) => {
      if (lstatSync(path).isDirectory()) throw new Failure("EISDIR", `Is a directory: ${file}`)
      unlinkSync(path)
    }))
  return { value: null }
}

const fileInfo: Operation = async ({ args }) => {
  const file = pathArg(args, "path")
  const stat = mapErrors(file, () => withResolved(file, true, (path) => lstatSync(path)))
  return {
    value: {
      name: basename(file) || "/",
      path: file,
      size: stat.size,
      isDirectory: stat.isDirectory(),
      modTime: stat.mtime.toISOString().replace(/\.\d+Z$/, "Z"),
      mode: modeText(stat.mode),
      owner: nameOf("/etc/passwd", stat.uid),
      group: nameOf("/etc/group", stat.gid)
    }
  }
}

const listDirectory: Operation = async ({ args }) => {
  const directory = pathArg(args, "path")
  const fd = mapErrors(directory, () => openDirectory(directory))
  const entries = []
  let opened: Dir | undefined
  try {
    const handle = mapErrors(directory, () => opendirSync(fdPath(fd)))
    opened = handle
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      if (entries.length === maxEntries) {
        throw new Failure("EFBIG", `More than ${maxEntries} entries, search instead: ${directory}`)
      }
      entries.push({ name: entry.name, isDirectory: isDirectory(directory, entry) })
    }
  } finally {
    opened?.closeSync()
    closeSync(fd)
  }
  return { value: { entries: entries.sort((one, other) => one.name < other.name ? -1 : 1) } }
}

/** How many entries are described, for people. */
const maxDescribed = 5000

/** The entries of a directory with their attributes; of a large one the first that the system tells. */
const describeDirectory: Operation = async ({ args }) => {
  const directory = pathArg(args, "path")
  const fd = mapErrors(directory, () => openDirectory(directory))
  const entries = []
  let opened: Dir | undefined
  let isTruncated = false
  try {
    const handle = mapErrors(directory, () => opendirSync(fdPath(fd)))
    opened = handle
    for (let entry = handle.readSync(); entry !== null && !isTruncated; entry = handle.readSync()) {
      isTruncated = entries.length === maxDescribed
      if (!isTruncated) entries.push(described(`${fdPath(fd)}/${entry.name}`, entry.name))
    }
  } finally {
    opened?.closeSync()
    closeSync(fd)
  }
  return { value: { entries: entries.sort((one, other) => one.name < other.name ? -1 : 1), isTruncated } }
}

/** One that is gone meanwhile has no attributes. */
const described = (path: string, name: string) => {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  const type = stat?.isFile()
    ? "file"
    : stat?.isDirectory()
    ? "directory"
    : stat?.isSymbolicLink()
    ? "symlink"
    : "other"
  return { name, type, size: stat?.size ?? 0, modifiedAt: stat === undefined ? null : Math.round(stat.mtimeMs) }
}

export const directoryOperations: Readonly<Record<string, Operation>> = {
  createDirectory,
  describeDirectory,
  deleteFile,
  fileInfo,
  listDirectory
}

/** Creates a directory with its parents, like `mkdir -p`. */
export const makeDirectories = (directory: string) => {
  try {
    makeDirectory(directory)
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || dirname(directory) === directory) throw error
    makeDirectories(dirname(directory))
    makeDirectory(directory)
  }
}

const makeDirectory = (directory: string) =>
  withResolved(directory, true, (path) => {
    try {
      mkdirSync(path)
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || !lstatSync(path).isDirectory()) throw error
    }
  })

const isDirectory = (directory: string, entry: Dirent) => {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  try {
    return withResolved(join(directory, entry.name), true, (path) => lstatSync(path)).isDirectory()
  } catch {
    return false
  }
}

const types = new Map([
  [constants.S_IFREG, "-"],
  [constants.S_IFDIR, "d"],
  [constants.S_IFCHR, "c"],
  [constants.S_IFBLK, "b"],
  [constants.S_IFIFO, "p"],
  [constants.S_IFSOCK, "s"]
])

/** In the notation of `ls -l`, e.g. `-rw-r--r--`. */
const modeText = (mode: number) => {
  const triple = (shift: number, special: number, letter: string) => {
    const bits = mode >> shift
    const run = mode & special ? (bits & 1 ? letter : letter.toUpperCase()) : (bits & 1 ? "x" : "-")
    return (bits & 4 ? "r" : "-") + (bits & 2 ? "w" : "-") + run
  }
  const type = types.get(mode & constants.S_IFMT) ?? "?"
  return type + triple(6, 0o4000, "s") + triple(3, 0o2000, "s") + triple(0, 0o1000, "t")
}

const nameOf = (database: string, id: number) => {
  try {
    const line = readFileSync(database, "utf8").split("\n").find((entry) => entry.split(":")[2] === String(id))
    return line?.split(":")[0] ?? String(id)
  } catch {
    return String(id)
  }
}
