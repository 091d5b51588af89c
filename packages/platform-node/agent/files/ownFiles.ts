/** The names of what the agent itself puts into the folders of a session for a moment. */
import { randomHex } from "./randomName.js"

const prefix = ".agb-"

export const ownName = (purpose: string) => `${prefix}${purpose}-${randomHex(8)}`

/** For `mkdtemp`, which completes it. */
export const ownPrefix = (purpose: string) => `${prefix}${purpose}-`

export const isOwn = (name: string) => name.startsWith(prefix)
