// @ts-check
"use strict"

/** A look at the processes that the agent can see: all of the session's where it has a namespace of its own. */
const fs = require("node:fs")
const { isConfined } = require("./places.cjs")

/**
 * @typedef {object} Entry
 * @property {number} pid
 * @property {number} parent
 * @property {number} ticks processor time, that of its ended children included
 * @property {number} privatePages resident memory that is not of files
 */

/** @returns {ReadonlyArray<string>} */
const pids = () => fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))

/**
 * Every process with this text in its environment.
 *
 * @param {string} text
 * @returns {ReadonlyArray<number>}
 */
const carriersOf = (text) => pids().filter((pid) => bytesOf(`/proc/${pid}/environ`).includes(text)).map(Number)

/**
 * Everything that a process has started and that has not lost its parents since.
 *
 * @param {number} ancestor
 */
const descendantsOf = (ancestor) => {
  const all = pids().flatMap(entryOf)
  const found = new Set([ancestor])
  for (const pid of found) for (const { parent, pid: child } of all) if (parent === pid) found.add(child)
  found.delete(ancestor)
  return [...found]
}

/**
 * @param {import("./operation.cjs").Config} config
 * @returns {ReadonlyArray<Entry>}
 */
const sessionProcesses = ({ env }) => {
  const mark = env["AGB_SANDBOX"]
  if (!isConfined() || mark === undefined) return pids().flatMap(entryOf)
  return carriersOf(`AGB_SANDBOX=${mark}`).map(String).flatMap(entryOf)
}

/**
 * @param {string} pid
 * @returns {ReadonlyArray<Entry>}
 */
const entryOf = (pid) => {
  const stat = bytesOf(`/proc/${pid}/stat`).toString("latin1")
  // The name before it may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  if (fields.length < 20) return []
  const [, resident = 0, shared = 0] = bytesOf(`/proc/${pid}/statm`).toString("latin1").split(" ").map(Number)
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return [{ pid: Number(pid), parent: Number(fields[1]), ticks, privatePages: Math.max(0, resident - shared) }]
}

const nothing = Buffer.alloc(0)

/** @param {string} path */
const bytesOf = (path) => {
  try {
    return fs.readFileSync(path)
  } catch {
    return nothing
  }
}

module.exports = { carriersOf, descendantsOf, sessionProcesses }
