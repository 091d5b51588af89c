/** The state of a directory entry, as a string that can be compared. */
import { type BigIntStats, closeSync, type Dir, lstatSync, opendirSync } from "node:fs"
import { fdPath, openDirectory, withResolved } from "../files/beneath.js"

/** "d" and the inode number of a directory; change time, size and inode number otherwise. One string to save memory. */
export type EntryState = string

/** A file that no longer existed when its state was to be read. */
export const transient = "transient"

export const isDirectory = (state: EntryState | undefined) => state !== undefined && state.startsWith("d")

export const describe = (stat: BigIntStats | undefined): EntryState | undefined => {
  if (stat === undefined) return undefined
  return stat.isDirectory() ? `d${stat.ino}` : `${stat.ctimeNs} ${stat.size} ${stat.ino}`
}

export const stateOf = (path: string, follow: boolean = false) => {
  try {
    return describe(withResolved(path, follow, (found) => lstatSync(found, { bigint: true, throwIfNoEntry: false })))
  } catch {
    return undefined
  }
}

export const namesIn = function*(path: string) {
  let fd: number | undefined
  let handle: Dir | undefined
  try {
    fd = openDirectory(path)
    handle = opendirSync(fdPath(fd))
    for (let entry = handle.readSync(); entry; entry = handle.readSync()) yield entry.name
  } catch {
    /* gone already, or not readable */
  } finally {
    handle?.closeSync()
    if (fd !== undefined) closeSync(fd)
  }
}
