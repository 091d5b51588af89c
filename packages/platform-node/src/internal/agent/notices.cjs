// @ts-check
"use strict"

/** The kernel's notices about the entries of a folder. */
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
 * An entry that came or went brings one notice, which may arrive after the change was seen. A notice more than changes
 * seen tells of an entry that came and is gone.
 */
const makeOwed = () => {
  /** @type {Map<string, number>} */
  const counts = new Map()
  const add = (/** @type {string} */ path, /** @type {number} */ more) => {
    counts.set(path, (counts.get(path) ?? 0) + more)
  }
  return {
    seen: (/** @type {string} */ path) => add(path, 1),
    noticed: (/** @type {string} */ path) => add(path, -1),
    isNew: (/** @type {string} */ path) => (counts.get(path) ?? 0) < 0,
    settle: (/** @type {string} */ path) => {
      if ((counts.get(path) ?? 0) <= 0) counts.delete(path)
    },
    forgive: () => counts.clear()
  }
}

module.exports = { selfName, startWatching, makeOwed }
