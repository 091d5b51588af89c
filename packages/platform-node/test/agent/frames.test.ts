/** The frames between host and agent: any chunking gives the same frames, and nothing that lies about a length gets in. */
import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import * as frames from "../../src/internal/agentWire/frames.js"

const frame = FastCheck.record({
  id: FastCheck.integer({ min: 0, max: 0xffff_ffff }),
  json: FastCheck.json().map((text): unknown => JSON.parse(text)),
  body: FastCheck.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
})

const bytesOf = ({ body, id, json }: frames.Frame): Buffer => Buffer.concat([...frames.encode(id, json, body)])

const collector = () => {
  const received: Array<frames.Frame> = []
  const feed = frames.decoder((frame) => received.push({ ...frame, body: Buffer.from(frame.body) }))
  return { received, feed }
}

/** Cuts bytes into pieces of the given sizes, over and over. */
const chunks = (bytes: Buffer, sizes: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const parts: Array<Buffer> = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    parts.push(bytes.subarray(at, at + size))
    at += size
  }
  return parts
}

const sizes = FastCheck.oneof(
  FastCheck.constant([1]),
  FastCheck.array(FastCheck.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 }),
  FastCheck.constant([1_000_000])
)

const header = (length: number, jsonLength: number, rest = ""): Buffer => {
  const head = Buffer.alloc(12)
  head.writeUInt32BE(length, 0)
  head.writeUInt32BE(7, 4)
  head.writeUInt32BE(jsonLength, 8)
  return Buffer.concat([head, Buffer.from(rest)])
}

const feedAll = (bytes: Buffer, size = bytes.length) => {
  const { feed, received } = collector()
  for (const chunk of chunks(bytes, [size])) feed(chunk)
  return received
}

describe("frames", () => {
  it.prop("any chunking gives the same frames in the same order", [FastCheck.array(frame), sizes], ([sent, sizes]) => {
    const { feed, received } = collector()
    for (const chunk of chunks(Buffer.concat(sent.map(bytesOf)), sizes)) feed(chunk)
    assert.deepStrictEqual(received, sent)
  })

  it.prop("what is cut off is not a frame yet", [frame, FastCheck.nat()], ([sent, cut]) => {
    const bytes = bytesOf(sent)
    const { feed, received } = collector()
    feed(bytes.subarray(0, cut % bytes.length))
    assert.lengthOf(received, 0)
    feed(bytes.subarray(cut % bytes.length))
    assert.deepStrictEqual(received, [sent])
  })

  it.prop(
    "any bytes are frames, are waited for, or throw what the host expects",
    [FastCheck.uint8Array()],
    ([bytes]) => {
      try {
        feedAll(Buffer.from(bytes), 3)
      } catch (error) {
        assert.isTrue(error instanceof RangeError || error instanceof SyntaxError, String(error))
      }
    }
  )

  it("an announced length that is too small or too large throws before the frame is there", () => {
    for (const length of [0, 1, 7, frames.maxFrameBytes + 1, 0x7fff_ffff, 0xffff_ffff]) {
      assert.throws(() => feedAll(header(length, 0).subarray(0, 4)), RangeError)
      assert.throws(() => feedAll(header(length, 0).subarray(0, 4), 1), RangeError)
    }
  })

  it("a JSON part longer than its frame throws", () => {
    for (const jsonLength of [3, 4, 1000, 0xffff_ffff]) {
      assert.throws(() => feedAll(header(10, jsonLength, "{}")), RangeError)
    }
  })

  it("a JSON part that is none throws", () => {
    for (const json of ["", "{", "x", "\xff", "1 2"]) {
      const bytes = Buffer.from(json, "latin1")
      assert.throws(() => feedAll(Buffer.concat([header(8 + bytes.length, bytes.length), bytes])), SyntaxError)
    }
  })

  it("a JSON part that is deeper or heavier than a host can handle throws", () => {
    const feedJson = (json: string) => feedAll(header(8 + json.length, json.length, json), 100_000)
    assert.lengthOf(feedJson("[".repeat(150) + "]".repeat(150)), 1)
    assert.throws(() => feedJson("[".repeat(100_000) + "]".repeat(100_000)), RangeError)
    assert.lengthOf(feedJson(`[${"{},".repeat(900_000)}1]`), 1)
    assert.throws(() => feedJson(`[${"{},".repeat(1_100_000)}1]`), RangeError)
  })

  it("a large frame in small chunks is put together once: at every chunk it would take minutes", () => {
    const body = Buffer.alloc(32 * 1024 * 1024, 1)
    const [received] = feedAll(Buffer.concat([...frames.encode(1, null, body)]), 4096)
    assert.isTrue(received?.body.equals(body))
  })

  it("frames behind each other in one chunk do not disturb each other when a callback feeds more", () => {
    const received: Array<number> = []
    const second = Buffer.concat([...frames.encode(2, null)])
    const feed = frames.decoder(({ id }) => {
      received.push(id)
      if (id === 1) feed(second)
    })
    feed(Buffer.concat([...frames.encode(1, null)]))
    assert.deepStrictEqual(received, [1, 2])
  })
})
