// @ts-check
/** Marks in a stream of output: they tell what one run of a kernel wrote from what the next one writes. */

/**
 * Watches a stream for a mark. Everything but the mark goes to `emit`, in order; only bytes that may be the start of the
 * mark are held back.
 *
 * @param {(chunk: Buffer) => void} emit
 * @param {() => void} onFound called between what is before and what is after the mark
 */
export const makeMarked = (emit, onFound) => {
  /** @type {Buffer} */
  const empty = Buffer.alloc(0)
  let mark = empty
  let held = empty

  /** @param {Buffer} chunk */
  const push = (chunk) => {
    if (mark.length === 0) return emit(chunk)
    const all = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    const at = all.indexOf(mark)
    if (at < 0) {
      const sure = all.length - overlap(all, mark)
      held = Buffer.from(all.subarray(sure))
      if (sure > 0) emit(all.subarray(0, sure))
      return
    }
    const after = at + mark.length
    mark = held = empty
    if (at > 0) emit(all.subarray(0, at))
    onFound()
    if (after < all.length) emit(all.subarray(after))
  }

  /** Gives up on the mark: what was held back was output after all. */
  const flush = () => {
    const rest = held
    mark = held = empty
    if (rest.length > 0) emit(rest)
  }

  /** @param {Buffer} next */
  const expect = (next) => {
    flush()
    mark = next
  }

  return { push, flush, expect }
}

/**
 * The length of the longest end of `bytes` that is a beginning of `mark`.
 *
 * @param {Buffer} bytes
 * @param {Buffer} mark
 */
const overlap = (bytes, mark) => {
  const first = /** @type {number} */ (mark[0])
  let at = bytes.indexOf(first, Math.max(0, bytes.length - mark.length + 1))
  while (at >= 0 && !bytes.subarray(at).equals(mark.subarray(0, bytes.length - at))) at = bytes.indexOf(first, at + 1)
  return at < 0 ? 0 : bytes.length - at
}
