/** Files of which a session says that they are larger than what a client could hold. */
import { FileSystem, ToolCall } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Encoding, Stream } from "effect"

const zeros = Encoding.encodeBase64(new Uint8Array(51_200))

/** A session with one file, and the tools that were called. */
const sessionWith = (size: number) => {
  const called: Array<string> = []
  const toolCall = ToolCall.make(({ name }) =>
    Effect.sync(() => {
      called.push(name)
      const text = name === "get_file_info" ? `size: ${size}\nisDirectory: false` : zeros
      return { reply: { content: [{ type: "text", text }], isError: false }, requestId: "1" }
    })
  )
  return { fileSystem: FileSystem.make(toolCall), called }
}

describe("a large file", () => {
  it.effect("is read as a stream whatever its size, no further than somebody reads", () =>
    Effect.gen(function*() {
      const { called, fileSystem } = sessionWith(Number.MAX_SAFE_INTEGER)
      const bytes = yield* Stream.runFold(
        Stream.take(fileSystem.readFileStream("/large"), 20),
        0,
        (sum, piece) => sum + piece.length
      )
      assert.strictEqual(bytes, 20 * 51_200)
      assert.isBelow(called.length, 100)
    }))

  const refusals = [
    ["readFile", (fs: FileSystem.FileSystem) => fs.readFile("/large"), 64 * 2 ** 20],
    ["readFileBytes", (fs: FileSystem.FileSystem) => fs.readFileBytes("/large"), 64 * 2 ** 20],
    ["readFile", (fs: FileSystem.FileSystem) => fs.readFile("/large", { maxBytes: 2 ** 31 }), 2 ** 29 - 24]
  ] as const

  it.effect("is refused before anything is read where it must fit, with the limit", () =>
    Effect.gen(function*() {
      for (const [name, read, limit] of refusals) {
        const { called, fileSystem } = sessionWith(2 ** 30)
        const error = yield* Effect.flip(Effect.asVoid<unknown, FileSystem.FileSystemError, never>(read(fileSystem)))
        assert.deepInclude({ ...error }, { _tag: "LimitExceededError", operation: `FileSystem.${name}`, limit })
        assert.deepStrictEqual(called, ["get_file_info"])
      }
    }))

  it.effect("is read as a text when it is just small enough", () =>
    Effect.gen(function*() {
      const { fileSystem } = sessionWith(51_200)
      assert.strictEqual(yield* fileSystem.readFile("/large", { maxBytes: 51_200 }), "\0".repeat(51_200))
    }))
})
