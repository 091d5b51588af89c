// @ts-check
"use strict"

/** The kernel's notices about the entries of folders, from their arrival until they are accounted for. */
const fs = require("node:fs")
const { openFolder, pathOf } = require("./places.cjs")

/** What notices about the folder itself bear: the last part of the path that it is watched by. */
const selfName = "."

/**
 * @param {string} path
 * @param {(event: string, name: string | null) => void} onNotice
 */
const startWatching = (path, onNotice) => {
  try {
    const fd = openFolder(path)
    try {
      const watcher = fs.watch(`${pathOf(fd)}/${selfName}`, { persistent: false }, onNotice)
      watcher.on("error", () => watcher.close())
      return watcher
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    return undefined
  }
}

/**
 * `since` is when the first notice came.
 *
 * @typedef {import("./replay.cjs").Notice} Notice
 * @typedef {{ readonly path: string, readonly notices: ReadonlyArray<Notice>, readonly since: number }} Waiting
 */

/** The agent has a few entries of its own at a time; more are some that others have given such a name. */
const mostOwn = 100

/** Notices in the order in which they came, entry by entry; changes that follow each other count as one. */
const makeWaiting = () => {
  /** @type {Map<string, { notices: Array<Notice>, since: number }>} */
  let byPath = new Map()
  let size = 0
  /** @type {Set<string>} those of the agent's own entries that are there */
  const own = new Set()
  let ownLeft = false

  /**
   * @param {string} path
   * @param {string} event "rename" or "change"
   */
  const add = (path, event) => {
    const { notices } = entry(path)
    const notice = event === "change" ? "changed" : ownLeft ? "replaced" : "renamed"
    ownLeft = false
    if (notice === "changed" && notices.at(-1) === "changed") return
    notices.push(notice)
    size++
  }

  /** @param {string} path */
  const entry = (path) => {
    const found = byPath.get(path) ?? { notices: [], since: performance.now() }
    byPath.set(path, found)
    return found
  }

  /**
   * A notice about an entry of the agent itself. Those are made to be put in the place of others, of which the next
   * notice tells.
   *
   * @param {string} path
   * @param {string} event
   */
  const addOwn = (path, event) => {
    ownLeft = event === "rename" && own.delete(path)
    if (event === "rename" && !ownLeft && own.size < mostOwn) own.add(path)
  }

  /** @returns {ReadonlyArray<Waiting>} */
  const take = () => {
    const taken = [...byPath].map(([path, found]) => ({ path, ...found }))
    byPath = new Map()
    size = 0
    return taken
  }

  /** @param {Waiting} waiting which came before anything that waits now */
  const putBack = ({ notices, path, since }) => {
    const found = entry(path)
    found.notices.unshift(...notices)
    found.since = since
    size += notices.length
  }

  return { add, addOwn, take, putBack, has: (/** @type {string} */ path) => byPath.has(path), size: () => size }
}

/** The kernel tells of a change after it was made, and whoever makes it may have to wait for a processor in between. */
const patienceMs = 100

/** Longer than it ever takes until a notice comes; one that is taken for it in vain does no harm. */
const longestMs = 1000

/** Changes that were seen just now, of which a notice may still come. */
const makeOwed = () => {
  /** @type {Map<string, ReadonlyArray<number>>} when, by path */
  const times = new Map()
  let isTimed = false

  /**
   * @param {string} path
   * @param {ReadonlyArray<number>} left
   */
  const keep = (path, left) => {
    if (left.length > 0) times.set(path, left)
    else times.delete(path)
  }

  const forgetOld = () => {
    const oldest = performance.now() - longestMs
    for (const [path, all] of times) keep(path, all.filter((time) => time > oldest))
    isTimed = false
    if (times.size > 0) forgetLater()
  }

  const forgetLater = () => {
    if (isTimed) return
    isTimed = true
    setTimeout(forgetOld, longestMs).unref()
  }

  /** @param {string} path */
  const seen = (path) => {
    keep(path, [...(times.get(path) ?? []), performance.now()])
    forgetLater()
  }

  /**
   * @param {string} path
   * @param {number} count of notices that came for it; where none did, none will
   */
  const came = (path, count) => keep(path, count === 0 ? [] : (times.get(path) ?? []).slice(count))

  return { seen, came, count: (/** @type {string} */ path) => times.get(path)?.length ?? 0 }
}

/** @typedef {ReturnType<typeof makeWaiting>} WaitingNotices */

module.exports = { selfName, startWatching, makeWaiting, makeOwed, patienceMs }
