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
  const entries = makeEntries()
  let checksLeft = 0

  /** Compares an entry with its known state. One with pending events is left to them. */
  const check = (path: string) => {
    if (pending.has(path)) return
    const was = entries.get(path)
    const now = stateOf(path)
    if (was === now) return
    if (was !== undefined && now !== undefined && !isDirectory(was) && !isDirectory(now)) {
      entries.report("modify", path, now)
      entries.set(path, now)
      return
    }
    const causesEvent = entries.isReporting() && watches.has(dirname(path))
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
    entries.report("create", path, state)
    entries.set(path, state)
    if (!isDirectory(state)) return
    watches.add(path, state)
    checkInside(path)
  }

  const remove = (path: string, state: EntryState) => {
    entries.report("delete", path, state)
    entries.set(path, undefined)
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

  /** Checks an entry and, if it is a new directory, up to `maxInside` entries below it. */
  const checkWithin = (path: string, maxInside: number) => {
    checksLeft = maxInside
    check(path)
  }
  return { ...entries, check: checkWithin }
}

/** Known states, and the log of changes, which begins once the baseline is complete. */
const makeEntries = () => {
  const known = new Map<string, EntryState>()
  const log = makeChangeLog()
  let isReporting = false

  return {
    get: (path: string) => known.get(path),
    set: (path: string, state: EntryState | undefined) => {
      if (state === undefined) known.delete(path)
      else known.set(path, state)
    },
    report: (eventType: EventType, path: string, state: EntryState) => {
      if (isReporting) log.add(eventType, path, isDirectory(state) ? "directory" : "file")
    },
    isReporting: () => isReporting,
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
