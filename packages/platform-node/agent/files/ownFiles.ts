/** Names of the agent's own temporary files in directories of the session. */
import { randomHex } from "./randomName.js"

const prefix = ".agb-"

export const ownName = (purpose: string) => `${prefix}${purpose}-${randomHex(8)}`

/** For `mkdtemp`. */
export const ownPrefix = (purpose: string) => `${prefix}${purpose}-`

export const isOwn = (name: string) => name.startsWith(prefix)
