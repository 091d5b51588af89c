/**
 * Who may see a page: codes of addresses, each good for one use, and the cookies that they are exchanged for. Of both only
 * digests are kept, and no more than so many.
 */
import * as Crypto from "node:crypto"

/** `read` sees everything and changes nothing. */
export type Access = "read" | "steer"

/** How long an address leads to its page, in milliseconds. */
export const codeMillis = 30 * 60_000

/** How long a cookie lets in, in milliseconds. */
const cookieMillis = 12 * 60 * 60_000

/** Of one page; beyond that the oldest are forgotten. */
const maxCodes = 32
const maxCookies = 64

interface Pass {
  readonly access: Access
  readonly until: number
}

const digest = (secret: string): string => Crypto.createHash("sha256").update(secret).digest("base64")

/** 128 bits. */
const newSecret = (): string => Crypto.randomBytes(16).toString("hex")

/** Secrets in the order in which they were made, which is also that of their end. */
class Passes {
  readonly #passes = new Map<string, Pass>()
  readonly #limit: number
  readonly #millis: number

  constructor(limit: number, millis: number) {
    this.#limit = limit
    this.#millis = millis
  }

  add(access: Access, now: number): string {
    const secret = newSecret()
    this.#passes.set(digest(secret), { access, until: now + this.#millis })
    for (const [oldest, { until }] of this.#passes) {
      if (this.#passes.size <= this.#limit && until > now) break
      this.#passes.delete(oldest)
    }
    return secret
  }

  find(secret: string, now: number): Access | undefined {
    const pass = this.#passes.get(digest(secret))
    return pass === undefined || pass.until <= now ? undefined : pass.access
  }

  take(secret: string, now: number): Access | undefined {
    const found = this.find(secret, now)
    this.#passes.delete(digest(secret))
    return found
  }

  get size(): number {
    return this.#passes.size
  }
}

/** The door of one page. */
export class Door {
  readonly #codes = new Passes(maxCodes, codeMillis)
  readonly #cookies = new Passes(maxCookies, cookieMillis)

  /** A code for a new address. */
  issue(access: Access, now: number): string {
    return this.#codes.add(access, now)
  }

  /** Whether a code would be exchanged for a cookie. */
  hasCode(code: string, now: number): boolean {
    return this.#codes.find(code, now) !== undefined
  }

  /** Exchanges a code, once, for the value of a cookie. */
  redeem(code: string, now: number): string | undefined {
    const access = this.#codes.take(code, now)
    return access === undefined ? undefined : this.#cookies.add(access, now)
  }

  /** What the bearer of a cookie may. */
  admit(cookie: string, now: number): Access | undefined {
    return this.#cookies.find(cookie, now)
  }

  /** Whether anybody may have a page open. */
  get hasCookies(): boolean {
    return this.#cookies.size > 0
  }
}
