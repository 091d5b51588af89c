/** Files and directories between this machine and the backend in memory. */
import { Session, Transfer } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { FileSystem } from "@effect/platform"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { failsWith } from "../support/failsWith.js"

const imageId = "agb-code-space-1"

const large = Uint8Array.from({ length: 3_000_000 }, (_, index) => index * 7 % 256)

for (const apiOnly of [false, true]) {
  it.scoped(`a directory goes there and back, ${apiOnly ? "over the tools" : "over the route for bytes"}`, () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const here = yield* fs.makeTempDirectoryScoped()
      yield* fs.makeDirectory(`${here}/from/deep`, { recursive: true })
      yield* fs.writeFileString(`${here}/from/it's.txt`, "text")
      yield* fs.writeFile(`${here}/from/deep/large`, large)
      yield* fs.chmod(`${here}/from/deep/large`, 0o750)
      const session = yield* Session.make({ imageId })
      const moved = <E, R>(transfer: Stream.Stream<unknown, E, R>) =>
        Effect.provideService(Stream.runDrain(transfer), Session.Session, session)
      yield* moved(Transfer.upload(`${here}/from`, "/tmp/there"))
      yield* moved(Transfer.upload(`${here}/from/deep/large`, "/tmp/there/deep/large"))
      yield* session.fileSystem.copy("/tmp/there/deep/large", "/tmp/there/copy")
      yield* moved(Transfer.download("/tmp/there", `${here}/to`))
      assert.strictEqual(yield* fs.readFileString(`${here}/to/it's.txt`), "text")
      assert.strictEqual((yield* fs.stat(`${here}/to/deep/large`)).mode & 0o777, 0o750)
      for (const name of ["deep/large", "copy"]) {
        assert.isTrue(Buffer.from(large).equals(yield* fs.readFile(`${here}/to/${name}`)), name)
      }
      const [seen] = yield* Effect.flatMap(AgbTest.AgbTest, ({ sessions }) => sessions)
      assert.deepStrictEqual(seen?.files.paths().map((path) => path.replace(/-[\w-]{36}$/, "")), [
        "/tmp/there/copy",
        "/tmp/there/deep/large",
        "/tmp/there/it's.txt"
      ])
      yield* session.fileSystem.writeFile("/tmp/there/copy", Uint8Array.of(1), { mode: "append" })
      assert.strictEqual((yield* session.fileSystem.getFileInfo("/tmp/there/copy")).size, large.length + 1)
      yield* failsWith(session.fileSystem.writeFile("/tmp/there/copy", large, { mode: "create_new" }), "FileError")
      yield* failsWith(session.fileSystem.remove("/tmp/none", { recursive: true }), "FileNotFoundError")
    }).pipe(Effect.provide(Layer.merge(AgbTest.layer({ apiOnly }), NodeFileSystem.layer))))
}
