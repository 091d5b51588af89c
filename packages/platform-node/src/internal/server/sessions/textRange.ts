/**
 * The text of a range of bytes that may begin and end inside a character: a character belongs to the range in which its
 * first byte lies, so that the texts of ranges put together are the text of the whole, whatever the bytes are.
 */

/** How many bytes on each side of a range say where its first and last character begin and end. */
export const aroundRange = 3

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80

/** The bytes that a sequence has according to its first byte; 1 for a byte that begins none. */
const sequenceLength = (lead: number): number =>
  lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 1

/** Overlong forms, surrogates and what lies beyond Unicode are told by the second byte. */
const mayFollow = (lead: number, second: number | undefined): boolean => {
  if (second === undefined || !isContinuation(second)) return false
  if (lead === 0xe0) return second >= 0xa0
  if (lead === 0xed) return second <= 0x9f
  if (lead === 0xf0) return second >= 0x90
  return lead !== 0xf4 || second <= 0x8f
}

/** Whether a decoder takes the byte at `at` as part of a sequence that began before. */
const isInside = (bytes: Uint8Array, at: number): boolean => {
  for (let back = 1; back <= aroundRange && back <= at && isContinuation(bytes[at - back + 1]); back += 1) {
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

/** `bytes` hold the range from `from` to `to` and, where the file has them, {@link aroundRange} bytes on each side. */
export const textOfRange = (bytes: Uint8Array, from: number, to: number): string => {
  const end = Math.min(to, bytes.length)
  const part = bytes.subarray(nextBeginning(bytes, Math.min(from, end)), nextBeginning(bytes, end))
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(part)
}
