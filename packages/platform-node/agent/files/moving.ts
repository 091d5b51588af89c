/** Moving files and directories, to other file systems as well: all of it or nothing. */
import * as Fs from "node:fs"
import { dirname, join } from "node:path"
import type { Operation } from "../operation.js"
import { path } from "../wire/args.js"
import { about, codeOf, Failure, failureOf } from "../wire/failure.js"
import { locate, openPlace, pathOf } from "./beneath.js"
import { ownName } from "./ownFiles.js"

/** what the client calls the two ends */
type Names = { readonly from: string; readonly to: string }

export const moveFile: Operation = async ({ args }) => {
  const [from, to] = [path(args, "source"), path(args, "destination")]
  const source = about(from, () => locate(from, false))
  try {
    const destination = about(to, () => locate(to, false))
    try {
      await move(source.path, destination.path, { from, to })
    } finally {
      destination.close()
    }
  } finally {
    source.close()
  }
  return { value: null }
}

const move = async (source: string, destination: string, { from, to }: Names) => {
  about(from, () => Fs.lstatSync(source))
  if (about(to, () => Fs.lstatSync(destination, { throwIfNoEntry: false })) !== undefined) {
    throw new Failure("EEXIST", `Already exists: ${to}`)
  }
  try {
    Fs.renameSync(source, destination)
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw failureOf(error, `${from} to ${to}`)
    await moveAcross(source, destination, { from, to })
  }
}

/** To another file system: the copy gets its name when it is whole, and only then the source goes. */
const moveAcross = async (source: string, destination: string, { from, to }: Names) => {
  const copy = join(dirname(destination), ownName("part"))
  try {
    Fs.accessSync(dirname(source), Fs.constants.W_OK)
    await Fs.promises.cp(source, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
    await Fs.promises.rename(copy, destination)
  } catch (error) {
    await removeTree(copy).catch(() => {})
    throw failureOf(error, `${from} to ${to}`)
  }
  await removeTree(source).catch((error) => {
    throw failureOf(error, `moved to ${to}, but left behind: ${from}`)
  })
}

/** With directories that nobody may write to, as an owner may. */
const removeTree = async (root: string) => {
  const remove = () => Fs.promises.rm(root, { recursive: true, force: true })
  await remove().catch((error) => {
    if (codeOf(error) !== "EACCES") throw error
    unlock(root)
    return remove()
  })
}

const unlock = (folder: string) => {
  const fd = openPlace(folder)
  try {
    Fs.chmodSync(pathOf(fd), 0o700)
    for (const entry of Fs.readdirSync(pathOf(fd), { withFileTypes: true })) {
      if (entry.isDirectory()) unlock(`${pathOf(fd)}/${entry.name}`)
    }
  } finally {
    Fs.closeSync(fd)
  }
}
