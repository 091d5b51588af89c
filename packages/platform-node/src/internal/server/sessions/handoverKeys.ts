/** Clients that are processes of the same user on this machine, and have proven it. */
import { randomBytes } from "node:crypto"
import { readChallenge } from "../../node/handover/challenge.js"
import {
  decodeTicket,
  type DescriptorText,
  encodeDescriptor,
  encodeKey,
  type Occasion,
  unknownKey
} from "../../node/handover/descriptor.js"

/** Beyond these the one that was used longest ago is forgotten, and has to prove itself again. */
const maxKeys = 256

/** The right to one file. */
export interface Grant {
  /** What the header `x-file-descriptor` says. */
  readonly descriptor: (file: DescriptorText) => string
}

/** Whether a file may be handed over, and what the header `x-file-key` tells the client. */
export interface Admission {
  readonly grant: Grant | undefined
  readonly key: string | undefined
}

const none: Admission = { grant: undefined, key: undefined }

const grantOf = (occasion: Occasion): Grant => ({ descriptor: (file) => encodeDescriptor(occasion, file) })

export class HandoverKeys {
  readonly #secrets = new Map<string, Buffer>()

  /** `authority` is the address and port on which the client has reached this server. */
  admit(ticket: string, authority: string, sessionId: string): Admission {
    const { from, nonce } = decodeTicket(ticket) ?? {}
    if (from === undefined || nonce === undefined) return none
    const occasionOf = (secret: Buffer): Occasion => ({ secret, authority, sessionId, nonce })
    if (from._tag === "Key") {
      const secret = this.#secrets.get(from.key)
      if (secret === undefined) return { grant: undefined, key: unknownKey }
      this.#keep(from.key, secret)
      return { grant: grantOf(occasionOf(secret)), key: undefined }
    }
    const secret = readChallenge(from.path)
    if (secret === undefined) return none
    const key = randomBytes(16).toString("hex")
    this.#keep(key, secret)
    const occasion = occasionOf(secret)
    return { grant: grantOf(occasion), key: encodeKey(occasion, key) }
  }

  #keep(key: string, secret: Buffer) {
    this.#secrets.delete(key)
    this.#secrets.set(key, secret)
    const [oldest] = this.#secrets.keys()
    if (this.#secrets.size > maxKeys && oldest !== undefined) this.#secrets.delete(oldest)
  }
}
