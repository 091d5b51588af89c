/** How deeply JSON is nested, found without parsing it: whoever parses or writes deep JSON by recursion overflows. */

const quote = 0x22
const backslash = 0x5c
const open = new Set([0x5b, 0x7b])
const close = new Set([0x5d, 0x7d])

/** The quote that ends the string which begins at `start`; the end of the text when there is none. */
const endOfString = (text: Uint8Array, start: number): number => {
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

/** Whether the UTF-8 text of JSON is nested no deeper than `limit`. Of text that is no JSON it says nothing of use. */
export const isShallow = (text: Uint8Array, limit: number): boolean => {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at] ?? 0
    if (byte === quote) at = endOfString(text, at)
    else if (open.has(byte)) {
      depth += 1
      if (depth > limit) return false
    } else if (close.has(byte)) depth -= 1
  }
  return true
}
