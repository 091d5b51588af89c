// @ts-check
/** What a directory holds, what a file is, and moving and removing them. */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { basename, dirname, join } from "node:path"
import { path } from "./args.mjs"
import { about, codeOf, Failure, failureOf } from "./failure.mjs"

/** @typedef {import("./operation.mjs").Operation} Operation */

const mostEntries = 100_000

/** @type {Operation} */
const createDirectory = async ({ args }) => {
  const directory = path(args, "path")
  about(directory, () => fs.mkdirSync(directory, { recursive: true }))
  return { value: null }
}

/** @type {Operation} */
const deleteFile = async ({ args }) => {
  const file = path(args, "path")
  if (about(file, () => fs.lstatSync(file)).isDirectory()) throw new Failure("EISDIR", `Is a directory: ${file}`)
  about(file, () => fs.unlinkSync(file))
  return { value: null }
}

/** @type {Operation} */
const fileInfo = async ({ args }) => {
  const file = path(args, "path")
  const stat = about(file, () => fs.statSync(file))
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

/** @type {Operation} */
const listDirectory = async ({ args }) => {
  const directory = path(args, "path")
  const handle = about(directory, () => fs.opendirSync(directory))
  const entries = []
  try {
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      if (entries.length === mostEntries) {
        throw new Failure("EFBIG", `More than ${mostEntries} entries, search instead: ${directory}`)
      }
      entries.push({ name: entry.name, isDirectory: isDirectory(directory, entry) })
    }
  } finally {
    handle.closeSync()
  }
  return { value: { entries: entries.sort((one, other) => one.name < other.name ? -1 : 1) } }
}

/** @type {Operation} */
const moveFile = async ({ args }) => {
  const source = path(args, "source")
  const destination = path(args, "destination")
  about(source, () => fs.lstatSync(source))
  if (fs.lstatSync(destination, { throwIfNoEntry: false }) !== undefined) {
    throw new Failure("EEXIST", `Already exists: ${destination}`)
  }
  try {
    fs.renameSync(source, destination)
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw failureOf(error, `${source} to ${destination}`)
    await moveAcross(source, destination)
  }
  return { value: null }
}

/** @type {Readonly<Record<string, Operation>>} */
export const directoryOperations = { createDirectory, deleteFile, fileInfo, listDirectory, moveFile }

/**
 * To another file system: the copy gets its name when it is whole, and only then the source goes.
 *
 * @param {string} source
 * @param {string} destination
 */
const moveAcross = async (source, destination) => {
  const copy = join(dirname(destination), `.${randomBytes(8).toString("hex")}.part`)
  try {
    await fs.promises.cp(source, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
    await fs.promises.rename(copy, destination)
    await fs.promises.rm(source, { recursive: true })
  } catch (error) {
    await fs.promises.rm(copy, { recursive: true, force: true })
    throw failureOf(error, `${source} to ${destination}`)
  }
}

/**
 * @param {string} directory
 * @param {fs.Dirent} entry
 */
const isDirectory = (directory, entry) => {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  try {
    return fs.statSync(join(directory, entry.name)).isDirectory()
  } catch {
    return false
  }
}

const types = new Map([
  [fs.constants.S_IFREG, "-"],
  [fs.constants.S_IFDIR, "d"],
  [fs.constants.S_IFCHR, "c"],
  [fs.constants.S_IFBLK, "b"],
  [fs.constants.S_IFIFO, "p"],
  [fs.constants.S_IFSOCK, "s"]
])

/**
 * As `ls -l` shows it, e.g. -rw-r--r--.
 *
 * @param {number} mode
 */
const modeText = (mode) => {
  const triple = (/** @type {number} */ shift, /** @type {number} */ special, /** @type {string} */ letter) => {
    const bits = mode >> shift
    const run = mode & special ? (bits & 1 ? letter : letter.toUpperCase()) : (bits & 1 ? "x" : "-")
    return (bits & 4 ? "r" : "-") + (bits & 2 ? "w" : "-") + run
  }
  const type = types.get(mode & fs.constants.S_IFMT) ?? "?"
  return type + triple(6, 0o4000, "s") + triple(3, 0o2000, "s") + triple(0, 0o1000, "t")
}

/**
 * @param {string} database
 * @param {number} id
 */
const nameOf = (database, id) => {
  try {
    const line = fs.readFileSync(database, "utf8").split("\n").find((entry) => entry.split(":")[2] === String(id))
    return line?.split(":")[0] ?? String(id)
  } catch {
    return String(id)
  }
}
