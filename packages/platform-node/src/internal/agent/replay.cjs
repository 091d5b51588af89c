// @ts-check
"use strict"

/**
 * What happened to one entry, from the notices about it. A notice of the kernel says that the entry came, went or was
 * replaced, but not which of these. Since none gets lost, each one turns "there" into "not there" or back, but for those
 * of a replacement.
 */

/**
 * A `replaced` entry had another put in its place, or came by that; a `renamed` one came, went or was replaced.
 *
 * @typedef {"replaced" | "renamed" | "changed"} Notice
 * @typedef {import("./changeLog.cjs").EventType} EventType
 */

/**
 * @typedef {object} Seen
 * @property {boolean} wasThere when the notices before these had been accounted for
 * @property {boolean} isThere
 * @property {boolean} isSame whether it is now as it was then
 * @property {number} mostOld how many of the notices may be of what was known then
 */

/**
 * @typedef {object} Replay
 * @property {ReadonlyArray<EventType>} events in their order, from `wasThere` to `isThere`
 * @property {boolean} isCertain false where the notices do not lead there, because some are still to come or because of
 *   a replacement that none of them showed
 * @property {boolean} isAhead whether the notice of the last event may be still to come
 * @property {number} old how many of the notices were of what was known
 */

/**
 * @param {ReadonlyArray<Notice>} notices
 * @param {Seen} seen
 * @returns {Replay}
 */
const replay = (notices, seen) => {
  const { isThere, mostOld, wasThere } = seen
  for (let old = mostOld; old >= 0; old--) {
    const left = withoutFirst(notices, old)
    if (left === undefined) continue
    const { events, there } = follow(left, wasThere)
    if (there === isThere) return { events, isCertain: true, isAhead: false, old }
  }
  return { ...guess(notices, seen), isCertain: false, old: 0 }
}

/**
 * What is as it was has been looked at after it was replaced, which is told already if it was not gone in between.
 *
 * @param {ReadonlyArray<Notice>} notices
 * @param {Seen} seen
 */
const guess = (notices, { isSame, isThere, wasThere }) => {
  const { events, lastDelete } = follow(notices, wasThere)
  const replaced = lastDelete === undefined ? undefined : follow(notices.with(lastDelete, "replaced"), wasThere)
  if (replaced?.there === isThere && !isSame) return { events: replaced.events, isAhead: false }
  /** @type {EventType} */
  const last = isThere ? "create" : "delete"
  return { events: [...events, last], isAhead: true }
}

/**
 * Without the first that tell of coming and going; undefined where there are not as many.
 *
 * @param {ReadonlyArray<Notice>} notices
 * @param {number} count
 */
const withoutFirst = (notices, count) => {
  let left = count
  const kept = notices.filter((notice) => notice === "changed" || left-- <= 0)
  return left <= 0 ? kept : undefined
}

/**
 * @param {ReadonlyArray<Notice>} notices
 * @param {boolean} wasThere
 */
const follow = (notices, wasThere) => {
  /** @type {Array<EventType>} */
  const events = []
  let there = wasThere
  /** @type {number | undefined} */
  let lastDelete
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

module.exports = { replay }
