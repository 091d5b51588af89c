// @ts-check
"use strict"

/**
 * What is below a directory, kept up to date: by the kernel's notices, which tell of what came and went again, and at
 * every poll by a look at all of it, which tells of what the notices left out. Both go through `look`, which compares an
 * entry as it is with what is known of it, so that nothing is told twice.
 */
const fs = require("node:fs")
const { dirname } = require("node:path")
const { setImmediate: turn } = require("node:timers/promises")
const { makeChangeLog } = require("./changeLog.cjs")
const { codeOf, Failure } = require("./failure.cjs")
const { makeOwed, selfName, startWatching } = require("./notices.cjs")
const { isOwn } = require("./ownFiles.cjs")
const { at, openFolder, pathOf } = require("./places.cjs")
const { walk } = require("./walk.cjs")

/** Entries below one root. */
const mostEntries = 100_000

/** Changes between two polls; from then on only the look at the next poll counts. */
const mostChanges = 50_000

/** Entries that are looked at because of one notice, in a folder that came with entries inside. */
const mostAtOnce = 1000

/**
 * What an entry was like when it was last looked at: "d" and the inode for a directory, else time, size and inode. One
 * text, since there may be many. A file that was gone before it could be looked at is `passing`.
 *
 * @typedef {string} State
 */
const passing = "passing"

/** @typedef {"rename" | "change" | "look"} Cause */
/** @typedef {{ readonly inode: State, readonly watcher: fs.FSWatcher }} Folder */
/** @typedef {{ readonly take: () => boolean, readonly release: () => void }} Allowance of watched folders */

/**
 * @param {string} root
 * @param {Allowance} allowance
 */
