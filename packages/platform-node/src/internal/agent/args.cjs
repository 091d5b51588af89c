// @ts-check
"use strict"

/** The arguments of a call, checked: each function fails with EINVAL and the name of the argument. */
const { isAbsolute } = require("node:path")
const { Failure } = require("./failure.cjs")

/** @typedef {Readonly<Record<string, unknown>>} Args */

/**
 * @param {unknown} value
 * @returns {value is Args}
 */
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * @param {string} name
 * @param {string} wanted
 */
const wrong = (name, wanted) => new Failure("EINVAL", `Invalid argument: ${name} must be ${wanted}`)

/**
 * @param {Args} args
 * @param {string} name
 */
const text = (args, name) => {
  const value = args[name]
  if (typeof value !== "string") throw wrong(name, "a string")
  return value
}

/**
 * @param {Args} args
 * @param {string} name
 */
const path = (args, name) => {
  const value = text(args, name)
  if (value.includes("\0")) throw wrong(name, "a path without NUL characters")
  if (!isAbsolute(value)) throw new Failure("EINVAL", `Not an absolute path: ${name} is ${JSON.stringify(value)}`)
  return value
}

/**
 * A whole number that is not negative; `undefined` when it is absent or null.
 *
 * @param {Args} args
 * @param {string} name
 */
const count = (args, name) => {
  const value = args[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) throw wrong(name, "a number, not negative")
  return Math.floor(value)
}

/**
 * @param {Args} args
 * @param {string} name
 */
const texts = (args, name) => {
  const value = args[name] ?? []
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) throw wrong(name, "a list of strings")
  return /** @type {ReadonlyArray<string>} */ (value)
}

/**
 * Environment variables, in the order given.
 *
 * @param {Args} args
 * @param {string} name
 * @returns {Readonly<Record<string, string>>}
 */
const variables = (args, name) => {
  const value = args[name] ?? {}
  if (!isRecord(value)) throw wrong(name, "an object of strings")
  for (const [key, item] of Object.entries(value)) {
    if (!/^[^=\0]+$/.test(key)) throw wrong(`the name of ${name}.${JSON.stringify(key)}`, "free of = and NUL")
    if (typeof item !== "string" || item.includes("\0")) throw wrong(`${name}.${key}`, "a string without NUL")
  }
  return /** @type {Record<string, string>} */ (value)
}

module.exports = { isRecord, text, path, count, texts, variables }
