// @ts-check
/** Everything below a directory, without following symbolic links and without keeping the agent from its other calls. */
import * as fs from "node:fs"
import { setImmediate as breathe } from "node:timers/promises"

const entriesPerBreath = 256

/**
 * @typedef {object} Found
 * @property {string} path relative to where the walk began
 * @property {string} name
 * @property {boolean} isDirectory
 */

/**
 * Visits each entry once, a directory before what is in it. What cannot be read is left out.
 *
 * @param {string} root
 * @param {(found: Found) => "enter" | "skip" | "stop"} visit
 * @returns {Promise<void>}
 */
export const walk = async (root, visit) => {
  const pending = [""]
  let visited = 0
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (const entry of entriesOf(`${root}/${at}`)) {
      if (++visited % entriesPerBreath === 0) await breathe()
      const isDirectory = entry.isDirectory()
      const path = at + entry.name
      const next = visit({ path, name: entry.name, isDirectory })
      if (next === "stop") return
      if (next === "enter" && isDirectory) pending.push(`${path}/`)
    }
  }
}

/** @param {string} directory */
const entriesOf = function*(directory) {
  const handle = opened(directory)
  try {
    for (let entry = handle?.readSync(); entry; entry = handle?.readSync()) yield entry
  } finally {
    handle?.closeSync()
  }
}

/** @param {string} directory */
const opened = (directory) => {
  try {
    return fs.opendirSync(directory)
  } catch {
    return undefined
  }
}
