/** Walks a directory tree without following symbolic links and without blocking the event loop. */
import { type BigIntStats, closeSync, constants, type Dir, lstatSync, opendirSync, openSync } from "node:fs"
import { setImmediate as nextTurn } from "node:timers/promises"
import { Failure } from "../wire/failure.js"
import { fdPath, isBeneath, openDirectory } from "./beneath.js"

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants

/** How long other calls may be delayed. */
const maxBlockMs = 5

export interface Entry {
  /** Relative to the root of the walk. */
  readonly path: string
  readonly name: string
  readonly isDirectory: boolean
  /** To be called during the visit only; undefined if the entry no longer exists. */
  readonly stat: () => BigIntStats | undefined
}

/**
 * Visits each entry once, directories before their contents. Directories that cannot be read are skipped, and passed to
 * `onUnreadable` with the reason.
 */
export const walk = async (
  root: string,
  visit: (entry: Entry) => "enter" | "skip" | "stop",
  onUnreadable: (path: string, error: unknown) => void = () => {}
): Promise<void> => {
  const top = openDirectory(root)
  const pending = [""]
  let lastTurn = performance.now()
  try {
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (const { entry, stat } of entriesOf(top, at.slice(0, -1), onUnreadable)) {
        if (performance.now() - lastTurn > maxBlockMs) {
          await nextTurn()
          lastTurn = performance.now()
        }
        const isDirectory = entry.isDirectory()
        const path = at + entry.name
        const next = visit({ path, name: entry.name, isDirectory, stat })
        if (next === "stop") return
        if (next === "enter" && isDirectory) pending.push(`${path}/`)
      }
    }
  } finally {
    closeSync(top)
  }
}

const entriesOf = function*(top: number, directory: string, onUnreadable: (path: string, error: unknown) => void) {
  let fd: number | undefined
  let handle: Dir | undefined
  try {
    fd = openBeneath(`${fdPath(top)}/${directory || "."}`)
    handle = opendirSync(fdPath(fd))
    for (let entry = handle.readSync(); entry; entry = handle.readSync()) {
      const path = `${fdPath(fd)}/${entry.name}`
      yield { entry, stat: () => lstatSync(path, { bigint: true, throwIfNoEntry: false }) }
    }
  } catch (error) {
    onUnreadable(directory, error)
  } finally {
    handle?.closeSync()
    if (fd !== undefined) closeSync(fd)
  }
}

const openBeneath = (directory: string) => {
  const fd = openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  if (isBeneath(fd)) return fd
  closeSync(fd)
  throw new Failure("EACCES", "Permission denied, outside the session")
}
