/** Storage that outlives sessions, with sessions and without. */
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Agb from "../../Agb.js"
import * as Contexts from "../../Contexts.js"
import * as ContextStore from "../../ContextStore.js"
import * as Session from "../../Session.js"
import { concat } from "../wire/text/bytes.js"
import { assert, failsWith, sameBytes, textOf } from "./assert.js"
import { type Contract, imageId } from "./contractCase.js"

/** A context that no other test uses, removed at the end. */
const ownContext = Effect.gen(function*() {
  const contexts = yield* Contexts.make
  const name = `contract-${Math.random().toString(36).slice(2)}`
  const context = yield* Effect.acquireRelease(
    contexts.getOrCreate(name),
    ({ id }) => Effect.ignore(contexts.remove(id))
  )
  return { contexts, context, name }
})

const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index * 7 % 256)

const management: Contract = (test) => {
  test("a context is created once, found, renamed, listed and removed", () =>
    Effect.gen(function*() {
      const { context, contexts, name } = yield* ownContext
      assert.deepStrictEqual((yield* contexts.getOrCreate(name)).id, context.id)
      assert.deepStrictEqual((yield* contexts.get({ name })).id, context.id)
      assert.deepStrictEqual(Option.getOrUndefined((yield* contexts.get(context)).name), name)
      yield* contexts.rename(context, `${name}-later`)
      const listed = yield* Stream.runCollect(contexts.list)
      const found = Chunk.toReadonlyArray(listed).filter(({ id }) => id === context.id)
      assert.deepStrictEqual(found.map(({ name }) => Option.getOrUndefined(name)), [`${name}-later`])
      yield* contexts.remove(context)
      yield* contexts.remove(context)
      yield* failsWith(contexts.get(context), "RequestRejectedError")
      yield* failsWith(contexts.read(context, "/a"), "RequestRejectedError")
    }))
}

const content: Contract = (test) => {
  test("bytes, text and streams come back as they were written", () =>
    Effect.gen(function*() {
      const { context, contexts } = yield* ownContext
      yield* contexts.write(context, "/dir/naïve 🎈?#%&+.txt", "naïve 🎈\r\n")
      yield* contexts.write(context, "/dir/bytes", bytes)
      yield* contexts.write(context, "/dir/empty", new Uint8Array())
      const pieces = Stream.range(0, 9).pipe(Stream.map((n) => bytes.subarray(n * 30_000, (n + 1) * 30_000)))
      yield* contexts.write(context, "/stream", pieces)
      yield* contexts.write(context, "/sized", pieces, { size: bytes.length })
      const text = yield* contexts.read(context, "/dir/naïve 🎈?#%&+.txt")
      assert.strictEqual(new TextDecoder().decode(text), "naïve 🎈\r\n")
      for (const path of ["/dir/bytes", "/stream", "/sized"]) {
        assert.isTrue(sameBytes(yield* contexts.read(context, path), bytes), path)
      }
      assert.strictEqual((yield* contexts.read(context, "/dir/empty")).length, 0)
      const streamed = yield* Stream.runCollect(contexts.readStream(context, "/stream"))
      assert.isTrue(sameBytes(concat([...streamed]), bytes))
      yield* contexts.write(context, "/stream", "shorter")
      assert.strictEqual(textOf(yield* contexts.read(context, "/stream")), "shorter")
    }))

  test("files are listed by folder, page by page, and removed", () =>
    Effect.gen(function*() {
      const { context, contexts } = yield* ownContext
      const names = Array.from({ length: 103 }, (_, index) => `f${String(index).padStart(3, "0")}`)
      yield* Effect.forEach(names, (name) => contexts.write(context, `/many/${name}`, name), { concurrency: 8 })
      yield* contexts.write(context, "/top", "12345")
      const entries = (folder?: string) =>
        Effect.map(Stream.runCollect(contexts.files(context, { folder })), (chunk) => [...chunk])
      assert.deepStrictEqual((yield* entries("/many")).map(({ name }) => name).sort(), names)
      const root = (yield* entries()).map(({ isFolder, path }) => [path, isFolder] as const)
      assert.deepStrictEqual([...root].sort(), [["/many", true], ["/top", false]])
      assert.deepStrictEqual(
        Option.getOrUndefined((yield* entries()).find(({ name }) => name === "top")?.size ?? Option.none()),
        5
      )
      yield* contexts.removeFile(context, "/top")
      yield* contexts.removeFile(context, "/top")
      yield* failsWith(contexts.read(context, "/top"), "FileNotFoundError")
      yield* contexts.clear(context)
      assert.deepStrictEqual(yield* entries(), [])
    }))

  test("what is missing or too large says so, and a stream that fails leaves the file as it was", () =>
    Effect.gen(function*() {
      const { context, contexts } = yield* ownContext
      const error = yield* failsWith(contexts.read(context, "/nothing"), "FileNotFoundError")
      assert.strictEqual(error.path, "/nothing")
      yield* failsWith(Stream.runDrain(contexts.readStream(context, "/nothing")), "FileNotFoundError")
      yield* contexts.write(context, "/file", bytes)
      const large = yield* failsWith(contexts.read(context, "/file", { maxBytes: 299_999 }), "LimitExceededError")
      assert.strictEqual(large.limit, 299_999)
      assert.strictEqual((yield* contexts.read(context, "/file", { maxBytes: 300_000 })).length, 300_000)
      const broken = Stream.concat(Stream.make(new Uint8Array(10)), Stream.fail({ _tag: "Mine" as const }))
      yield* failsWith(contexts.write(context, "/file", broken), "Mine")
      assert.strictEqual((yield* contexts.read(context, "/file")).length, 300_000)
    }))

  test("a context is a KeyValueStore of any keys", () =>
    Effect.gen(function*() {
      const { contexts, name } = yield* ownContext
      yield* Effect.gen(function*() {
        const store = yield* KeyValueStore.KeyValueStore
        assert.isUndefined(Option.getOrUndefined(yield* store.get("a")))
        for (const key of ["a", "", ".", "..", "x/y\0z", "naïve 🎈 %2F?"]) yield* store.set(key, `of ${key}`)
        yield* store.set("bytes", bytes)
        assert.strictEqual(yield* store.size, 7)
        for (const key of ["", ".", "..", "x/y\0z", "naïve 🎈 %2F?"]) {
          assert.deepStrictEqual(Option.getOrUndefined(yield* store.get(key)), `of ${key}`)
        }
        const read = Option.getOrThrow(yield* store.getUint8Array("bytes"))
        assert.isTrue(sameBytes(read, bytes))
        assert.deepStrictEqual(Option.getOrUndefined(yield* store.modify("a", (text) => `${text}!`)), "of a!")
        yield* store.remove("a")
        assert.isFalse(yield* store.has("a"))
        assert.strictEqual((yield* Effect.flip(store.set("\ud83c", "x")))._tag, "BadArgument")
        yield* store.clear
        assert.isTrue(yield* store.isEmpty)
      }).pipe(
        Effect.provide(ContextStore.layer(name)),
        Effect.provideService(Contexts.Contexts, contexts)
      )
    }))
}

