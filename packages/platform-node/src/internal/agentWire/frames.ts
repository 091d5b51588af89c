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
export const maxJson: JsonLimits = { depth: 200, cost: 2 ** 22 }

/** What a frame may hold, by the call that it belongs to. */
export interface FrameLimits {
  readonly jsonBytes: number
  readonly bodyBytes: number
  readonly json: JsonLimits
  /** Whether a long body is taken as it arrives: in pieces, each of which comes with the JSON. Default: false. */
  readonly isStreamed?: boolean
}

const anyFrame: FrameLimits = { jsonBytes: maxFrameBytes, bodyBytes: maxFrameBytes, json: maxJson }

const headBytes = 12

/** Bytes, as one piece or as several that nobody has joined. */
export type Body = Uint8Array | ReadonlyArray<Uint8Array>

/** A frame as a list of buffers: a large body is not copied. */
export const encode = (id: number, json: unknown, body: Body = []): ReadonlyArray<Uint8Array> => {
  const pieces = body instanceof Uint8Array ? [body] : body
  const text = Buffer.from(JSON.stringify(json), "utf8")
  const head = Buffer.allocUnsafe(12 + text.length)
  head.writeUInt32BE(pieces.reduce((size, piece) => size + piece.length, 8 + text.length), 0)
  head.writeUInt32BE(id, 4)
  head.writeUInt32BE(text.length, 8)
  text.copy(head, 12)
  return [head, ...pieces.filter((piece) => piece.length > 0)]
}

/** A frame as it came. It shares its memory with nothing else if it is longer than {@link sharedBytes}. */
export interface RawFrame {
  readonly id: number
  readonly json: Buffer
  readonly body: Buffer
  readonly limits: FrameLimits
}

/** Frames up to this length may be views of a chunk that holds others as well. */
export const sharedBytes = 64 * 1024

/**
 * Reads frames from chunks of any size, one at a time. It throws a RangeError on a frame that is too large or inconsistent,
 * or that exceeds the limits of its id; then the stream is unusable. Sizes are checked before anything else of the frame is
 * kept, and JSON is not parsed.
 */
export class FrameReader {
  readonly #limitsOf: (id: number) => FrameLimits
  #chunks: Array<Buffer> = []
  #size = 0
  /** A long frame that is being filled. */
  #long:
    | { readonly bytes: Buffer; readonly jsonLength: number; readonly limits: FrameLimits; filled: number }
    | undefined
  /** A long frame whose body is passed on as it arrives. */
  #streamed: { readonly head: RawFrame; left: number } | undefined

  constructor(limitsOf: (id: number) => FrameLimits = () => anyFrame) {
    this.#limitsOf = limitsOf
  }

  /** Whether a frame has begun and is not complete. */
  get isWithinFrame(): boolean {
    return this.#size > 0 || this.#long !== undefined || this.#streamed !== undefined
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** The next complete frame, or piece of one that is streamed. */
  next(): RawFrame | undefined {
    if (this.#long !== undefined) return this.#fill()
    if (this.#streamed !== undefined) return this.#piece()
    if (this.#size < 4) return undefined
    const all = this.#joined()
    const length = all.readUInt32BE(0)
    if (length < 8 || length > maxFrameBytes) throw new RangeError(`frame of ${length} bytes`)
    if (this.#size < headBytes) return undefined
    const jsonLength = all.readUInt32BE(8)
    if (jsonLength > length - 8) throw new RangeError("frame shorter than its JSON part")
    const limits = this.#limitsOf(all.readUInt32BE(4))
    if (jsonLength > limits.jsonBytes || length - 8 - jsonLength > limits.bodyBytes) {
      throw new RangeError(`frame of ${length} bytes for a call that may have fewer`)
    }
    if (length > sharedBytes && limits.isStreamed === true && jsonLength < length - 8) {
      if (this.#size < headBytes + jsonLength) return undefined
      const head = split(all.subarray(0, headBytes + jsonLength), jsonLength, limits)
      this.#streamed = { head, left: length - 8 - jsonLength }
      this.#keep(all.subarray(headBytes + jsonLength))
      return this.#piece()
    }
    if (length > sharedBytes) {
      this.#long = { bytes: Buffer.allocUnsafeSlow(4 + length), jsonLength, limits, filled: 0 }
      return this.#fill()
    }
    if (this.#size < 4 + length) return undefined
    this.#keep(all.subarray(4 + length))
    return split(all.subarray(0, 4 + length), jsonLength, limits)
  }

  #fill(): RawFrame | undefined {
    const long = this.#long
    if (long === undefined) return undefined
    while (this.#chunks.length > 0 && long.filled < long.bytes.length) {
      const chunk = this.#chunks.shift()!
      const taken = chunk.copy(long.bytes, long.filled)
      long.filled += taken
      this.#size -= taken
      if (taken < chunk.length) this.#chunks.unshift(chunk.subarray(taken))
    }
    if (long.filled < long.bytes.length) return undefined
    this.#long = undefined
    return split(long.bytes, long.jsonLength, long.limits)
  }

  /** What has arrived of the body, without copying it. */
  #piece(): RawFrame | undefined {
    const [streamed, chunk] = [this.#streamed, this.#chunks.shift()]
    if (streamed === undefined || chunk === undefined) return undefined
    const body = chunk.subarray(0, streamed.left)
    if (body.length < chunk.length) this.#chunks.unshift(chunk.subarray(body.length))
    this.#size -= body.length
    streamed.left -= body.length
    if (streamed.left === 0) this.#streamed = undefined
    return { ...streamed.head, body }
  }

  #joined(): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#size)
    this.#chunks = [all]
    return all
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#size = rest.length
  }
}

const split = (bytes: Buffer, jsonLength: number, limits: FrameLimits): RawFrame => ({
  id: bytes.readUInt32BE(4),
  json: bytes.subarray(headBytes, headBytes + jsonLength),
  body: bytes.subarray(headBytes + jsonLength),
  limits
})

/** Throws a RangeError where the JSON exceeds the limits, and a SyntaxError where it is none. */
export const parseJson = (json: Buffer, limits: JsonLimits): unknown => {
  if (!withinJsonLimits(json, limits)) throw new RangeError("JSON part of too many or too deep values")
  return JSON.parse(json.toString("utf8"))
}
