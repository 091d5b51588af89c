/** Bytes that arrive in pieces, and those of a text. */

const encoder = new TextEncoder()

/** The length of a text in UTF-8. */
export const byteLength = (text: string): number => encoder.encode(text).byteLength

/** Joins pieces; a single one is returned as it is. */
export const concat = (pieces: Iterable<Uint8Array>): Uint8Array => {
  const all = [...pieces]
  const [only] = all
  if (all.length === 1 && only !== undefined) return only
  const bytes = new Uint8Array(all.reduce((size, { byteLength }) => size + byteLength, 0))
  let end = 0
  for (const piece of all) {
    bytes.set(piece, end)
    end += piece.byteLength
  }
  return bytes
}