const inSessions: Contract = (test) => {
  const path = "/tmp/mapped"

  test("a session finds its contexts, saves them at its end, and on demand", () =>
    Effect.gen(function*() {
      const { context, contexts } = yield* ownContext
      yield* contexts.write(context, `${path}/before`, "left before")
      const params = { imageId, contexts: [{ context, path }] }
      yield* Session.use(params, (session) =>
        Effect.gen(function*() {
          assert.strictEqual(yield* session.fileSystem.readFile(`${path}/before`), "left before")
          const [arrived] = yield* session.contexts.info
          assert.include(arrived, { contextId: context.id, path, mode: "download", status: "Success" })
          for (const round of ["1", "2"]) {
            yield* session.fileSystem.writeFile(`${path}/on demand`, round)
            const synced = yield* session.contexts.sync()
            assert.deepStrictEqual(synced.map(({ mode, status }) => [mode, status]), [["upload", "Success"]])
            assert.strictEqual(textOf(yield* contexts.read(context, `${path}/on demand`)), round)
          }
          yield* session.contexts.sync({ context, path, mode: "download" })
          yield* session.fileSystem.writeFile(`${path}/at the end`, "saved at the end")
        }))
      const saved = yield* contexts.read(context, `${path}/at the end`)
      assert.strictEqual(textOf(saved), "saved at the end")
    }))

  test("a session without contexts has nothing to sync, and a delete with sync deletes it", () =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const session = yield* agb.create({ imageId })
      assert.deepStrictEqual(yield* session.contexts.info, [])
      yield* agb.delete(session.sessionId, { sync: true })
      yield* failsWith(agb.attach(session.sessionId), "SessionLostError")
    }))

  test("a delete with sync saves what the policy would not have saved", () =>
    Effect.gen(function*() {
      const { context, contexts } = yield* ownContext
      const agb = yield* Agb.Agb
      const policy = { uploadPolicy: { autoUpload: false } }
      const session = yield* agb.create({ imageId, contexts: [{ context: context.id, path, policy }] })
      yield* session.fileSystem.createDirectory(path)
      yield* session.fileSystem.writeFile(`${path}/kept`, "kept")
      yield* agb.delete(session.sessionId, { sync: true })
      assert.strictEqual(textOf(yield* contexts.read(context, `${path}/kept`)), "kept")
      yield* failsWith(agb.attach(session.sessionId), "SessionLostError")
    }))

  test("a session is not deleted if its context cannot be saved, unless told to", () =>
    Effect.gen(function*() {
      const { context, contexts } = yield* ownContext
      const agb = yield* Agb.Agb
      const session = yield* agb.create({ imageId, contexts: [{ context, path }] })
      yield* contexts.remove(context)
      const error = yield* failsWith(agb.delete(session.sessionId, { sync: true }), "ContextError")
      assert.include(error, { reason: "Failed", contextId: context.id, path })
      assert.strictEqual(yield* session.status, "RUNNING")
      yield* agb.delete(session.sessionId, { sync: true, deleteUnsaved: true })
      yield* failsWith(agb.attach(session.sessionId), "SessionLostError")
    }))
}

export const contexts: Contract = (test, backend) => {
  for (const part of [management, content, inSessions]) part(test, backend)
}
