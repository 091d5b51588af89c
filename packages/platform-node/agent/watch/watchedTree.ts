/**
 * What is below a directory, kept up to date: by the kernel's notices, which tell of what came and went again, and at
 * every poll by a look at all of it, which tells of what the notices left out. What a look tells before its notice has
 * come is owed, so that nothing is told twice.
 */
import type { FSWatcher } from "node:fs"
import { dirname } from "node:path"
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises"
import { isOwn } from "../files/ownFiles.js"
import { walk } from "../files/walk.js"
import { codeOf, Failure } from "../wire/failure.js"
import { type EventType, makeChangeLog } from "./changeLog.js"
import { describe, isFolder, namesIn, passing, type State, stateOf } from "./entryState.js"
import { makeOwed, makeWaiting, patienceMs, selfName, startWatching, type Waiting } from "./inotify.js"
import { replay } from "./replay.js"

/** Entries below one root. */
const mostEntries = 100_000

/** Changes between two polls; from then on only the look at the next poll counts. */
const mostChanges = 50_000

/** Entries that are looked at because of one notice, in a folder that came with entries inside. */
const mostAtOnce = 1000

/** Notices that do not lead to what is there wait for others of the same entry. */
const betweenTriesMs = 5

type Folder = { readonly inode: State; readonly watcher: FSWatcher }
/** of watched folders */
type Allowance = { readonly take: () => boolean; readonly release: () => void }

