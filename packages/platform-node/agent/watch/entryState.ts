/** What an entry is like, in a text that can be compared. */
import * as Fs from "node:fs"
import { at, openFolder, pathOf } from "../files/beneath.js"

/**
 * "d" and the inode for a directory, else time, size and inode. One text, since there may be many. A file that was gone
 * before it could be looked at is `passing`.
 */
export type State = string
export const passing = "passing"

export const isFolder = (state: State | undefined) => state !== undefined && state.startsWith("d")

export const describe = (stat: Fs.BigIntStats | undefined): State | undefined => {
  if (stat === undefined) return undefined
  return stat.isDirectory() ? `d${stat.ino}` : `${stat.ctimeNs} ${stat.size} ${stat.ino}`
}

export const stateOf = (path: string, follow: boolean = false) => {
  try {
    return describe(at(path, follow, (place) => Fs.lstatSync(place, { bigint: true, throwIfNoEntry: false })))
  } catch {
    return undefined
  }
}

export const namesIn = function*(path: string) {
  let fd: number | undefined
  let handle: Fs.Dir | undefined
  try {
    fd = openFolder(path)
    handle = Fs.opendirSync(pathOf(fd))
    for (let entry = handle.readSync(); entry; entry = handle.readSync()) yield entry.name
  } catch {
    /* gone already, or not to be read */
  } finally {
    handle?.closeSync()
    if (fd !== undefined) Fs.closeSync(fd)
  }
}
