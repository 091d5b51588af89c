/** The frames between host and agent: any chunking gives the same frames, and nothing that lies about a length gets in. */
import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { PassThrough } from "node:stream"
import { afterEach, vi } from "vitest"
import * as frames from "../../src/internal/agentWire/frames.js"
import { SandboxConnection } from "../../src/internal/sandbox/channel/connection.js"
import { makeTurns } from "../../src/internal/sandbox/channel/eventLoopTurns.js"
import { sharedRead } from "../../src/internal/sandbox/disk/sharedRead.js"

const frame = FastCheck.record({
  id: FastCheck.integer({ min: 0, max: 0xffff_ffff }),
  json: FastCheck.json().map((text): unknown => JSON.parse(text)),
  body: FastCheck.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
})

interface Frame {
  readonly id: number
  readonly json: unknown
  readonly body: Buffer
}

const bytesOf = ({ body, id, json }: Frame): Buffer => Buffer.concat([...frames.encode(id, json, body)])

const collector = () => {
  const received: Array<Frame> = []
  const reader = new frames.FrameReader()
  const feed = (chunk: Buffer) => {
    reader.push(chunk)
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      const json = frames.parseJson(frame.json, frame.limits.json)
      received.push({ id: frame.id, json, body: Buffer.from(frame.body) })
    }
  }
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

  it.prop(
    "a streamed frame comes in pieces as they arrive, between whole frames",
    [
      FastCheck.nat(300_000),
      FastCheck.array(FastCheck.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 5 })
    ],
    ([extra, sizes]) => {
      const body = Buffer.alloc(frames.sharedBytes + extra, "0123456789abcde")
      const limits = { jsonBytes: 100, bodyBytes: body.length, json: frames.maxJson, isStreamed: true }
      const reader = new frames.FrameReader(() => limits)
      const all = Buffer.concat(
        [{ id: 1, json: {}, body }, { id: 2, json: 1, body: Buffer.from("b") }, { id: 3, json: 2, body }].map(bytesOf)
      )
      const received = new Map<number, Array<Buffer>>()
      for (const chunk of chunks(all, sizes)) {
        reader.push(chunk)
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
          const pieces = received.get(frame.id) ?? []
          received.set(frame.id, pieces)
          pieces.push(Buffer.from(frame.body))
        }
      }
      assert.isFalse(reader.isWithinFrame)
      const bodies = [...received].map((
        [id, pieces]
      ) => [id, Buffer.concat(pieces).equals(id === 2 ? Buffer.from("b") : body)])
      assert.deepStrictEqual(bodies, [[1, true], [2, true], [3, true]])
    },
    { fastCheck: { numRuns: 20 } }
  )

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
    assert.lengthOf(feedJson(`[${"{},".repeat(450_000)}1]`), 1)
    assert.throws(() => feedJson(`[${"{},".repeat(550_000)}1]`), RangeError)
  })

  it("a large frame in small chunks is put together once: at every chunk it would take minutes", () => {
    const body = Buffer.alloc(32 * 1024 * 1024, 1)
    const [received] = feedAll(Buffer.concat([...frames.encode(1, null, body)]), 4096)
    assert.isTrue(received?.body.equals(body))
  })

  it("a long frame shares its memory with nothing that came with it", () => {
    const [long, short] = [Buffer.alloc(frames.sharedBytes, 1), Buffer.of(2)]
    const reader = new frames.FrameReader()
    reader.push(Buffer.concat([...frames.encode(1, null, long), ...frames.encode(2, null, short)]))
    const [first, second] = [reader.next(), reader.next()]
    assert.isTrue(first?.body.equals(long) && second?.body.equals(short))
    assert.strictEqual(first?.body.buffer.byteLength, 16 + long.length)
    assert.isFalse(reader.isWithinFrame)
  })
})

const passOfLoop = () => new Promise<void>((resolve) => void setImmediate(resolve))

describe("turns on the event loop", () => {
  it("of those that always have more to do come one in each pass, in their order", async () => {
    const seen: Array<string> = []
    const flooding = (name: string) => {
      const turns = makeTurns(() => {
        seen.push(name)
        while (turns.lasts()) { /* As much as there is. */ }
        return seen.length < 60
      }, () => {})
      return turns
    }
    const all = ["a", "b", "c"].map(flooding)
    for (const one of all) one.request()
    const begun = seen.length
    await passOfLoop()
    assert.isAtMost(seen.length - begun, 1)
    while (seen.length < 60) await passOfLoop()
    assert.match(seen.slice(begun).join(""), /^(abc)+/)
    for (const one of all) one.stop()
  })

  it("are not waited for by what does little", () => {
    let done = 0
    const turns = makeTurns(() => {
      done += 1
      return false
    }, () => {})
    for (let round = 0; round < 5; round++) turns.request()
    assert.strictEqual(done, 5)
  })
})

describe("what is read for all who ask for it", () => {
  it("is read once for those who ask before it begins, and again for who asks later", async () => {
    let begun = 0
    const finish: Array<() => void> = []
    const read = sharedRead(() => {
      begun += 1
      return new Promise<number>((resolve) => finish.push(() => resolve(begun)))
    })
    const early = Array.from({ length: 1000 }, read)
    await passOfLoop()
    const late = Array.from({ length: 1000 }, read)
    await passOfLoop()
    assert.strictEqual(begun, 1)
    finish[0]?.()
    assert.deepStrictEqual(new Set(await Promise.all(early)), new Set([1]))
    await passOfLoop()
    finish[1]?.()
    assert.deepStrictEqual(new Set(await Promise.all(late)), new Set([2]))
  })
})

describe("a connection", () => {
  afterEach(() => vi.useRealTimers())

  const connected = () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const [stdin, stdout] = [new PassThrough(), new PassThrough()]
    const connection = new SandboxConnection({ stdin, stdout }, () => {}, new Promise(() => {}), 1000)
    stdout.write(Buffer.concat([...frames.encode(0, { ready: true })]))
    return { connection, stdout }
  }

  it("ends with an agent that begins a frame and does not go on", async () => {
    const { connection, stdout } = connected()
    await connection.ready
    const bytes = Buffer.concat([...frames.encode(1, { ok: true, value: null })])
    stdout.write(bytes.subarray(0, 20))
    while (stdout.readableLength > 0) await passOfLoop()
    for (let pass = 0; pass < 10; pass++) await passOfLoop()
    vi.advanceTimersByTime(29_000)
    assert.isFalse(connection.isLost)
    vi.advanceTimersByTime(2000)
    assert.isTrue(connection.isLost)
    assert.include((await connection.lost).reason, "did not go on with a frame")
  })

  it("waits for an agent that is between two frames", async () => {
    const { connection } = connected()
    await connection.ready
    vi.advanceTimersByTime(3_600_000)
    assert.isFalse(connection.isLost)
    connection.close("the test is over")
  })
})