export const makeWatchedTree = (root: string, allowance: Allowance) => {
  const known = new Map<string, State>()
  const folders = new Map<string, Folder>()
  const log = makeChangeLog()
  const waiting = makeWaiting()
  const owed = makeOwed()
  const base = root === "/" ? "" : root
  let leftToLook = 0
  let isFirst = true
  let isClosed = false
  let willSettle = false

  const tell = (eventType: EventType, path: string, state: State) => {
    if (!isFirst) log.add(eventType, path, isFolder(state) ? "directory" : "file")
  }

  /** Compares an entry as it is with what is known of it. One with notices that wait is theirs to tell. */
  const look = (path: string) => {
    if (waiting.has(path)) return
    const was = known.get(path)
    const now = stateOf(path)
    if (was === now) return
    if (was !== undefined && now !== undefined && !isFolder(was) && !isFolder(now)) {
      tell("modify", path, now)
      known.set(path, now)
      return
    }
    const bringsNotices = !isFirst && folders.has(dirname(path))
    if (was !== undefined) {
      if (bringsNotices) owed.seen(path)
      forget(path, was)
    }
    if (now !== undefined) {
      if (bringsNotices) owed.seen(path)
      remember(path, now)
    }
  }

  const remember = (path: string, state: State) => {
    tell("create", path, state)
    known.set(path, state)
    if (isFolder(state)) {
      watch(path, state)
      lookInside(path)
    }
  }

  const forget = (path: string, state: State) => {
    tell("delete", path, state)
    known.delete(path)
    if (isFolder(state)) unwatch(path)
  }

  const lookInside = (path: string) => {
    if (leftToLook === 0) return
    for (const name of namesIn(path)) {
      if (leftToLook === 0) return
      leftToLook--
      look(`${path}/${name}`)
    }
  }

  const watch = (path: string, state: State) => {
    const before = folders.get(path)
    if (isClosed || before?.inode === state) return
    if (before !== undefined) unwatch(path)
    if (!allowance.take()) return
    const watcher = startWatching(path, (event, name) => onNotice(path, event, name))
    if (watcher === undefined) allowance.release()
    else folders.set(path, { watcher, inode: state })
  }

  /** With the folders below it: they may live on elsewhere, and what happens there happens under another name. */
  const unwatch = (path: string) => {
    for (const [other, { watcher }] of folders) {
      if (other !== path && !other.startsWith(`${path}/`)) continue
      watcher.close()
      folders.delete(other)
      allowance.release()
    }
  }

  /** What is there may be another folder by now, also one that got the inode of the first. */
  const renew = (path: string) => {
    unwatch(path)
    const state = stateOf(path, path === root)
    if (state !== undefined && isFolder(state)) watch(path, state)
  }

  /**
   * @param path of the folder
   */
  const onNotice = (path: string, event: string, name: string | null) => {
    if (!folders.has(path)) return
    if (name === selfName) return event === "rename" ? renew(path) : undefined
    if (name === null || log.size() + waiting.size() >= mostChanges || known.size >= mostEntries) return
    const entry = `${path === "/" ? "" : path}/${name}`
    if (isOwn(name)) return waiting.addOwn(entry, event)
    waiting.add(entry, event)
    settleSoon()
  }

  const settleSoon = () => {
    if (willSettle || isClosed) return
    willSettle = true
    setImmediate(() => {
      willSettle = false
      settle()
    })
  }

  const settle = () => {
    for (const each of waiting.take()) {
      leftToLook = mostAtOnce
      account(each)
    }
    if (waiting.size() > 0) setTimeout(settleSoon, betweenTriesMs).unref()
  }

  const account = (waited: Waiting) => {
    const { notices, path, since } = waited
    const was = known.get(path)
    const now = stateOf(path)
    // Those about a folder tell of its attributes too, and look the same.
    if (isFolder(was) || isFolder(now)) return look(path)
    const found = replay(notices, {
      wasThere: was !== undefined,
      isThere: now !== undefined,
      isSame: was === now,
      mostOld: owed.count(path)
    })
    if (!found.isCertain && performance.now() - since < patienceMs) return waiting.putBack(waited)
    owed.came(path, found.old)
    if (found.isAhead) owed.seen(path)
    if (was === now && found.events.every(isModify) && !notices.includes("changed")) return
    for (const eventType of found.events) tell(eventType, path, now ?? passing)
    if (now === undefined) known.delete(path)
    else if (found.events.length > 0) known.set(path, now)
  }

  const lookAtAll = async (signal: AbortSignal) => {
    const seen = new Set<string>()
    const top = stateOf(root, true)
    if (top !== undefined && !isFolder(top)) look(root)
    if (top === undefined || !isFolder(top)) unwatch(root)
    else {
      watch(root, top)
      await walk(root, ({ name, path, stat }) => {
        if (signal.aborted) throw new Failure("EFAIL", `Cancelled while looking for changes: ${root}`)
        if (seen.size === mostEntries) throw new Failure("EFBIG", `More than ${mostEntries} entries to watch: ${root}`)
        if (isOwn(name)) return "skip"
        const entry = `${base}/${path}`
        const state = describe(stat())
        seen.add(entry)
        leftToLook = 0
        if (known.get(entry) !== state) look(entry)
        if (state !== undefined && isFolder(state)) watch(entry, state)
        return "enter"
      }).catch(unlessGone)
    }
    await lookAtTheRest(seen)
  }

  const lookAtTheRest = async (seen: ReadonlySet<string>) => {
    let looked = 0
    for (const path of known.keys()) {
      if (seen.has(path)) continue
      if (++looked % mostAtOnce === 0) await turn()
      leftToLook = 0
      look(path)
    }
  }

  /** What has changed since the poll before. The first one sets the baseline. */
  const poll = async (signal: AbortSignal) => {
    // In two turns the notices of everything that was done before the poll are read.
    await turn()
    await turn()
    settle()
    for (const began = performance.now(); waiting.size() > 0 && performance.now() - began < patienceMs;) {
      await delay(betweenTriesMs)
      settle()
    }
    await lookAtAll(signal)
    isFirst = false
    return log.take()
  }

  const close = () => {
    isClosed = true
    for (const path of folders.keys()) unwatch(path)
  }

  return { poll, size: () => known.size, close }
}

export type WatchedTree = ReturnType<typeof makeWatchedTree>

const isModify = (event: EventType) => event === "modify"

const unlessGone = (error: unknown) => {
  if (!["ENOENT", "ENOTDIR"].includes(codeOf(error))) throw error
}
