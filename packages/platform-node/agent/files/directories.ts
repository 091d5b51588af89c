/** What a directory holds, what a file is, and removing it. */
import * as Fs from "node:fs"
import { basename, dirname, join } from "node:path"
import type { Operation } from "../operation.js"
import { path } from "../wire/args.js"
import { about, codeOf, Failure } from "../wire/failure.js"
import { at, openFolder, pathOf } from "./beneath.js"

const mostEntries = 100_000

const createDirectory: Operation = async ({ args }) => {
  const directory = path(args, "path")
  about(directory, () => makeFolders(directory))
  return { value: null }
}

const deleteFile: Operation = async ({ args }) => {
  const file = path(args, "path")
  about(file, () =>
    at(file, false, (path) => {
      if (Fs.lstatSync(path).isDirectory()) throw new Failure("EISDIR", `Is a directory: ${file}`)
      Fs.unlinkSync(path)
    }))
  return { value: null }
}

const fileInfo: Operation = async ({ args }) => {
  const file = path(args, "path")
  const stat = about(file, () => at(file, true, (path) => Fs.lstatSync(path)))
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
  const directory = path(args, "path")
  const folder = about(directory, () => openFolder(directory))
  const entries = []
  let opened: Fs.Dir | undefined
  try {
    const handle = about(directory, () => Fs.opendirSync(pathOf(folder)))
    opened = handle
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      if (entries.length === mostEntries) {
        throw new Failure("EFBIG", `More than ${mostEntries} entries, search instead: ${directory}`)
      }
      entries.push({ name: entry.name, isDirectory: isDirectory(directory, entry) })
    }
  } finally {
    opened?.closeSync()
    Fs.closeSync(folder)
  }
  return { value: { entries: entries.sort((one, other) => one.name < other.name ? -1 : 1) } }
}

export const directoryOperations: Readonly<Record<string, Operation>> = {
  createDirectory,
  deleteFile,
  fileInfo,
  listDirectory
}

/** With its parents, as `mkdir -p` does. */
export const makeFolders = (directory: string) => {
  try {
    makeFolder(directory)
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || dirname(directory) === directory) throw error
    makeFolders(dirname(directory))
    makeFolder(directory)
  }
}

const makeFolder = (directory: string) =>
  at(directory, true, (path) => {
    try {
      Fs.mkdirSync(path)
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || !Fs.lstatSync(path).isDirectory()) throw error
    }
  })

const isDirectory = (directory: string, entry: Fs.Dirent) => {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  try {
    return at(join(directory, entry.name), true, (path) => Fs.lstatSync(path)).isDirectory()
  } catch {
    return false
  }
}

const types = new Map([
  [Fs.constants.S_IFREG, "-"],
  [Fs.constants.S_IFDIR, "d"],
  [Fs.constants.S_IFCHR, "c"],
  [Fs.constants.S_IFBLK, "b"],
  [Fs.constants.S_IFIFO, "p"],
  [Fs.constants.S_IFSOCK, "s"]
])

/** As `ls -l` shows it, e.g. -rw-r--r--. */
const modeText = (mode: number) => {
  const triple = (shift: number, special: number, letter: string) => {
    const bits = mode >> shift
    const run = mode & special ? (bits & 1 ? letter : letter.toUpperCase()) : (bits & 1 ? "x" : "-")
    return (bits & 4 ? "r" : "-") + (bits & 2 ? "w" : "-") + run
  }
  const type = types.get(mode & Fs.constants.S_IFMT) ?? "?"
  return type + triple(6, 0o4000, "s") + triple(3, 0o2000, "s") + triple(0, 0o1000, "t")
}

const nameOf = (database: string, id: number) => {
  try {
    const line = Fs.readFileSync(database, "utf8").split("\n").find((entry) => entry.split(":")[2] === String(id))
    return line?.split(":")[0] ?? String(id)
  } catch {
    return String(id)
  }
}
