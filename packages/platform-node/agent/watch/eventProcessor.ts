/** Updates a snapshot from inotify events. */
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises"
import type { EventType } from "./changeLog.js"
import { isDirectory, stateOf, transient } from "./entryState.js"
import type { ExpectedEvents } from "./expectedEvents.js"
import type { PendingEntry, PendingEvents } from "./pendingEvents.js"
import { replay } from "./replay.js"
import type { Snapshot } from "./snapshot.js"

/** Entries that are checked because of one event, below a directory that was created with contents. */
const maxChecksPerEvent = 1000

/** Events that do not explain the current state are tried again, together with later ones about the same entry. */
const retryMs = 5

/**
 * Events arrive after the change, and the process that makes it may be descheduled in between. Tries are counted, not their time:
 * where processes wait long for their turn, so does this one.
 */
const maxTries = 20

export const makeEventProcessor = (pending: PendingEvents, expected: ExpectedEvents, snapshot: Snapshot) => {
  let isScheduled = false
  let retrying: NodeJS.Timeout | undefined
  let isClosed = false

  const schedule = () => {
    if (isScheduled || isClosed) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      processAll()
    })
  }

  const processAll = () => {
    for (const each of pending.take()) apply(each)
    if (pending.size() === 0) return
    retrying ??= setTimeout(() => {
      retrying = undefined
      schedule()
    }, retryMs).unref()
  }

  const apply = (entry: PendingEntry) => {
    const { events, path, tries } = entry
    const was = snapshot.get(path)
    const now = stateOf(path)
    // Events about a directory include changes of its attributes, which look the same.
    if (isDirectory(was) || isDirectory(now)) return snapshot.check(path, maxChecksPerEvent)
    const found = replay(events, {
      wasThere: was !== undefined,
      isThere: now !== undefined,
      isSame: was === now,
      maxExpected: expected.count(path)
    })
    if (!found.isCertain && tries < maxTries) return pending.putBack(entry)
    expected.arrived(path, found.expected)
    if (found.isAhead) expected.add(path)
    if (was === now && found.events.every(isModify) && !events.includes("changed")) return
    for (const eventType of found.events) snapshot.report(eventType, path, now ?? transient)
    if (now === undefined || found.events.length > 0) snapshot.set(path, now)
  }

  /** Processes the events of everything that happened before. */
  const flush = async () => {
    // After two turns of the event loop they have been read.
    await nextTurn()
    await nextTurn()
    processAll()
    for (let tries = 0; pending.size() > 0 && tries < 2 * maxTries; tries++) await delay(retryMs)
  }

  return { schedule, flush, close: () => void (isClosed = true) }
}

const isModify = (event: EventType) => event === "modify"
