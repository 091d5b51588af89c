/**
 * The changes below a directory between two polls. inotify events report entries that existed only in between; a complete
 * scan at every poll finds what the events have missed. What a scan finds before its event has arrived is expected, so that
 * nothing is reported twice.
 */
import { isOwn } from "../files/ownFiles.js"
import { makeDirectoryWatches, type WatchBudget } from "./directoryWatches.js"
import { makeEventProcessor } from "./eventProcessor.js"
import { makeExpectedEvents } from "./expectedEvents.js"
import { selfName } from "./inotify.js"
import { makePendingEvents } from "./pendingEvents.js"
import { maxEntries, scan } from "./scan.js"
import { makeSnapshot } from "./snapshot.js"

/** Changes between two polls; any more are left to the scan of the next poll. */
const maxChanges = 50_000

export type WatchedTree = ReturnType<typeof makeWatchedTree>

export const makeWatchedTree = (root: string, budget: WatchBudget) => {
  const onEvent = (directory: string, event: string, name: string | null) => {
    if (name === selfName) return event === "rename" ? watches.renew(directory, directory === root) : undefined
    if (name === null || snapshot.changes() + pending.size() >= maxChanges || snapshot.size() >= maxEntries) return
    const entry = `${directory === "/" ? "" : directory}/${name}`
    if (isOwn(name)) return pending.addOwn(entry, event)
    pending.add(entry, event)
    processor.schedule()
  }
  const pending = makePendingEvents()
  const expected = makeExpectedEvents()
  const watches = makeDirectoryWatches(budget, onEvent)
  const snapshot = makeSnapshot(pending, expected, watches)
  const processor = makeEventProcessor(pending, expected, snapshot)

  /** The changes since the previous poll. The first poll establishes the baseline. */
  const poll = async (signal: AbortSignal) => {
    await processor.flush()
    await scan(root, snapshot, watches, signal)
    return snapshot.takeChanges()
  }

  const close = () => {
    processor.close()
    watches.close()
  }

  return { poll, size: snapshot.size, close }
}
