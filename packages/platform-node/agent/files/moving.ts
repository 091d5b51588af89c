/** Moving files and directories, also to other file systems: completely or not at all. */
import { accessSync, chmodSync, closeSync, constants, lstatSync, promises, readdirSync, renameSync } from "node:fs"
import { dirname, join } from "node:path"
import { pathArg } from "../wire/args.js"
import { codeOf, Failure, failureOf, mapErrors } from "../wire/failure.js"
import type { Operation } from "../wire/operation.js"
import { fdPath, openPathOnly, resolveBeneath } from "./beneath.js"
import { ownName } from "./ownFiles.js"

/** The paths as the client wrote them. */
interface Names {
  readonly from: string
  readonly to: string
}

export const moveFile: Operation = async ({ args }) => {
  const [from, to] = [pathArg(args, "source"), pathArg(args, "destination")]
  const source = mapErrors(from, () => resolveBeneath(from, false))
  try {
    const destination = mapErrors(to, () => resolveBeneath(to, false))
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
  mapErrors(from, () => lstatSync(source))
  if (mapErrors(to, () => lstatSync(destination, { throwIfNoEntry: false })) !== undefined) {
    throw new Failure("EEXIST", `Already exists: ${to}`)
  }
  try {
    renameSync(source, destination)
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw failureOf(error, `${from} to ${to}`)
    await moveAcross(source, destination, { from, to })
  }
}

/** To another file system: the copy is renamed once it is complete, and only then the source is removed. */
const moveAcross = async (source: string, destination: string, { from, to }: Names) => {
  const copy = join(dirname(destination), ownName("part"))
  try {
    accessSync(dirname(source), constants.W_OK)
    await promises.cp(source, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
    await promises.rename(copy, destination)
  } catch (error) {
    await removeTree(copy).catch(() => {})
    throw failureOf(error, `${from} to ${to}`)
  }
  await removeTree(source).catch((error) => {
    throw failureOf(error, `moved to ${to}, but left behind: ${from}`)
  })
}

/** Including directories without write permission, which their owner may change. */
const removeTree = async (root: string) => {
  const remove = () => promises.rm(root, { recursive: true, force: true })
  await remove().catch((error) => {
    if (codeOf(error) !== "EACCES") throw error
    unlock(root)
    return remove()
  })
}

const unlock = (directory: string) => {
  const fd = openPathOnly(directory)
  try {
    chmodSync(fdPath(fd), 0o700)
    for (const entry of readdirSync(fdPath(fd), { withFileTypes: true })) {
      if (entry.isDirectory()) unlock(`${fdPath(fd)}/${entry.name}`)
    }
  } finally {
    closeSync(fd)
  }
}
