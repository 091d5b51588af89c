/**
 * The frames that the host and the agent of a sandbox exchange.
 *
 *     u32 length of what follows | u32 id | u32 length of the JSON | JSON, UTF-8 | body, raw bytes
 *
 * Integers are big-endian. The host chooses the id of a call; every frame that belongs to it repeats the id.
 */

import { type JsonLimits, withinJsonLimits } from "./jsonLimits.js"

export interface Frame {
  readonly id: number
  readonly json: unknown
  readonly body: Buffer
}

/** The largest frame either side accepts, in bytes. A frame that announces more ends the connection. */
export const maxFrameBytes = 64 * 1024 * 1024

/** Limits of the JSON part: parsing more would block the event loop of the host. */
export const maxJson: JsonLimits = { depth: 200, cost: 2 ** 23 }

const empty = Buffer.alloc(0)

/** A frame as a list of buffers: a large body is not copied. */
export const encode = (id: number, json: unknown, body: Uint8Array = empty): ReadonlyArray<Uint8Array> => {
  const text = Buffer.from(JSON.stringify(json), "utf8")
  const head = Buffer.allocUnsafe(12 + text.length)
  head.writeUInt32BE(8 + text.length + body.length, 0)
  head.writeUInt32BE(id, 4)
  head.writeUInt32BE(text.length, 8)
  text.copy(head, 12)
  return body.length === 0 ? [head] : [head, body]
}

/**
 * Returns a decoder that accepts chunks of any size and calls `onFrame` once per complete frame, in order. It throws a
 * RangeError on a frame that is too large or inconsistent, or whose JSON exceeds the limits, and a SyntaxError on invalid
 * JSON; after either the stream is unusable.
 */
export const decoder = (onFrame: (frame: Frame) => void): (chunk: Buffer) => void => {
  let chunks: Array<Buffer> = []
  let size = 0
  let wanted = 4

  const take = () => {
    const all = chunks.length === 1 ? chunks[0] as Buffer : Buffer.concat(chunks, size)
    chunks = [all]
    return all
  }

  return (chunk) => {
    chunks.push(chunk)
    size += chunk.length
    while (size >= wanted) {
      const all = take()
      const length = all.readUInt32BE(0)
      if (length < 8 || length > maxFrameBytes) throw new RangeError(`frame of ${length} bytes`)
      if (size < 4 + length) {
        wanted = 4 + length
        return
      }
      const jsonLength = all.readUInt32BE(8)
      if (jsonLength > length - 8) throw new RangeError("frame shorter than its JSON part")
      const text = all.subarray(12, 12 + jsonLength)
      if (!withinJsonLimits(text, maxJson)) throw new RangeError("JSON part of too many or too deep values")
      const json = JSON.parse(text.toString("utf8"))
      const frame = { id: all.readUInt32BE(4), json, body: all.subarray(12 + jsonLength, 4 + length) }
      const rest = all.subarray(4 + length)
      chunks = rest.length === 0 ? [] : [rest]
      size = rest.length
      wanted = 4
      onFrame(frame)
    }
  }
}
