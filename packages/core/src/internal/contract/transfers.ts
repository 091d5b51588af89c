/** What moving files and directories between this machine and a session does. */
import type * as PlatformError from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Session from "../../Session.js"
import * as Transfer from "../../Transfer.js"
import { assert, failsWith } from "./assert.js"
import { type Contract, imageId, patient } from "./contractCase.js"
import { makeTree, random, treeOf } from "./fileTrees.js"
import { commands } from "./programs.js"

/** A directory of this machine. What is in it may be closed to its owner. */
const localDirectory = Effect.flatMap(FileSystem.FileSystem, (files) => {
  const open = (path: string): Effect.Effect<void, PlatformError.PlatformError> =>
    Effect.gen(function*() {
      yield* files.chmod(path, 0o700)
      for (const name of yield* files.readDirectory(path)) {
        const inner = `${path}/${name}`
        const isLink = yield* Effect.isSuccess(files.readLink(inner))
        if (!isLink && (yield* files.stat(inner)).type === "Directory") yield* open(inner)
      }
    })
  return Effect.acquireRelease(
    files.makeTempDirectory({ prefix: "agb-transfer-" }),
    (path) => Effect.orDie(Effect.zipRight(open(path), files.remove(path, { recursive: true })))
  )
})

const setup = Effect.gen(function*() {
  const session = yield* Session.make({ imageId })
  const files = yield* FileSystem.FileSystem
  const home = (yield* session.command.executeCommand(commands.directory, patient)).stdout.trim()
  const local = yield* localDirectory
  const here = (name: string) => `${local}/${name}`
  const there = (name: string) => `${home}/${name}`
  const provided = (transfer: ReturnType<typeof Transfer.upload>) =>
    transfer.pipe(
      Stream.provideService(Session.Session, session),
      Stream.provideService(FileSystem.FileSystem, files)
    )
  const run = (transfer: ReturnType<typeof Transfer.upload>) =>
    Effect.map(Stream.runCollect(provided(transfer)), Chunk.toReadonlyArray)
  return {
    session,
    files,
    here,
    there,
    provided,
    upload: (from: string, to: string, options?: Transfer.TransferOptions) =>
      run(Transfer.upload(here(from), there(to), options)),
    download: (from: string, to: string, options?: Transfer.TransferOptions) =>
      run(Transfer.download(there(from), here(to), options))
  }
})

type LocalTest = (
  name: string,
  body: Effect.Effect<void, unknown, FileSystem.FileSystem | Effect.Effect.Context<typeof setup>>
) => void

const whole = (test: LocalTest, trees: number) => {
  test(
    "trees go there and back with every name, mode and byte",
    Effect.gen(function*() {
      const { download, files, here, session, there, upload } = yield* setup
      for (let seed = 1; seed <= trees; seed++) {
        yield* makeTree(files, here(`tree${seed}`), random(seed))
        const expected = yield* treeOf(files, here(`tree${seed}`))
        const last = (yield* upload(`tree${seed}`, `tree${seed}`)).at(-1)
        assert.deepStrictEqual([last?.files, last?.bytes, last?.skipped], [last?.totalFiles, last?.totalBytes, []])
        yield* download(`tree${seed}`, `back${seed}`)
        assert.deepStrictEqual(yield* treeOf(files, here(`back${seed}`)), expected)
        // What is the same is left alone, and can be moved again.
        yield* upload(`tree${seed}`, `tree${seed}`)
        yield* download(`tree${seed}`, `back${seed}`, { resume: false, verify: "checksum" })
        assert.deepStrictEqual(yield* treeOf(files, here(`back${seed}`)), expected)
        const tree = there(`tree${seed}`)
        yield* session.command.executeCommand(`chmod -R u+rwX ${tree} && rm -r ${tree}`, patient)
      }
    })
  )

  test(
    "links are left out and named",
    Effect.gen(function*() {
      const { download, files, here, session: { command }, upload } = yield* setup
      yield* files.makeDirectory(here("t"))
      yield* files.symlink("/etc/passwd", here("t/link"))
      yield* files.writeFileString(here("t/file"), "x")
      assert.deepStrictEqual((yield* upload("t", "t")).at(-1)?.skipped, ["link"])
      yield* command.executeCommand("ln -s /etc t/out; mkfifo t/pipe", patient)
      assert.deepStrictEqual([...(yield* download("t", "u")).at(-1)?.skipped ?? []].sort(), ["out", "pipe"])
      assert.deepStrictEqual(yield* files.readDirectory(here("u")), ["file"])
      // Nothing is left of a root that is left out.
      const pipe = yield* failsWith(download("t/pipe", "v"), "FileError")
      assert.strictEqual(pipe.detail, "it is neither a file nor a directory")
      yield* files.symlink("/dev/null", here("null"))
      assert.strictEqual((yield* failsWith(upload("null", "null"), "FileError")).path, here("null"))
    })
  )
}