const makeWatchedTree = (root, allowance) => {
  /** @type {Map<string, State>} */
  const known = new Map()
  /** @type {Map<string, Folder>} */
  const folders = new Map()
  const log = makeChangeLog()
  const owed = makeOwed()
  const base = root === "/" ? "" : root
  let leftToLook = 0
  let isFirst = true
  let isClosed = false

  /**
   * @param {import("./changeLog.cjs").EventType} eventType
   * @param {string} path
   * @param {State} state
   */
  const tell = (eventType, path, state) => {
    if (isFirst) return
    log.add(eventType, path, isFolder(state) ? "directory" : "file")
    if (eventType !== "modify" && folders.has(dirname(path))) owed.seen(path)
  }

  /**
   * @param {string} path
   * @param {Cause} cause
   */
  const look = (path, cause) => {
    const was = known.get(path)
    const now = stateOf(path)
    if (was === undefined && now === undefined) {
      if (cause === "rename" && owed.isNew(path)) remember(path, passing)
    } else if (was === undefined || now === undefined || isFolder(was) !== isFolder(now)) {
      if (was !== undefined) forget(path, was)
      if (now !== undefined) remember(path, now)
    } else if (was !== now && isFolder(now)) {
      forget(path, was)
      remember(path, now)
    } else if (was !== now || (cause === "change" && !isFolder(now))) {
      tell("modify", path, now)
      known.set(path, now)
    }
  }

  /**
   * @param {string} path
   * @param {State} state
   */
  const remember = (path, state) => {
    tell("create", path, state)
    known.set(path, state)
    if (isFolder(state)) {
      watch(path, state)
      lookInside(path)
    }
  }

  /**
   * @param {string} path
   * @param {State} state
   */
  const forget = (path, state) => {
    tell("delete", path, state)
    known.delete(path)
    if (isFolder(state)) unwatch(path)
  }

  /** @param {string} path */
  const lookInside = (path) => {
    if (leftToLook === 0) return
    for (const name of namesIn(path)) {
      if (leftToLook === 0) return
      leftToLook--
      look(`${path}/${name}`, "look")
    }
  }

  /**
   * @param {string} path
   * @param {State} state
   */
  const watch = (path, state) => {
    const before = folders.get(path)
    if (isClosed || before?.inode === state) return
    if (before !== undefined) unwatch(path)
    if (!allowance.take()) return
    const watcher = startWatching(path, (event, name) => onNotice(path, event, name))
    if (watcher === undefined) allowance.release()
    else folders.set(path, { watcher, inode: state })
  }

  /**
   * With the folders below it: they may live on elsewhere, and what happens there happens under another name.
   *
   * @param {string} path
   */
  const unwatch = (path) => {
    for (const [other, { watcher }] of folders) {
      if (other !== path && !other.startsWith(`${path}/`)) continue
      watcher.close()
      folders.delete(other)
      allowance.release()
    }
  }

  /**
   * What is there may be another folder by now, also one that got the inode of the first.
   *
   * @param {string} path
   */
  const renew = (path) => {
    unwatch(path)
    const state = stateOf(path, path === root)
    if (state !== undefined && isFolder(state)) watch(path, state)
  }

  /**
   * @param {string} path of the folder
   * @param {string} event
   * @param {string | null} name
   */
  const onNotice = (path, event, name) => {
    if (!folders.has(path) || log.size() >= mostChanges || known.size >= mostEntries) return
    if (name === selfName) return event === "rename" ? renew(path) : undefined
    if (name === null || isOwn(name)) return
    const entry = `${path === "/" ? "" : path}/${name}`
    if (event === "rename") owed.noticed(entry)
    leftToLook = mostAtOnce
    look(entry, event === "rename" ? "rename" : "change")
    owed.settle(entry)
  }

  /** @param {AbortSignal} signal */
  const lookAtAll = async (signal) => {
    /** @type {Set<string>} */
    const seen = new Set()
    const top = stateOf(root, true)
    if (top !== undefined && !isFolder(top)) look(root, "look")
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
        if (known.get(entry) !== state) look(entry, "look")
        if (state !== undefined && isFolder(state)) watch(entry, state)
        return "enter"
      }).catch(unlessGone)
    }
    await lookAtTheRest(seen)
  }

  /** @param {ReadonlySet<string>} seen */
  const lookAtTheRest = async (seen) => {
    let looked = 0
    for (const path of known.keys()) {
      if (seen.has(path)) continue
      if (++looked % mostAtOnce === 0) await turn()
      leftToLook = 0
      look(path, "look")
    }
  }

  /**
   * What has changed since the poll before. The first one sets the baseline.
   *
   * @param {AbortSignal} signal
   */
  const poll = async (signal) => {
    // Notices that wait are read in between: those of everything that was done before the poll.
    await turn()
    await turn()
    owed.forgive()
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

/** @typedef {ReturnType<typeof makeWatchedTree>} WatchedTree */

/** @param {State} state */
const isFolder = (state) => state.startsWith("d")

/**
 * @param {fs.BigIntStats | undefined} stat
 * @returns {State | undefined}
 */
const describe = (stat) => {
  if (stat === undefined) return undefined
  return stat.isDirectory() ? `d${stat.ino}` : `${stat.ctimeNs} ${stat.size} ${stat.ino}`
}

/**
 * @param {string} path
 * @param {boolean} [follow]
 */
const stateOf = (path, follow = false) => {
  try {
    return describe(at(path, follow, (place) => fs.lstatSync(place, { bigint: true, throwIfNoEntry: false })))
  } catch {
    return undefined
  }
}

/** @param {string} path */
const namesIn = function*(path) {
  /** @type {number | undefined} */
  let fd
  /** @type {fs.Dir | undefined} */
  let handle
  try {
    fd = openFolder(path)
    handle = fs.opendirSync(pathOf(fd))
    for (let entry = handle.readSync(); entry; entry = handle.readSync()) yield entry.name
  } catch {
    /* gone already, or not to be read */
  } finally {
    handle?.closeSync()
    if (fd !== undefined) fs.closeSync(fd)
  }
}

/** @param {unknown} error */
const unlessGone = (error) => {
  if (!["ENOENT", "ENOTDIR"].includes(codeOf(error))) throw error
}

module.exports = { makeWatchedTree }
