// @ts-check
"use strict"

/** The names of what the agent itself puts into the folders of a session for a moment. */
const { randomHex } = require("./randomName.cjs")

const prefix = ".agb-"

/** @param {string} purpose */
const ownName = (purpose) => `${prefix}${purpose}-${randomHex(8)}`

/** For `mkdtemp`, which completes it. */
const ownPrefix = (/** @type {string} */ purpose) => `${prefix}${purpose}-`

/** @param {string} name */
const isOwn = (name) => name.startsWith(prefix)

module.exports = { ownName, ownPrefix, isOwn }
