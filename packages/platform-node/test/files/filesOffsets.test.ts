import { Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck } from "effect"
import { contextBytes, textOfRange } from "../../src/internal/server/sessions/textRange.js"
import { best, layerWith } from "../support/runtime.js"

/** Every kind of byte that a cut can meet: whole characters of each length, stray and missing bytes, forbidden forms. */
const pieces = [
  ...["a", "\0", "\n", "\r\n", "\uFEFF", "é", "日", "🎈", "\u07FF", "\uFFFD", "\u{10FFFF}"].map((text) =>
    Buffer.from(text)
  ),
  ...[[0x80], [0xbf, 0xbf], [0xc3], [0xe6, 0x97], [0xf0, 0x9f, 0x8e], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xff]]
    .map((bytes) => Buffer.from(bytes)),
  ...[[0xf4, 0x90, 0x80, 0x80], [0xe0, 0x80, 0x80], [0xf0, 0x80, 0x80, 0x80], [0xf5, 0x80]].map((bytes) =>
    Buffer.from(bytes)
  )
]

const anyBytes = FastCheck.array(FastCheck.constantFrom(...pieces), { maxLength: 60 }).map((parts) =>
  Buffer.concat(parts)
)

const decode = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)

/** As the file tool reads a range: with what surrounds it. */
const range = (bytes: Uint8Array, offset: number, length: number) => {
  const before = Math.min(offset, contextBytes)
  return textOfRange(bytes.subarray(offset - before, offset + length + contextBytes), before, before + length)
}

/** About `size` bytes of all kinds, the same every time. */
const mixture = (size: number, kinds: ReadonlyArray<Buffer>): Buffer => {
  const parts: Array<Buffer> = []
  for (let index = 0, length = 0; length < size; index += 1) {
    const part = kinds[(index * 7 + (index >> 3) * 5) % kinds.length] ?? Buffer.from("x")
    parts.push(part)
    length += part.length
  }
  return Buffer.concat(parts).subarray(0, size)
}

describe("the text of ranges", () => {
  it.prop(
    "put together is the text of the whole, whatever the bytes and wherever it is cut",
    [anyBytes, FastCheck.integer({ min: 1, max: 9 })],
    ([bytes, size]) => {
      const parts = Array.from(
        { length: Math.ceil(bytes.length / size) },
        (_, index) => range(bytes, index * size, size)
      )
      assert.strictEqual(parts.join(""), decode(bytes))
    },
    { fastCheck: { numRuns: 3000 } }
  )
})

describe.skipIf(process.platform !== "linux")("files in a session", () => {
  it.live("give back their bytes and their text through ranges of any size", () =>
    Effect.gen(function*() {
      const { callTool, command, fileSystem } = yield* Session.make({ imageId: "code_latest" })
      const home = (yield* command.executeCommand("pwd")).stdout.trim()
      const read = (path: string, offset: number, length: number, format: "text" | "binary") =>
        callTool("read_file", { path, offset, length, ...(format === "binary" ? { format } : {}) })
      for (
        const [size, step] of [[0, 10], [1, 1], [997, 13], [51_201, 51_200], [102_400, 51_200], [
          300_000,
          49_999
        ]] as const
      ) {
        const path = `${home}/mixture ${size}`
        const bytes = mixture(size, pieces)
        const encoded = bytes.toString("base64")
        yield* fileSystem.writeFile(`${path}.64`, encoded)
        yield* command.executeCommand(`base64 -d <'${path}.64' >'${path}'`, { timeout: "2 minutes" })
        assert.isTrue(bytes.equals(yield* fileSystem.readFileBytes(path)))
        const offsets = Array.from({ length: Math.ceil(size / step) }, (_, index) => index * step)
        const texts = yield* Effect.forEach(offsets, (offset) => read(path, offset, step, "text"))
        assert.isTrue(texts.join("") === decode(bytes), `text of ${size} bytes in steps of ${step}`)
        const parts = yield* Effect.forEach(offsets, (offset) => read(path, offset, step, "binary"))
        assert.isTrue(Buffer.concat(parts.map((part) => Buffer.from(part, "base64"))).equals(bytes))
        assert.strictEqual(yield* read(path, size, 10, "text"), "")
        assert.strictEqual(yield* read(path, size + 1000, 10, "binary"), "")
      }
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.live("keep text exactly, in each mode of writing", () =>
    Effect.gen(function*() {
      const { command, fileSystem } = yield* Session.make({ imageId: "code_latest" })
      const home = (yield* command.executeCommand("pwd")).stdout.trim()
      const whole = pieces.slice(0, 11)
      for (const size of [0, 1, 3, 51_199, 51_200, 51_201, 300_000]) {
        const text = decode(mixture(size, whole)).replace(/\uFFFD+$/, "")
        const path = `${home}/text ${size}`
        yield* fileSystem.writeFile(path, text, { mode: "create_new" })
        assert.isTrue(text === (yield* fileSystem.readFile(path)))
        yield* fileSystem.writeFile(path, text, { mode: "append" })
        assert.isTrue(text + text === (yield* fileSystem.readFile(path)))
        yield* fileSystem.writeFile(path, text)
        assert.isTrue(text === (yield* fileSystem.readFile(path)))
      }
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.live("have any name that a file can have", () =>
    Effect.gen(function*() {
      const { command, fileSystem } = yield* Session.make({ imageId: "code_latest" })
      const home = (yield* command.executeCommand("pwd")).stdout.trim()
      const names = [
        "-rf",
        "a:b",
        " both ",
        "line\nsize: 99",
        "tab\t",
        "\r",
        "*",
        "--",
        "~",
        "\\",
        "日本 🎈",
        "x".repeat(255)
      ]
      for (const name of names) {
        const path = `${home}/${name}`
        yield* fileSystem.writeFile(path, name, { mode: "create_new" })
        assert.strictEqual(yield* fileSystem.readFile(path), name)
        assert.strictEqual((yield* fileSystem.getFileInfo(path)).size, Buffer.byteLength(name))
        const moved = `${[...path].slice(0, -1).join("")}+`
        yield* fileSystem.moveFile(path, moved)
        yield* fileSystem.deleteFile(moved)
      }
      assert.deepStrictEqual(yield* fileSystem.listDirectory(home), [])
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))
})
