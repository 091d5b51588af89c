/** The last known state of every entry below a root, and the changes found since. */
import { dirname } from "node:path"
import { type EventType, makeChangeLog } from "./changeLog.js"
import type { DirectoryWatches } from "./directoryWatches.js"
import { type EntryState, isDirectory, namesIn, stateOf } from "./entryState.js"
import type { ExpectedEvents } from "./expectedEvents.js"
import type { PendingEvents } from "./pendingEvents.js"

export type Snapshot = ReturnType<typeof makeSnapshot>

export const makeSnapshot = (
  pending: PendingEvents,
  expected: ExpectedEvents,
  watches: Pick<DirectoryWatches, "add" | "remove" | "has">
) => {
  const known = new Map<string, EntryState>()
  const log = makeChangeLog()
  let isReporting = false
  let checksLeft = 0

  const report = (eventType: EventType, path: string, state: EntryState) => {
    if (isReporting) log.add(eventType, path, isDirectory(state) ? "directory" : "file")
  }

  /** Compares an entry with its known state. One with pending events is left to them. */
  const check = (path: string) => {
    if (pending.has(path)) return
    const was = known.get(path)
    const now = stateOf(path)
    if (was === now) return
    if (was !== undefined && now !== undefined && !isDirectory(was) && !isDirectory(now)) {
      report("modify", path, now)
      known.set(path, now)
      return
    }
    const causesEvent = isReporting && watches.has(dirname(path))
    if (was !== undefined) {
      if (causesEvent) expected.add(path)
      remove(path, was)
    }
    if (now !== undefined) {
      if (causesEvent) expected.add(path)
      add(path, now)
    }
  }

  const add = (path: string, state: EntryState) => {
    report("create", path, state)
    known.set(path, state)
    if (!isDirectory(state)) return
    watches.add(path, state)
    checkInside(path)
  }

  const remove = (path: string, state: EntryState) => {
    report("delete", path, state)
    known.delete(path)
    if (isDirectory(state)) watches.remove(path)
  }

  const checkInside = (path: string) => {
    if (checksLeft === 0) return
    for (const name of namesIn(path)) {
      if (checksLeft === 0) return
      checksLeft--
      check(`${path}/${name}`)
    }
  }

  return {
    /** Checks an entry and, if it is a new directory, up to `maxInside` entries below it. */
    check: (path: string, maxInside: number) => {
      checksLeft = maxInside
      check(path)
    },
    report,
    get: (path: string) => known.get(path),
    set: (path: string, state: EntryState | undefined) => {
      if (state === undefined) known.delete(path)
      else known.set(path, state)
    },
    paths: () => known.keys(),
    size: () => known.size,
    changes: () => log.size(),
    /** Returns the changes since the last call. The first call completes the baseline. */
    takeChanges: () => {
      isReporting = true
      return log.take()
    }
  }
}