const single = (test: LocalTest) => {
  test(
    "a file goes there and back, replaces another, and fails with its reason",
    Effect.gen(function*() {
      const { download, files, here, session: { fileSystem }, there, upload } = yield* setup
      yield* files.writeFileString(here("a"), "first")
      yield* upload("a", "a")
      yield* files.writeFileString(here("a"), "second")
      yield* files.chmod(here("a"), 0o750)
      yield* upload("a", "a", { verify: "checksum" })
      assert.strictEqual(yield* fileSystem.readFile(there("a")), "second")
      yield* download("a", "b", { verify: "checksum" })
      assert.strictEqual(yield* files.readFileString(here("b")), "second")
      assert.strictEqual((yield* files.stat(here("b"))).mode & 0o777, 0o750)
      yield* failsWith(download("none", "c"), "FileNotFoundError")
      assert.strictEqual((yield* Effect.flip(upload("none", "c")))._tag, "SystemError")
      yield* failsWith(upload("a", "no/such/directory"), "FileNotFoundError")
      assert.deepStrictEqual([...yield* files.readDirectory(here(""))].sort(), ["a", "b"])
      const listed = (yield* fileSystem.listDirectory(there(""))).map(({ name }) => name)
      assert.deepStrictEqual(listed, ["a"])
    })
  )

  test(
    "files there and back that are closed to their owner are compared",
    Effect.gen(function*() {
      const { files, here, session: { command }, there, upload } = yield* setup
      yield* files.writeFileString(here("closed"), "x")
      yield* files.chmod(here("closed"), 0o000)
      const moved = yield* Effect.either(upload("closed", "closed", { verify: "checksum" }))
      const readable = yield* command.executeCommand("test -r closed && echo yes || echo no", patient)
      if (moved._tag === "Right") assert.strictEqual(readable.stdout.trim(), "yes")
      else assert.include(moved.left, { _tag: "FileError", reason: "PermissionDenied", path: there("closed") })
    })
  )

  test(
    "a file that cannot be written to goes there and back, again after it changed",
    Effect.gen(function*() {
      const { download, files, here, session: { fileSystem }, there, upload } = yield* setup
      yield* files.makeDirectory(here("t"))
      for (const text of ["first", "second", ""]) {
        yield* files.remove(here("t/a"), { force: true })
        yield* files.writeFileString(here("t/a"), text)
        yield* files.chmod(here("t/a"), 0o444)
        const last = (yield* upload("t", "t", { verify: "checksum" })).at(-1)
        assert.deepStrictEqual([last?.files, last?.bytes], [1, text.length])
        assert.strictEqual(yield* fileSystem.readFile(there("t/a")), text)
        yield* download("t", "u")
        assert.strictEqual(yield* files.readFileString(here("u/a")), text)
      }
      assert.strictEqual((yield* fileSystem.listDirectory(there("t"))).length, 1)
    })
  )
}

const changing = (test: LocalTest) => {
  test(
    "a file that changes while it goes there and back is not moved",
    Effect.gen(function*() {
      const { files, here, provided, session, there } = yield* setup
      const during = (transfer: ReturnType<typeof Transfer.upload>, change: Effect.Effect<unknown, unknown>) =>
        Stream.runDrain(Stream.tap(provided(transfer), () => Effect.orDie(change)))
      // Reports are read while the transfer goes on, which waits for its reader after some of them.
      const bytes = new Uint8Array(40 * 1024 * 1024).fill(97)
      yield* files.writeFile(here("large"), bytes)
      const lost = during(Transfer.upload(here("large"), there("no/such")), Effect.void)
      const { detail, path } = yield* failsWith(lost, "FileNotFoundError")
      assert.isFalse(`${path} ${detail}`.includes(".agb-transfer"))
      const append = files.writeFileString(here("large"), "more", { flag: "a" })
      const up = yield* failsWith(during(Transfer.upload(here("large"), there("large")), append), "FileError")
      assert.include(up, { reason: "Changed", path: here("large") })
      assert.isFalse(yield* session.fileSystem.exists(there("large")))
      yield* files.writeFile(here("large"), bytes)
      yield* during(Transfer.upload(here("large"), there("large")), Effect.void)
      const appendThere = session.command.executeCommand("echo more >>large", patient)
      const down = during(Transfer.download(there("large"), here("back")), appendThere)
      assert.include(yield* failsWith(down, "FileError"), { reason: "Changed", path: there("large") })
      assert.isFalse(yield* files.exists(here("back")))
    })
  )
}

export const transfers: Contract = (test, { fileSystem, trees }) => {
  const localTest: LocalTest = (name, body) =>
    test(name, () =>
      fileSystem === undefined
        ? Effect.sync(() =>
          assert.fail("cases of transfers need a file system of this machine: see the options of `cases`")
        )
        : Effect.provide(body, fileSystem))
  whole(localTest, trees)
  single(localTest)
  changing(localTest)
}
