// @ts-check
"use strict"

/** What a directory holds, what a file is, and removing it. */
const fs = require("node:fs")
const { basename, dirname, join } = require("node:path")
const { path } = require("./args.cjs")
const { about, codeOf, Failure } = require("./failure.cjs")
const { at, openFolder, pathOf } = require("./places.cjs")

/** @typedef {import("./operation.cjs").Operation} Operation */

const mostEntries = 100_000

/** @type {Operation} */
const createDirectory = async ({ args }) => {
  const directory = path(args, "path")
  about(directory, () => makeFolders(directory))
  return { value: null }
}

/** @type {Operation} */
const deleteFile = async ({ args }) => {
  const file = path(args, "path")
  about(file, () =>
    at(file, false, (path) => {
      if (fs.lstatSync(path).isDirectory()) throw new Failure("EISDIR", `Is a directory: ${file}`)
      fs.unlinkSync(path)
    }))
  return { value: null }
}

/** @type {Operation} */
const fileInfo = async ({ args }) => {
  const file = path(args, "path")
  const stat = about(file, () => at(file, true, (path) => fs.lstatSync(path)))
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
  const folder = about(directory, () => openFolder(directory))
  const entries = []
  /** @type {fs.Dir | undefined} */
  let handle
  try {
    handle = about(directory, () => fs.opendirSync(pathOf(folder)))
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      if (entries.length === mostEntries) {
        throw new Failure("EFBIG", `More than ${mostEntries} entries, search instead: ${directory}`)
      }
      entries.push({ name: entry.name, isDirectory: isDirectory(directory, entry) })
    }
  } finally {
    handle?.closeSync()
    fs.closeSync(folder)
  }
  return { value: { entries: entries.sort((one, other) => one.name < other.name ? -1 : 1) } }
}

/** @type {Readonly<Record<string, Operation>>} */
const directoryOperations = { createDirectory, deleteFile, fileInfo, listDirectory }

/**
 * With its parents, as `mkdir -p` does.
 *
 * @param {string} directory
 */
const makeFolders = (directory) => {
  try {
    makeFolder(directory)
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || dirname(directory) === directory) throw error
    makeFolders(dirname(directory))
    makeFolder(directory)
  }
}

/** @param {string} directory */
const makeFolder = (directory) =>
  at(directory, true, (path) => {
    try {
      fs.mkdirSync(path)
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || !fs.lstatSync(path).isDirectory()) throw error
    }
  })

/**
 * @param {string} directory
 * @param {fs.Dirent} entry
 */
const isDirectory = (directory, entry) => {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  try {
    return at(join(directory, entry.name), true, (path) => fs.lstatSync(path)).isDirectory()
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

module.exports = { directoryOperations, makeFolders }
