/** inotify events from their arrival until they are processed, in order, grouped by path. */
import type { InotifyEvent } from "./replay.js"

export interface PendingEntry {
  readonly path: string
  readonly events: ReadonlyArray<InotifyEvent>
  /** How often they were put back. */
  readonly tries: number
}

/** The agent has a few temporary files at a time; any more are files of the session with such names. */
const maxOwnFiles = 100

export type PendingEvents = ReturnType<typeof makePendingEvents>

export const makePendingEvents = () => {
  let byPath = new Map<string, { events: Array<InotifyEvent>; tries: number }>()
  let size = 0
  /** The agent's own temporary files that exist at the moment. */
  const own = new Set<string>()
  let ownRenamed = false

  /** `event` is "rename" or "change", as from `fs.watch`. Consecutive changes are merged. */
  const add = (path: string, event: string) => {
    const { events } = entry(path)
    const kind = event === "change" ? "changed" : ownRenamed ? "replaced" : "renamed"
    ownRenamed = false
    if (kind === "changed" && events.at(-1) === "changed") return
    events.push(kind)
    size++
  }

  const entry = (path: string) => {
    const found = byPath.get(path) ?? { events: [], tries: 0 }
    byPath.set(path, found)
    return found
  }

  /**
   * An event about a temporary file of the agent, which is going to be renamed over another file: the next event is then
   * about that file.
   */
  const addOwn = (path: string, event: string) => {
    ownRenamed = event === "rename" && own.delete(path)
    if (event === "rename" && !ownRenamed && own.size < maxOwnFiles) own.add(path)
  }

  const take = (): ReadonlyArray<PendingEntry> => {
    const taken = [...byPath].map(([path, found]) => ({ path, ...found }))
    byPath = new Map()
    size = 0
    return taken
  }

  /** Puts back what was taken, in front of events that have arrived since. */
  const putBack = ({ events, path, tries }: PendingEntry) => {
    const found = entry(path)
    found.events.unshift(...events)
    found.tries = tries + 1
    size += events.length
  }

  return { add, addOwn, take, putBack, has: (path: string) => byPath.has(path), size: () => size }
}
