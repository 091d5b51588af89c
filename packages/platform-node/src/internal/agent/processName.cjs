// @ts-check
"use strict"

/** What the process is called: `pkill node` in a session is about the programs of the session. */
const { writeFileSync } = require("node:fs")

/** @param {string} name at most 15 characters */
const nameProcess = (name) => {
  try {
    writeFileSync("/proc/self/comm", name)
  } catch { /* without /proc nobody can look for it either */ }
}

module.exports = { nameProcess }
