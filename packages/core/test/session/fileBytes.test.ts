/** Parts of writing files that need no session. */
import { AgbError, FileSystem, ToolCall } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Duration, Effect, Either, FastCheck, Fiber, Option, Stream, TestClock } from "effect"
import { cancellable } from "../../src/internal/client/deadline/cancellation.js"
import { Checksum } from "../../src/internal/session/files/checksum.js"
import { permissionsOf } from "../../src/internal/session/files/managing.js"
import { cut, joined } from "../../src/internal/session/files/pieces.js"
import { ContentFailure, Sending } from "../../src/internal/session/files/sending.js"

const silent = () => {
  const called: Array<string> = []
  const fs = FileSystem.make(ToolCall.make(({ name }) =>
    Effect.sync(() => {
      called.push(name)
      return { reply: { content: [{ type: "text", text: "" }], isError: false }, requestId: undefined }
    })
  ))
  return { called, fs }
}

/** What `cksum` prints of so many bytes. */
const printed = [
  [0, "4294967295 0"],
  [1, "4215202376 1"],
  [255, "2182562185 255"],
  [256, "2097435306 256"],
  [70000, "3255642461 70000"]
] as const

describe("the checksum", () => {
  it("is that of cksum, however the bytes are cut", () => {
    for (const [size, expected] of printed) {
      const bytes = Uint8Array.from({ length: size }, (_, at) => at * 31 + (at >> 3))
      FastCheck.assert(
        FastCheck.property(FastCheck.array(FastCheck.nat(size), { maxLength: 4 }), (cuts) => {
          const checksum = new Checksum()
          const places = [0, ...cuts.sort((a, b) => a - b), size]
          places.slice(1).forEach((to, index) => checksum.update(bytes.subarray(places[index], to)))
          assert.strictEqual(String(checksum), expected)
        }),
        { numRuns: 5 }
      )
    }
  })
})

describe("pieces of files", () => {
  it.prop(
    "are the bytes that they were, joined or cut",
    [FastCheck.array(FastCheck.uint8Array({ maxLength: 40 })), FastCheck.integer({ min: 1, max: 50 })],
    ([chunks, size]) => {
      const bytes = (pieces: ReadonlyArray<Uint8Array>) => pieces.flatMap((piece) => [...piece])
      const together = joined(Chunk.fromIterable(chunks), size)
      assert.deepStrictEqual(bytes(together), bytes(chunks))
      for (const piece of together) {
        const parts = cut(piece, size)
        assert.deepStrictEqual(bytes(parts), [...piece])
        assert.isTrue(parts.every(({ length }) => length <= size))
      }
    }
  )
})

describe("a stream that is sent", () => {
  const bytes = new Uint8Array(10)
  const late = new AgbError.TransportError({
    operation: "write",
    reason: "Timeout",
    detail: "",
    mayHaveHappened: true,
    retryable: true
  })
  const send = <E>(
    content: Stream.Stream<Uint8Array, E>,
    take: (stream: Sending<E>["stream"]) => Effect.Effect<unknown, unknown>
  ) => {
    const sending = new Sending(content)
    const watched = sending.whileMoving(Duration.seconds(10), () => late)
    return watched(() => () => {}, (onCancel) => cancellable(take(sending.stream), onCancel)).pipe(
      Effect.as(sending),
      Effect.either,
      Effect.fork
    )
  }

  it.effect("may take its time, and is all sent", () =>
    Effect.gen(function*() {
      const slow = Stream.fromEffect(Effect.delay(Effect.succeed(bytes), "25 seconds"))
      const fiber = yield* send(Stream.concat(Stream.make(bytes), slow), Stream.runDrain)
      yield* TestClock.adjust("25 seconds")
      const sent = yield* Fiber.join(fiber)
      assert.strictEqual(Either.isRight(sent) ? sent.right.size : -1, 20)
    }))

  it.effect("is given up one timeout after the connection has taken something", () =>
    Effect.gen(function*() {
      const fiber = yield* send(Stream.forever(Stream.make(bytes)), (stream) =>
        Effect.sleep("9 seconds").pipe(Effect.zipRight(Stream.runHead(stream)), Effect.zipRight(Effect.never)))
      yield* TestClock.adjust("9 seconds")
      yield* TestClock.adjust("9 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)), "it was given up early")
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(fiber)), "it goes on")
      const failed = yield* Fiber.join(fiber)
      assert.strictEqual(Either.isLeft(failed) ? failed.left : undefined, late)
    }))

  it.effect("fails with its own error, apart from those of the request", () =>
    Effect.gen(function*() {
      const fiber = yield* send(Stream.concat(Stream.make(bytes), Stream.fail("mine")), Stream.runDrain)
      const failed = yield* Fiber.join(fiber)
      const error = Either.isLeft(failed) ? failed.left : undefined
      assert.strictEqual(error instanceof ContentFailure ? error.error : undefined, "mine")
    }))
})

describe("permissions", () => {
  it("are read as ls prints them, and as numbers", () => {
    const texts = [["-rw-r--r--", 0o644], ["drwxrwxrwt", 0o1777], ["-rwSr-s--T", 0o7650], ["0755", 0o755], [
      "100644",
      0o644
    ]] as const
    for (const [text, mode] of texts) assert.deepStrictEqual(Option.getOrUndefined(permissionsOf(text)), mode, text)
    for (const text of ["", "rw", "999"]) assert.isUndefined(Option.getOrUndefined(permissionsOf(text)))
  })
})

describe("files: bad arguments", () => {
  it.effect("are refused by field before anything is sent", () =>
    Effect.gen(function*() {
      const { called, fs } = silent()
      const field = <A>(effect: Effect.Effect<A, FileSystem.FileSystemError>) =>
        Effect.map(Effect.flip(effect), (error) => error._tag === "InvalidRequestError" ? error.field : error._tag)
      const fields = yield* Effect.all([
        field(fs.writeFile("relative", new Uint8Array(1))),
        field(fs.writeFile("/a", new Uint8Array(1), { permissions: 0o10000 })),
        field(fs.writeFile("/a\0", Stream.empty)),
        field(Stream.run(Stream.empty, fs.sink("b"))),
        field(Stream.runDrain(fs.readFileStream("/a", { offset: -1 }))),
        field(Stream.runDrain(fs.readFileStream("/a", { bytesToRead: 0.5 }))),
        field(fs.remove("/", { recursive: true })),
        field(fs.remove("/a/../..", { recursive: true })),
        field(fs.remove("/a/.", { recursive: true })),
        field(fs.copy("/a", "/a/b")),
        field(fs.copy("/a", "b")),
        field(fs.stat("a\ud800"))
      ])
      assert.deepStrictEqual(fields, [
        "path",
        "permissions",
        "path",
        "path",
        "offset",
        "bytesToRead",
        "path",
        "path",
        "path",
        "destination",
        "destination",
        "path"
      ])
      assert.deepStrictEqual(called, [])
    }))
})
