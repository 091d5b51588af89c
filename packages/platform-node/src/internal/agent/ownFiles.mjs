// @ts-check
/** The names of what the agent itself puts into the folders of a session for a moment. */
import { randomBytes } from "node:crypto"

const prefix = ".agb-"

/** @param {string} purpose */
export const ownName = (purpose) => `${prefix}${purpose}-${randomBytes(8).toString("hex")}`

/** For `mkdtemp`, which completes it. */
export const ownPrefix = (/** @type {string} */ purpose) => `${prefix}${purpose}-`

/** @param {string} name */
export const isOwn = (name) => name.startsWith(prefix)
