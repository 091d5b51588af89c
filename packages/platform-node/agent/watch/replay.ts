/**
 * Reconstructs what happened to an entry from the inotify events about it. `fs.watch` reports "rename" for an entry that was
 * created, deleted or replaced, without saying which. Since no event is lost, each one but those of replacements toggles
 * whether the entry exists.
 */
import type { EventType } from "./changeLog.js"

/**
 * `replaced`: another file was renamed over the entry, or to its name. `renamed`: the entry was created, deleted or
 * replaced. `changed`: it was written to.
 */
export type InotifyEvent = "replaced" | "renamed" | "changed"

interface Observed {
  /** Whether the entry existed before these events. */
  readonly wasThere: boolean
  readonly isThere: boolean
  /** Whether its state is the same as before these events. */
  readonly isSame: boolean
  /** How many of the events may belong to changes that were observed already. */
  readonly maxExpected: number
}

export interface Replay {
  /** In order, leading from `wasThere` to `isThere`. */
  readonly events: ReadonlyArray<EventType>
  /**
   * False if the inotify events do not lead to `isThere`, because some have not arrived yet or one of them was an
   * unrecognised replacement.
   */
  readonly isCertain: boolean
  /** Whether the inotify event of the last change may still arrive. */
  readonly isAhead: boolean
  /** How many of the inotify events belong to changes that were observed already. */
  readonly expected: number
}

export const replay = (events: ReadonlyArray<InotifyEvent>, observed: Observed): Replay => {
  const { isThere, maxExpected, wasThere } = observed
  for (let expected = maxExpected; expected >= 0; expected--) {
    const left = withoutFirst(events, expected)
    if (left === undefined) continue
    const followed = follow(left, wasThere)
    if (followed.there === isThere) return { events: followed.events, isCertain: true, isAhead: false, expected }
  }
  return { ...guess(events, observed), isCertain: false, expected: 0 }
}

/**
 * If the state is unchanged, the entry was observed after its replacement, which was then reported already, unless it was
 * deleted in between.
 */
const guess = (events: ReadonlyArray<InotifyEvent>, { isSame, isThere, wasThere }: Observed) => {
  const followed = follow(events, wasThere)
  const { lastDelete } = followed
  const replaced = lastDelete === undefined ? undefined : follow(events.with(lastDelete, "replaced"), wasThere)
  if (replaced?.there === isThere && !isSame) return { events: replaced.events, isAhead: false }
  const last: EventType = isThere ? "create" : "delete"
  return { events: [...followed.events, last], isAhead: true }
}

/** Drops the first `count` events other than `changed`; undefined if there are fewer. */
const withoutFirst = (events: ReadonlyArray<InotifyEvent>, count: number) => {
  let left = count
  const kept = events.filter((event) => event === "changed" || left-- <= 0)
  return left <= 0 ? kept : undefined
}

const follow = (inotifyEvents: ReadonlyArray<InotifyEvent>, wasThere: boolean) => {
  const events: Array<EventType> = []
  let there = wasThere
  let lastDelete: number | undefined
  inotifyEvents.forEach((event, at) => {
    if (event === "changed" || (there && event === "replaced")) {
      if (there) events.push("modify")
      return
    }
    if (there) lastDelete = at
    events.push(there ? "delete" : "create")
    there = !there
  })
  return { events, there, lastDelete }
}
