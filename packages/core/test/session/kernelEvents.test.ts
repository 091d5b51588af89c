/** What kernels of code contexts tell, however it is cut into pieces. */
import { assert, it } from "@effect/vitest"
import { Encoding, FastCheck as fc } from "effect"
import { type KernelEvent, KernelEvents } from "../../src/internal/session/codeContexts/kernelEvents.js"
import { character } from "../support/characters.js"

const frame = (letter: string, text: string): Buffer => {
  const bytes = Buffer.from(text)
  const head = Buffer.from(`${letter}....`)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

const takeAll = (pieces: ReadonlyArray<Uint8Array>): ReadonlyArray<KernelEvent> => {
  const events = new KernelEvents()
  return pieces.flatMap((piece) => events.take(piece))
}

/** Texts of one stream are joined: where they are cut does not matter. */
const joined = (events: ReadonlyArray<KernelEvent>) => ({
  stdout: events.map((event) => event._tag === "Output" && event.stream === "stdout" ? event.text : "").join(""),
  stderr: events.map((event) => event._tag === "Output" && event.stream === "stderr" ? event.text : "").join(""),
  others: events.filter(({ _tag }) => _tag !== "Output") as ReadonlyArray<unknown>
})

const piecesOf = (bytes: Buffer, cuts: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}

const done = { type: "done", count: 3, seconds: 0.5, error: null }

it("events are the same wherever their bytes are cut", () => {
  const texts = fc.array(fc.tuple(fc.constantFrom("O", "E", "V"), fc.string({ unit: character })), { maxLength: 8 })
  fc.assert(fc.property(texts, fc.array(fc.nat(), { maxLength: 8 }), (texts, cuts) => {
    const lines = texts.map(([letter, text]) => {
      const result = { type: "result", data: { "text/plain": text }, isMainResult: false }
      return frame(letter, letter === "V" ? `${JSON.stringify(result)}\n` : text)
    })
    const all = Buffer.concat([...lines, frame("V", `${JSON.stringify(done)}\n`)])
    const whole = joined(takeAll([all]))
    assert.deepStrictEqual(joined(takeAll(piecesOf(all, cuts))), whole)
    const of = (letter: string) => texts.filter(([name]) => name === letter).map(([, text]) => text)
    assert.deepStrictEqual([whole.stdout, whole.stderr], [of("O").join(""), of("E").join("")])
    assert.deepStrictEqual(whole.others, [
      ...of("V").map((text) => ({ _tag: "Result", item: { data: { "text/plain": text }, isMainResult: false } })),
      { _tag: "Done", count: 3, seconds: 0.5, error: null }
    ])
  }))
})

it("a character that is split over frames is put together, and one that is missing its end is told at the end", () => {
  const bytes = Buffer.from("ü")
  const half = (part: Uint8Array) => Buffer.concat([Buffer.from([79, 0, 0, 0, 1]), part])
  const end = frame("V", `${JSON.stringify(done)}\n`)
  assert.strictEqual(joined(takeAll([half(bytes.subarray(0, 1)), half(bytes.subarray(1)), end])).stdout, "ü")
  const [output, last] = takeAll([half(bytes.subarray(0, 1)), end])
  assert.deepStrictEqual([output, last?._tag], [{ _tag: "Output", stream: "stdout", text: "\ufffd" }, "Done"])
})

it("nonsense is malformed", () => {
  const nonsense = [
    "5",
    "{",
    "{\"type\":\"result\",\"data\":[],\"isMainResult\":true}",
    "{\"type\":\"done\",\"count\":\"1\",\"seconds\":1,\"error\":null}",
    "{\"type\":\"done\",\"count\":1,\"seconds\":1,\"error\":{\"name\":\"E\"}}",
    Encoding.encodeBase64("x")
  ]
  for (const line of nonsense) {
    assert.deepStrictEqual(takeAll([frame("V", `${line}\n`)]).map(({ _tag }) => _tag), ["Malformed"], line)
  }
  assert.deepStrictEqual(takeAll([frame("X", "text")]).map(({ _tag }) => _tag), ["Malformed"])
})
