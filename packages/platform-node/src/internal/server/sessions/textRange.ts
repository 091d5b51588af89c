/**
 * Decodes a range of bytes that may begin and end inside a character. A character belongs to the range that contains its
 * first byte, so that the texts of adjacent ranges join to the text of the whole, even for invalid UTF-8.
 */

/** Bytes on each side of a range that are needed to find its character boundaries. */
export const contextBytes = 3

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80

/** Length of the sequence that a lead byte announces; 1 for any other byte. */
const sequenceLength = (lead: number): number =>
  lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 1

/** Whether the second byte is valid, which rules out overlong forms, surrogates and code points above U+10FFFF. */
const mayFollow = (lead: number, second: number | undefined): boolean => {
  if (second === undefined || !isContinuation(second)) return false
  if (lead === 0xe0) return second >= 0xa0
  if (lead === 0xed) return second <= 0x9f
  if (lead === 0xf0) return second >= 0x90
  return lead !== 0xf4 || second <= 0x8f
}

/** Whether the byte at `at` continues a sequence that began before it. */
const isInside = (bytes: Uint8Array, at: number): boolean => {
  for (let back = 1; back <= contextBytes && back <= at && isContinuation(bytes[at - back + 1]); back += 1) {
    const lead = bytes[at - back] ?? 0
    if (!isContinuation(lead)) return sequenceLength(lead) > back && mayFollow(lead, bytes[at - back + 1])
  }
  return false
}

const nextBeginning = (bytes: Uint8Array, from: number): number => {
  let at = from
  while (at < bytes.length && isInside(bytes, at)) at += 1
  return at
}

/** `bytes` contain the range from `from` to `to`, and up to {@link contextBytes} bytes on each side. */
export const textOfRange = (bytes: Uint8Array, from: number, to: number): string => {
  const end = Math.min(to, bytes.length)
  const part = bytes.subarray(nextBeginning(bytes, Math.min(from, end)), nextBeginning(bytes, end))
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(part)
}
