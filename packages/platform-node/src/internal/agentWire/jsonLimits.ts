/**
 * How much there is to JSON, found without parsing it: who parses or writes deep JSON by recursion overflows, and a
 * million of objects take a second and a hundred bytes each. Both sides use this file, so it has no dependency.
 */

/**
 * The most that JSON may be: levels of nesting, and weight. An object, an array and a member of an object weigh
 * eight, any other element one.
 */
type Most = { readonly depth: number; readonly weight: number }

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

const heavy = 8

/** The quote that ends the string which begins at `start`; the end of the text when there is none. */
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

/**
 * The weight of the UTF-8 text of JSON, or Infinity where it is more than that. Of text that is no JSON it says nothing
 * of use.
 */
export const weightOf = (text: Uint8Array, most: Most): number => {
  let [depth, weight] = [0, 0]
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at]
    if (byte === quote) at = endOfString(text, at)
    else if (byte === comma) weight += 1
    else if (byte === colon) weight += heavy
    else if (byte === openList || byte === openObject) {
      depth += 1
      weight += heavy
      if (depth > most.depth) return Infinity
    } else if (byte === closeList || byte === closeObject) depth -= 1
    if (weight > most.weight) return Infinity
  }
  return weight
}

export const isModest = (text: Uint8Array, most: Most) => weightOf(text, most) !== Infinity
