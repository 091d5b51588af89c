/**
 * SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104). They are here because core runs in any runtime and needs them in one step
 * of a fiber: WebCrypto is asynchronous, and absent from pages without https.
 */

const primes = (count: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n)
  return found
}

/** The first 32 bits of the fraction of a number. */
const fraction = (n: number): number => Math.floor((n - Math.floor(n)) * 2 ** 32) | 0

interface Tables {
  readonly constants: ReadonlyArray<number>
  readonly initial: ReadonlyArray<number>
}

let tables: Tables | undefined

const tablesOf = (): Tables =>
  tables ??= {
    constants: primes(64).map((prime) => fraction(Math.cbrt(prime))),
    initial: primes(8).map((prime) => fraction(Math.sqrt(prime)))
  }

const rotate = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits))

const schedule = (block: DataView, words: Int32Array): void => {
  for (let at = 0; at < 16; at++) words[at] = block.getInt32(4 * at)
  for (let at = 16; at < 64; at++) {
    const [early, late] = [words[at - 15] ?? 0, words[at - 2] ?? 0]
    const first = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3)
    const second = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10)
    words[at] = ((words[at - 16] ?? 0) + first + (words[at - 7] ?? 0) + second) | 0
  }
}

const compress = (state: Int32Array, words: Int32Array, constants: ReadonlyArray<number>): void => {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let at = 0; at < 64; at++) {
    const mixed = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const one = (h + mixed + ((e & f) ^ (~e & g)) + (constants[at] ?? 0) + (words[at] ?? 0)) | 0
    const other = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + other) | 0]
  }
  ;[a, b, c, d, e, f, g, h].forEach((word, at) => {
    state[at] = ((state[at] ?? 0) + word) | 0
  })
}

/** The bytes, a one bit, zeros, and the length in bits. */
const padded = (bytes: Uint8Array): Uint8Array => {
  const all = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64)
  all.set(bytes)
  all[bytes.length] = 0x80
  const view = new DataView(all.buffer)
  view.setUint32(all.length - 8, Math.floor(bytes.length / 2 ** 29))
  view.setUint32(all.length - 4, bytes.length << 3)
  return all
}

export const sha256 = (bytes: Uint8Array): Uint8Array => {
  const { constants, initial } = tablesOf()
  const all = padded(bytes)
  const state = Int32Array.from(initial)
  const words = new Int32Array(64)
  for (let start = 0; start < all.length; start += 64) {
    schedule(new DataView(all.buffer, start, 64), words)
    compress(state, words, constants)
  }
  const digest = new DataView(new ArrayBuffer(32))
  state.forEach((word, at) => digest.setInt32(4 * at, word))
  return new Uint8Array(digest.buffer)
}

const concat = (one: Uint8Array, other: Uint8Array): Uint8Array => {
  const all = new Uint8Array(one.length + other.length)
  all.set(one)
  all.set(other, one.length)
  return all
}

const blockBytes = 64

export const hmacSha256 = (key: Uint8Array, message: Uint8Array): Uint8Array => {
  const block = new Uint8Array(blockBytes)
  block.set(key.length > blockBytes ? sha256(key) : key)
  const inner = sha256(concat(block.map((byte) => byte ^ 0x36), message))
  return sha256(concat(block.map((byte) => byte ^ 0x5c), inner))
}

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
