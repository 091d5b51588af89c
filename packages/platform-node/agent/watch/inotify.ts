/** The kernel's notices about the entries of folders, from their arrival until they are accounted for. */
import * as Fs from "node:fs"
import { openFolder, pathOf } from "../files/beneath.js"
import type { Notice } from "./replay.js"

/** What notices about the folder itself bear: the last part of the path that it is watched by. */
export const selfName = "."

export const startWatching = (path: string, onNotice: (event: string, name: string | null) => void) => {
  try {
    const fd = openFolder(path)
    try {
      const watcher = Fs.watch(`${pathOf(fd)}/${selfName}`, { persistent: false }, onNotice)
      watcher.on("error", () => watcher.close())
      return watcher
    } finally {
      Fs.closeSync(fd)
    }
  } catch {
    return undefined
  }
}

/** `since` is when the first notice came. */
export type Waiting = { readonly path: string; readonly notices: ReadonlyArray<Notice>; readonly since: number }

/** The agent has a few entries of its own at a time; more are some that others have given such a name. */
const mostOwn = 100

/** Notices in the order in which they came, entry by entry; changes that follow each other count as one. */
export const makeWaiting = () => {
  let byPath = new Map<string, { notices: Array<Notice>; since: number }>()
  let size = 0
  /** those of the agent's own entries that are there */
  const own = new Set<string>()
  let ownLeft = false

  /**
   * @param event "rename" or "change"
   */
  const add = (path: string, event: string) => {
    const { notices } = entry(path)
    const notice = event === "change" ? "changed" : ownLeft ? "replaced" : "renamed"
    ownLeft = false
    if (notice === "changed" && notices.at(-1) === "changed") return
    notices.push(notice)
    size++
  }

  const entry = (path: string) => {
    const found = byPath.get(path) ?? { notices: [], since: performance.now() }
    byPath.set(path, found)
    return found
  }

  /**
   * A notice about an entry of the agent itself. Those are made to be put in the place of others, of which the next
   * notice tells.
   */
  const addOwn = (path: string, event: string) => {
    ownLeft = event === "rename" && own.delete(path)
    if (event === "rename" && !ownLeft && own.size < mostOwn) own.add(path)
  }

  const take = (): ReadonlyArray<Waiting> => {
    const taken = [...byPath].map(([path, found]) => ({ path, ...found }))
    byPath = new Map()
    size = 0
    return taken
  }

  /**
   * @param waiting which came before anything that waits now
   */
  const putBack = ({ notices, path, since }: Waiting) => {
    const found = entry(path)
    found.notices.unshift(...notices)
    found.since = since
    size += notices.length
  }

  return { add, addOwn, take, putBack, has: (path: string) => byPath.has(path), size: () => size }
}

/** The kernel tells of a change after it was made, and whoever makes it may have to wait for a processor in between. */
export const patienceMs = 100

/** Longer than it ever takes until a notice comes; one that is taken for it in vain does no harm. */
const longestMs = 1000

/** Changes that were seen just now, of which a notice may still come. */
export const makeOwed = () => {
  /** when, by path */
  const times = new Map<string, ReadonlyArray<number>>()
  let isTimed = false

  const keep = (path: string, left: ReadonlyArray<number>) => {
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

  const seen = (path: string) => {
    keep(path, [...(times.get(path) ?? []), performance.now()])
    forgetLater()
  }

  /**
   * @param count of notices that came for it; where none did, none will
   */
  const came = (path: string, count: number) => keep(path, count === 0 ? [] : (times.get(path) ?? []).slice(count))

  return { seen, came, count: (path: string) => times.get(path)?.length ?? 0 }
}
