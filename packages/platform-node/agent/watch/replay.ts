import type { EventType } from "./changeLog.js"
/**
 * What happened to one entry, from the notices about it. A notice of the kernel says that the entry came, went or was
 * replaced, but not which of these. Since none gets lost, each one turns "there" into "not there" or back, but for those
 * of a replacement.
 */

/** A `replaced` entry had another put in its place, or came by that; a `renamed` one came, went or was replaced. */
export type Notice = "replaced" | "renamed" | "changed"

interface Seen {
  /** When the notices before these had been accounted for. */
  readonly wasThere: boolean
  readonly isThere: boolean
  /** Whether it is now as it was then. */
  readonly isSame: boolean
  /** How many of the notices may be of what was known then. */
  readonly mostOld: number
}

export interface Replay {
  /** In their order, from `wasThere` to `isThere`. */
  readonly events: ReadonlyArray<EventType>
  /** False where the notices do not lead there, because some are still to come or because of a replacement that none of them showed. */
  readonly isCertain: boolean
  /** Whether the notice of the last event may be still to come. */
  readonly isAhead: boolean
  /** How many of the notices were of what was known. */
  readonly old: number
}

export const replay = (notices: ReadonlyArray<Notice>, seen: Seen): Replay => {
  const { isThere, mostOld, wasThere } = seen
  for (let old = mostOld; old >= 0; old--) {
    const left = withoutFirst(notices, old)
    if (left === undefined) continue
    const { events, there } = follow(left, wasThere)
    if (there === isThere) return { events, isCertain: true, isAhead: false, old }
  }
  return { ...guess(notices, seen), isCertain: false, old: 0 }
}

/** What is as it was has been looked at after it was replaced, which is told already if it was not gone in between. */
const guess = (notices: ReadonlyArray<Notice>, { isSame, isThere, wasThere }: Seen) => {
  const { events, lastDelete } = follow(notices, wasThere)
  const replaced = lastDelete === undefined ? undefined : follow(notices.with(lastDelete, "replaced"), wasThere)
  if (replaced?.there === isThere && !isSame) return { events: replaced.events, isAhead: false }
  const last: EventType = isThere ? "create" : "delete"
  return { events: [...events, last], isAhead: true }
}

/** Without the first that tell of coming and going; undefined where there are not as many. */
const withoutFirst = (notices: ReadonlyArray<Notice>, count: number) => {
  let left = count
  const kept = notices.filter((notice) => notice === "changed" || left-- <= 0)
  return left <= 0 ? kept : undefined
}

const follow = (notices: ReadonlyArray<Notice>, wasThere: boolean) => {
  const events: Array<EventType> = []
  let there = wasThere
  let lastDelete: number | undefined
  notices.forEach((notice, at) => {
    if (notice === "changed" || (there && notice === "replaced")) {
      if (there) events.push("modify")
      return
    }
    if (there) lastDelete = at
    events.push(there ? "delete" : "create")
    there = !there
  })
  return { events, there, lastDelete }
}
