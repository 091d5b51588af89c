// @ts-check
"use strict"

/** What V8 makes of code before any of it runs. */
const { Script } = require("node:vm")

/**
 * Whether V8 refuses the code as a whole, so that nothing of it can have run.
 *
 * @param {string} code
 */
const isRefused = (code) => !isBody(`{${code}\n}`)

/**
 * What begins and ends with braces is an object to whoever writes it alone, though a block to V8.
 *
 * @param {string} code
 */
const withObject = (code) => /^\s*\{[^]*\}\s*$/.test(code) && isBody(`(${code}\n)`) ? `(${code}\n)` : code

/** @param {string} body of an asynchronous function */
const isBody = (body) => {
  try {
    return new Script(`async () => ${body}`) !== undefined
  } catch {
    return false
  }
}

module.exports = { isRefused, withObject }
