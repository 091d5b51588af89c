// @ts-check
"use strict"

/** Everything below a directory, without following symbolic links and without keeping the agent from its other calls. */
const fs = require("node:fs")
const { setImmediate: breathe } = require("node:timers/promises")
const { isWithin, openFolder, pathOf } = require("./places.cjs")

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = fs.constants

/** How long other calls may have to wait. */
const breathEveryMs = 5

/**
 * @typedef {object} Found
 * @property {string} path relative to where the walk began
 * @property {string} name
 * @property {boolean} isDirectory
 * @property {() => fs.BigIntStats | undefined} stat only while it is visited; undefined if it is gone by then
 */

/**
 * Visits each entry once, a directory before what is in it. What cannot be read is left out.
 *
 * @param {string} root
 * @param {(found: Found) => "enter" | "skip" | "stop"} visit
 * @returns {Promise<void>}
 */
const walk = async (root, visit) => {
  const top = openFolder(root)
  const pending = [""]
  let breath = performance.now()
  try {
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (const { entry, stat } of entriesOf(`${pathOf(top)}/${at.slice(0, -1) || "."}`)) {
        if (performance.now() - breath > breathEveryMs) {
          await breathe()
          breath = performance.now()
        }
        const isDirectory = entry.isDirectory()
        const path = at + entry.name
        const next = visit({ path, name: entry.name, isDirectory, stat })
        if (next === "stop") return
        if (next === "enter" && isDirectory) pending.push(`${path}/`)
      }
    }
  } finally {
    fs.closeSync(top)
  }
}

/** @param {string} directory */
const entriesOf = function*(directory) {
  const fd = opened(directory)
  if (fd === undefined) return
  /** @type {fs.Dir | undefined} */
  let handle
  try {
    handle = fs.opendirSync(pathOf(fd))
    for (let entry = handle.readSync(); entry; entry = handle.readSync()) {
      const path = `${pathOf(fd)}/${entry.name}`
      yield { entry, stat: () => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false }) }
    }
  } finally {
    handle?.closeSync()
    fs.closeSync(fd)
  }
}

/** @param {string} directory */
const opened = (directory) => {
  try {
    const fd = fs.openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    if (isWithin(fd)) return fd
    fs.closeSync(fd)
  } catch { /* what cannot be read is left out */ }
  return undefined
}

module.exports = { walk }
