/** The directories of a tree that are watched. Their number is bounded by a budget that all trees share. */
import type { FSWatcher } from "node:fs"
import { type EntryState, isDirectory, stateOf } from "./entryState.js"
import { watchDirectory } from "./inotify.js"

interface DirectoryWatch {
  readonly inode: EntryState
  readonly watcher: FSWatcher
}

export interface WatchBudget {
  readonly take: () => boolean
  readonly release: () => void
}

export type DirectoryWatches = ReturnType<typeof makeDirectoryWatches>

export const makeDirectoryWatches = (
  budget: WatchBudget,
  onEvent: (directory: string, event: string, name: string | null) => void
) => {
  const watches = new Map<string, DirectoryWatch>()
  let isClosed = false

  const add = (path: string, state: EntryState) => {
    const existing = watches.get(path)
    if (isClosed || existing?.inode === state) return
    if (existing !== undefined) remove(path)
    if (!budget.take()) return
    const watcher = watchDirectory(path, (event, name) => {
      if (watches.has(path)) onEvent(path, event, name)
    })
    if (watcher === undefined) budget.release()
    else watches.set(path, { watcher, inode: state })
  }

  /** Includes the directories below it: they may have been moved and their events would be reported under the old path. */
  const remove = (path: string) => {
    for (const [other, { watcher }] of watches) {
      if (other !== path && !other.startsWith(`${path}/`)) continue
      watcher.close()
      watches.delete(other)
      budget.release()
    }
  }

  /** The path may lead to another directory by now, possibly with the same inode number. */
  const renew = (path: string, follow: boolean) => {
    remove(path)
    const state = stateOf(path, follow)
    if (state !== undefined && isDirectory(state)) add(path, state)
  }

  const close = () => {
    isClosed = true
    for (const path of watches.keys()) remove(path)
  }

  return { add, remove, renew, close, has: (path: string) => watches.has(path) }
}
