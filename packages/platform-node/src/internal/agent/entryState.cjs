// @ts-check
"use strict"

/** What an entry is like, in a text that can be compared. */
const fs = require("node:fs")
const { at, openFolder, pathOf } = require("./places.cjs")

/**
 * "d" and the inode for a directory, else time, size and inode. One text, since there may be many. A file that was gone
 * before it could be looked at is `passing`.
 *
 * @typedef {string} State
 */
const passing = "passing"

/** @param {State | undefined} state */
const isFolder = (state) => state !== undefined && state.startsWith("d")

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

module.exports = { describe, isFolder, namesIn, passing, stateOf }
