/**
 * Bounds the depth and size of JSON before it is parsed: recursion over deeply nested values overflows the stack, and a
 * million objects take a second and about 100 bytes each.
 */

export interface JsonLimits {
  /** Levels of nesting. */
  readonly depth: number
  /** 8 for each object, array and member of an object, 1 for any other element. */
  readonly cost: number
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

const containerCost = 8

/** The index of the quote that closes the string at `start`, or the length of the text if there is none. */
const endOfString = (text: Uint8Array, start: number) => {
  let at = start + 1
  for (;;) {
    const end = text.indexOf(quote, at)
    if (end === -1) return text.length
    let before = end - 1
    while (text[before] === backslash) before -= 1
    if ((end - before) % 2 === 1) return end
    at = end + 1
  }
}

/** The cost of JSON in UTF-8, or Infinity if it exceeds a limit. Meaningless for text that is not JSON. */
export const jsonCost = (text: Uint8Array, limits: JsonLimits): number => {
  let [depth, cost] = [0, 0]
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at]
    if (byte === quote) at = endOfString(text, at)
    else if (byte === comma) cost += 1
    else if (byte === colon) cost += containerCost
    else if (byte === openList || byte === openObject) {
      depth += 1
      cost += containerCost
      if (depth > limits.depth) return Infinity
    } else if (byte === closeList || byte === closeObject) depth -= 1
    if (cost > limits.cost) return Infinity
  }
  return cost
}

export const withinJsonLimits = (text: Uint8Array, limits: JsonLimits) => jsonCost(text, limits) !== Infinity
