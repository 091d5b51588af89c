/** The checksum of POSIX `cksum`, which every session can compute. */

const polynomial = 0x04c11db7

const makeTable = (): Int32Array =>
  Int32Array.from({ length: 256 }, (_, index) => {
    let entry = index << 24
    for (let bit = 0; bit < 8; bit++) entry = entry < 0 ? (entry << 1) ^ polynomial : entry << 1
    return entry
  })

let shared: Int32Array | undefined

/** Covers the bytes in the order in which they are given, and then their number. */
export class Checksum {
  #sum = 0
  #size = 0
  readonly #table = shared ??= makeTable()

  get size(): number {
    return this.#size
  }

  update(bytes: Uint8Array): void {
    const table = this.#table
    let sum = this.#sum
    for (let at = 0; at < bytes.length; at++) sum = (sum << 8) ^ (table[(sum >>> 24) ^ (bytes[at] ?? 0)] ?? 0)
    this.#sum = sum
    this.#size += bytes.length
  }

  /** As `cksum` prints it: the checksum and the number of bytes. */
  toString(): string {
    const table = this.#table
    let sum = this.#sum
    for (let rest = this.#size; rest > 0; rest = Math.floor(rest / 256)) {
      sum = (sum << 8) ^ (table[(sum >>> 24) ^ (rest % 256)] ?? 0)
    }
    return `${~sum >>> 0} ${this.#size}`
  }
}
