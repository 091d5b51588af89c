/** The platform's `FileSystem` and `Path` over a session: what Effect's own tests ask of them on Node, and more. */
import { Session } from "@effect-agb/core"
import { type Error, FileSystem, Path } from "@effect/platform"
import { assert, layer } from "@effect/vitest"
import { Chunk, Effect, FastCheck, Option, Stream } from "effect"
import { backends, withoutIsolation } from "../support/sessionPlatform.js"

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0

/** Not of a period that a wrong offset would hit. */
const someBytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) % 251)

/** The reason of a failure, or its tag. */
const reasonOf = <A, R>(effect: Effect.Effect<A, Error.PlatformError, R>) =>
  Effect.match(effect, {
    onSuccess: () => "no failure",
    onFailure: (error) => error._tag === "SystemError" ? error.reason : error._tag
  })

const textsOf = (file: FileSystem.File, ...sizes: ReadonlyArray<number>) =>
  Effect.forEach(sizes, (size) => Effect.map(file.readAlloc(size), Option.match({ onNone: () => "", onSome: textOf })))

/** Each test has a directory of its own. */
const inDirectory = <A, E, R>(
  body: (fs: FileSystem.FileSystem, at: (name: string) => string) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.makeTempDirectoryScoped({ prefix: "a 'b'\n" })
    return yield* body(fs, (name) => `${directory}/${name}`)
  })

layer(withoutIsolation, { excludeTestServices: true })("without isolation", (it) => {
  it.scoped("files that commands can read are read, whatever the tools for files reach", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = "/usr/bin/env"
      const { size } = yield* fs.stat(path)
      const bytes = yield* fs.readFile(path)
      assert.strictEqual(BigInt(bytes.length), size)
      const read = (options: FileSystem.StreamOptions) =>
        Effect.map(Stream.runCollect(fs.stream(path, options)), (chunks) => Buffer.concat([...chunks]))
      assert.isTrue(isSame(yield* read({}), bytes))
      assert.isTrue(isSame(yield* read({ offset: 7, bytesToRead: 1000 }), bytes.subarray(7, 1007)))
      assert.strictEqual(yield* reasonOf(fs.readFile("/usr/bin/none-of-it")), "NotFound")
      const none = yield* Effect.flip(fs.writeFileString("a\0b", ""))
      assert.match(none.message, /a path must be without NUL/)
    }))
})

for (const { layer: platform, name } of backends) {
  layer(platform, { excludeTestServices: true })(name, (it) => {
    it.scoped("temporary files and directories end with the scope, and only there", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          const kept = yield* Effect.scoped(fs.makeTempDirectory({ directory: at(".") }))
          const [scoped, file] = yield* Effect.scoped(Effect.gen(function*() {
            const paths = [
              yield* fs.makeTempDirectoryScoped({ directory: kept, prefix: "pre" }),
              yield* fs.makeTempFileScoped({ directory: kept, suffix: ".txt" })
            ] as const
            assert.match(paths[0], /\/pre[^/]+$/)
            assert.match(paths[1], /\.txt$/)
            assert.deepStrictEqual(
              yield* Effect.forEach(
                paths,
                (path) => Effect.map(fs.stat(path), ({ mode, type }) => [type, mode & 0o77])
              ),
              [["Directory", 0], ["File", 0o44]]
            )
            return paths
          }))
          assert.strictEqual((yield* fs.stat(kept)).type, "Directory")
          assert.strictEqual(yield* reasonOf(fs.stat(scoped)), "NotFound")
          assert.strictEqual(yield* reasonOf(fs.stat(file)), "NotFound")
          assert.deepStrictEqual(yield* fs.readDirectory(kept), [])
          assert.strictEqual(yield* reasonOf(fs.makeTempFile({ directory: at("missing") })), "NotFound")
        })
      ))

    it.scoped("an open file has a position", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          const path = at("text")
          yield* fs.writeFileString(path, "lorem ipsum dolar sit amet")
          const read = yield* fs.open(path)
          assert.deepStrictEqual(yield* textsOf(read, 5), ["lorem"])
          yield* read.seek(7, "current")
          assert.deepStrictEqual(yield* textsOf(read, 5), ["dolar"])
          yield* read.seek(1, "current")
          assert.deepStrictEqual(yield* textsOf(read, 8, 1), ["sit amet", ""])
          yield* read.seek(0, "start")
          const buffer = new Uint8Array(11)
          assert.strictEqual(yield* read.read(buffer), FileSystem.Size(11))
          assert.strictEqual(textOf(buffer), "lorem ipsum")
          yield* read.seek(-100, "current")
          assert.strictEqual(yield* reasonOf(read.readAlloc(1)), "Unknown")

          const file = yield* fs.open(path, { flag: "w+" })
          yield* file.write(bytesOf("lorem ipsum"))
          yield* file.write(bytesOf(" dolor sit amet"))
          yield* file.seek(-4, "current")
          assert.strictEqual(yield* file.write(bytesOf("hello world")), FileSystem.Size(11))
          yield* file.seek(6, "start")
          yield* file.writeAll(bytesOf("blabl"))
          assert.strictEqual(yield* fs.readFileString(path), "lorem blabl dolor sit hello world")
          yield* file.truncate(15)
          assert.strictEqual((yield* file.seek(0, "current")) as unknown, 11n)
          yield* file.truncate(3)
          assert.strictEqual((yield* file.seek(0, "current")) as unknown, 3n)
          yield* file.sync
          yield* file.seek(5, "start")
          yield* file.writeAll(bytesOf("!"))
          assert.strictEqual(yield* fs.readFileString(path), "lor\0\0!")
          assert.strictEqual((yield* file.stat).size, FileSystem.Size(6))
          assert.strictEqual(yield* reasonOf(file.truncate(NaN)), "BadArgument")
          assert.strictEqual(yield* reasonOf(fs.truncate(path, 1.5)), "BadArgument")
          assert.strictEqual(yield* reasonOf(file.truncate(-1)), "no failure")
          assert.strictEqual((yield* file.seek(0, "current")) as unknown, 0n)
        })
      ))

    it.scoped("append mode reads at its position and writes at the end", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          const file = yield* fs.open(at("log"), { flag: "a+" })
          yield* file.write(bytesOf("foo"))
          yield* file.seek(0, "start")
          yield* file.write(bytesOf("bar"))
          assert.deepStrictEqual(yield* textsOf(file, 3), ["foo"])
          yield* file.write(bytesOf("baz"))
          assert.deepStrictEqual(yield* textsOf(file, 6), ["barbaz"])
          yield* file.truncate(4)
          yield* file.write(bytesOf("x"))
          assert.strictEqual(yield* fs.readFileString(at("log")), "foobx")
        })
      ))

    it.scoped("flags decide what is created, emptied, refused", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          const path = at("file")
          for (const flag of ["r", "r+"] as const) {
            assert.strictEqual(yield* reasonOf(fs.open(path, { flag })), "NotFound")
          }
          yield* fs.writeFileString(path, "one", { flag: "wx", mode: 0o640 })
          assert.strictEqual((yield* fs.stat(path)).mode & 0o777, 0o640)
          for (const flag of ["wx", "wx+", "ax", "ax+"] as const) {
            assert.strictEqual(yield* reasonOf(fs.open(path, { flag })), "AlreadyExists")
          }
          yield* fs.writeFileString(path, "two", { flag: "a" })
          yield* fs.writeFileString(path, "O", { flag: "r+" })
          assert.strictEqual(yield* fs.readFileString(path), "Onetwo")
          yield* fs.writeFileString(path, "short")
          assert.strictEqual(yield* fs.readFileString(path), "short")
          assert.strictEqual((yield* fs.stat(path)).mode & 0o777, 0o640)
          assert.strictEqual(yield* reasonOf(fs.writeFileString(path, "x", { flag: "r" })), "Unknown")
          const reader = yield* fs.open(path)
          const writer = yield* fs.open(path, { flag: "a" })
          assert.strictEqual(yield* reasonOf(reader.write(bytesOf("x"))), "Unknown")
          assert.strictEqual(yield* reasonOf(writer.readAlloc(1)), "Unknown")
          for (const flag of ["w", "a", "r+"] as const) {
            assert.strictEqual(yield* reasonOf(fs.open(at("."), { flag })), "BadResource")
          }
          assert.strictEqual(yield* reasonOf(fs.open(at("."), { flag: "wx" })), "AlreadyExists")
          assert.strictEqual(yield* reasonOf(fs.open(path, { flag: "x" as "r" })), "BadArgument")
          assert.strictEqual(yield* reasonOf(fs.writeFileString(path, "", { flag: "rw" as "r" })), "BadArgument")
          const closed = yield* Effect.scoped(fs.open(path))
          assert.strictEqual(yield* reasonOf(closed.readAlloc(1)), "Unknown")
        })
      ))

    it.scoped("an open file is not mistaken for the one that takes its place", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          yield* fs.writeFileString(at("a"), "first")
          yield* fs.writeFileString(at("b"), "other")
          const file = yield* fs.open(at("a"), { flag: "r+" })
          yield* fs.rename(at("b"), at("a"))
          assert.strictEqual(yield* reasonOf(file.readAlloc(1)), "BadResource")
          assert.strictEqual(yield* reasonOf(file.writeAll(bytesOf("lost"))), "BadResource")
          assert.strictEqual(yield* fs.readFileString(at("a")), "other")
        })
      ))

    it.scoped("large contents go in and out whole, at any position", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          const all = someBytes(600_001)
          yield* fs.writeFile(at("large"), all)
          assert.isTrue(isSame(yield* fs.readFile(at("large")), all))
          const file = yield* fs.open(at("large"), { flag: "r+" })
          yield* file.seek(1000, "start")
          yield* file.writeAll(all.subarray(0, 100_003))
          yield* file.seek(999, "start")
          const found = Option.getOrThrow(yield* file.readAlloc(598_000))
          const wanted = Uint8Array.from(all)
          wanted.set(all.subarray(0, 100_003), 1000)
          assert.isTrue(isSame(found, wanted.subarray(999, 598_999)))
          const { fileSystem } = yield* Session.Session
          const left = yield* fileSystem.listDirectory("/tmp")
          assert.deepStrictEqual(left.filter(({ name }) => /^\.agb-(part|list)/.test(name)), [])
        })
      ))

    it.scoped("streams have ranges and sizes of chunks, sinks write as they go", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          yield* fs.writeFileString(at("text"), "lorem ipsum dolar sit amet")
          const range = fs.stream(at("text"), { offset: 6, bytesToRead: 5 })
          assert.strictEqual(yield* Stream.mkString(Stream.decodeText(range)), "ipsum")
          const chunks = yield* Stream.runCollect(fs.stream(at("text"), { chunkSize: 10 }))
          assert.deepStrictEqual(Chunk.toArray(chunks).map(textOf), ["lorem ipsu", "m dolar si", "t amet"])
          for (const chunkSize of [0, 2.5]) {
            assert.strictEqual(yield* reasonOf(Stream.runDrain(fs.stream(at("text"), { chunkSize }))), "BadArgument")
          }
          yield* Stream.run(Stream.make(bytesOf("ab"), bytesOf("cd")), fs.sink(at("sunk")))
          yield* Stream.run(Stream.make(bytesOf("ef")), fs.sink(at("sunk"), { flag: "a" }))
          assert.strictEqual(yield* fs.readFileString(at("sunk")), "abcdef")
          const broken = Stream.concat(Stream.make(bytesOf("half")), Stream.fail("broken"))
          assert.strictEqual(yield* Effect.flip(Stream.run(broken, fs.sink(at("sunk")))), "broken")
          assert.strictEqual(yield* fs.readFileString(at("sunk")), "half")
          assert.strictEqual(yield* reasonOf(Stream.runDrain(fs.stream(at("missing")))), "NotFound")
          const status = "/proc/self/status"
          assert.match(yield* fs.readFileString(status), /^Name:/)
          assert.match(yield* Stream.mkString(Stream.decodeText(fs.stream(status))), /^Name:/)
          assert.strictEqual((yield* fs.readFile("/dev/null").pipe(Effect.orElseSucceed(() => ""))).length, 0)
        })
      ))

    it.scoped("links, modes and times are what they were made", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          yield* fs.writeFileString(at("file"), "content")
          yield* fs.symlink("file", at("link"))
          yield* fs.link(at("file"), at("hard"))
          assert.strictEqual(yield* fs.readLink(at("link")), "file")
          assert.strictEqual(yield* fs.realPath(at("link")), yield* fs.realPath(at("file")))
          yield* fs.chmod(at("link"), 0o4751)
          const [atime, mtime] = [new Date(1_234_567), 1_577_836_800.25]
          yield* fs.utimes(at("file"), atime, mtime)
          yield* fs.chown(at("file"), -1, -1)
          yield* fs.writeFileString(at("hard"), "changed")
          const info = yield* fs.stat(at("link"))
          assert.deepInclude(info, { type: "File", size: FileSystem.Size(7), nlink: Option.some(2) })
          assert.strictEqual(info.mode, 0o104751 & ~0o4000 | info.mode & 0o4000)
          assert.strictEqual(Option.getOrThrow(info.atime).getTime(), atime.getTime())
          yield* fs.utimes(at("file"), atime, mtime)
          const again = yield* fs.stat(at("hard"))
          assert.strictEqual(Option.getOrThrow(again.mtime).getTime(), mtime * 1000)
          assert.strictEqual(Option.getOrThrow(again.ino), Option.getOrThrow(info.ino))
          assert.strictEqual(yield* fs.readFileString(at("file")), "changed")
          assert.strictEqual((yield* fs.stat("/dev/null")).type, "CharacterDevice")
          assert.deepStrictEqual((yield* fs.stat("/dev/null")).rdev, Option.some(259))

          yield* fs.symlink("nowhere", at("dangling"))
          assert.isFalse(yield* fs.exists(at("dangling")))
          assert.strictEqual(yield* reasonOf(fs.symlink("x", at("dangling"))), "AlreadyExists")
          assert.strictEqual(yield* reasonOf(fs.link(at("file"), at("link"))), "AlreadyExists")
          assert.strictEqual(yield* reasonOf(fs.readLink(at("file"))), "Unknown")
          assert.strictEqual(yield* reasonOf(fs.chmod(at("file"), 1.5)), "BadArgument")
          assert.strictEqual(yield* reasonOf(fs.utimes(at("file"), NaN, 0)), "BadArgument")
          assert.match((yield* Effect.flip(fs.link(at("."), at("directory")))).message, /EPERM/)
          yield* fs.symlink("loop", at("loop"))
          assert.strictEqual(yield* reasonOf(fs.stat(at("loop"))), "BadResource")
          assert.strictEqual(yield* reasonOf(fs.readFile(at("loop"))), "BadResource")
          assert.match((yield* Effect.flip(fs.readFile(at("x".repeat(300))))).message, /ENAMETOOLONG/)
        })
      ))

    it.scoped("directories are made, listed and removed", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          assert.strictEqual(yield* reasonOf(fs.makeDirectory(at("a/b"))), "NotFound")
          yield* fs.makeDirectory(at("a/b"), { recursive: true, mode: 0o750 })
          assert.strictEqual((yield* fs.stat(at("a/b"))).mode, 0o040750)
          assert.strictEqual(yield* reasonOf(fs.makeDirectory(at("a"))), "AlreadyExists")
          yield* fs.makeDirectory(at("a"), { recursive: true })
          yield* fs.writeFileString(at("a/b/ file"), "")
          yield* fs.writeFileString(at("a/.hidden"), "")
          assert.deepStrictEqual([...yield* fs.readDirectory(at("a"))].sort(), [".hidden", "b"])
          assert.deepStrictEqual([...yield* fs.readDirectory(at("a"), { recursive: true })].sort(), [
            ".hidden",
            "b",
            "b/ file"
          ])
          assert.strictEqual(yield* reasonOf(fs.readDirectory(at("a/.hidden"))), "BadResource")
          assert.strictEqual(yield* reasonOf(fs.stat(at("a/.hidden/x"))), "BadResource")
          assert.strictEqual(yield* reasonOf(fs.readDirectory(at("none"))), "NotFound")
          assert.strictEqual(yield* reasonOf(fs.remove(at("a"))), "BadResource")
          assert.strictEqual(yield* reasonOf(fs.remove(at("none"))), "NotFound")
          yield* fs.remove(at("none"), { force: true })
          yield* fs.remove(at("a"), { recursive: true })
          assert.isFalse(yield* fs.exists(at("a")))
          assert.strictEqual(yield* reasonOf(fs.readFile("")), "NotFound")
          assert.strictEqual(yield* reasonOf(fs.readFile("/a\0b")), "BadArgument")
        })
      ))

    it.scoped("copies are merged and replace nothing unless they are told to", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          yield* fs.makeDirectory(at("from/deep"), { recursive: true })
          yield* fs.writeFileString(at("from/deep/file"), "new", { mode: 0o600 })
          yield* fs.symlink("deep/file", at("from/link"))
          yield* fs.utimes(at("from/deep/file"), 1, 2)
          yield* fs.copy(at("from"), at("x/y/to"), { preserveTimestamps: true })
          assert.strictEqual(Option.getOrThrow((yield* fs.stat(at("x/y/to/deep/file"))).mtime).getTime(), 2000)
          assert.strictEqual(yield* fs.readLink(at("x/y/to/link")), "deep/file")
          yield* fs.writeFileString(at("x/y/to/deep/file"), "kept")
          yield* fs.writeFileString(at("from/more"), "more")
          yield* fs.copy(at("from"), at("x/y/to"))
          assert.strictEqual(yield* fs.readFileString(at("x/y/to/deep/file")), "kept")
          assert.strictEqual(yield* fs.readFileString(at("x/y/to/more")), "more")
          yield* fs.copy(at("from"), at("x/y/to"), { overwrite: true })
          assert.strictEqual(yield* fs.readFileString(at("x/y/to/deep/file")), "new")
          assert.strictEqual(yield* reasonOf(fs.copy(at("from"), at("from/deep/inside"))), "Unknown")
          assert.strictEqual(yield* reasonOf(fs.copy(at("none"), at("to"))), "NotFound")

          yield* fs.writeFileString(at("plain"), "plain", { mode: 0o600 })
          yield* fs.copy(at("plain"), at("from/more"))
          assert.strictEqual(yield* fs.readFileString(at("from/more")), "more")
          yield* fs.copyFile(at("plain"), at("from/more"))
          assert.strictEqual(yield* fs.readFileString(at("from/more")), "plain")
          assert.strictEqual((yield* fs.stat(at("from/more"))).mode & 0o777, 0o600)
          yield* fs.symlink("target", at("dangling"))
          assert.strictEqual(yield* reasonOf(fs.copyFile(at("plain"), at("dangling"))), "no failure")
          assert.strictEqual(yield* fs.readFileString(at("target")), "plain")
          assert.strictEqual(yield* reasonOf(fs.copyFile(at("plain"), at("from"))), "BadResource")
          assert.strictEqual(yield* reasonOf(fs.copyFile(at("plain"), at("none/x"))), "NotFound")
        })
      ))

    it.scoped("a rename is that of the system: it replaces, and moves nothing into a directory", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          yield* fs.makeDirectory(at("full"))
          yield* fs.makeDirectory(at("empty"))
          yield* fs.writeFileString(at("full/file"), "1")
          yield* fs.writeFileString(at("file"), "2")
          yield* fs.symlink("full", at("link"))
          assert.strictEqual(yield* reasonOf(fs.rename(at("file"), at("full"))), "BadResource")
          assert.strictEqual(yield* reasonOf(fs.rename(at("full"), at("file"))), "BadResource")
          assert.match((yield* Effect.flip(fs.rename(at("empty"), at("full")))).message, /ENOTEMPTY/)
          assert.match((yield* Effect.flip(fs.rename(at("full"), at("full/new")))).message, /EINVAL/)
          assert.strictEqual(yield* reasonOf(fs.rename(at("full"), at("none/full"))), "NotFound")
          yield* fs.rename(at("full"), at("empty"))
          yield* fs.rename(at("file"), at("empty/file"))
          yield* fs.rename(at("empty/file"), at("link"))
          assert.strictEqual(yield* fs.readFileString(at("link")), "2")
          assert.deepStrictEqual([...yield* fs.readDirectory(at("."), { recursive: true })].sort(), ["empty", "link"])
          assert.strictEqual(yield* reasonOf(fs.rename(at("none"), at("x"))), "NotFound")
        })
      ))

    it.scoped("permissions are asked for, and refused", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          yield* fs.writeFileString(at("file"), "x", { mode: 0o400 })
          yield* fs.access(at("file"), { readable: true })
          assert.strictEqual(yield* reasonOf(fs.access(at("none"))), "NotFound")
          const { uid } = yield* fs.stat(at("file"))
          if (Option.getOrThrow(uid) === 0) return
          assert.strictEqual(yield* reasonOf(fs.access(at("file"), { writable: true })), "PermissionDenied")
          assert.strictEqual(yield* reasonOf(fs.writeFileString(at("file"), "y")), "PermissionDenied")
          assert.strictEqual(yield* reasonOf(fs.truncate(at("file"))), "PermissionDenied")
          yield* fs.chmod(at("file"), 0)
          assert.strictEqual(yield* reasonOf(fs.readFile(at("file"))), "PermissionDenied")
        })
      ))

    it.scoped("names are literal, whatever they contain", () =>
      inDirectory((fs, at) => {
        const name = FastCheck.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).map((text) =>
          text.replace(/[\0/]/g, "-")
        ).filter((name) => name !== "." && name !== "..")
        const [names = []] = FastCheck.sample(FastCheck.uniqueArray(name, { minLength: 6, maxLength: 6 }), 1)
        const all = ["-rf", "*", "$(touch x)", "a\nb", " is a directory", "No such file or directory", ...names]
        const isDistinct = new Set(all).size === all.length
        return Effect.gen(function*() {
          assert.isTrue(isDistinct)
          yield* Effect.forEach(all, (name) => fs.writeFileString(at(name), name))
          assert.sameMembers([...yield* fs.readDirectory(at("."))], all)
          assert.deepStrictEqual(yield* Effect.forEach(all, (name) => fs.readFileString(at(name))), all)
          yield* Effect.forEach(all, (name) => fs.remove(at(name)))
          assert.deepStrictEqual(
            yield* Effect.forEach(all.slice(4, 6), (name) => reasonOf(fs.access(at(name)))),
            ["NotFound", "NotFound"]
          )
        })
      }))

    it.scoped("relative paths begin where the session works", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        const { command } = yield* Session.Session
        const { stdout } = yield* command.executeCommand("pwd -P")
        const here = yield* fs.exists(path.resolve()).pipe(
          Effect.flatMap((is) => is ? fs.realPath(path.resolve()) : Effect.succeed("nowhere"))
        )
        assert.strictEqual(here, stdout.trimEnd())
        assert.strictEqual(yield* fs.realPath("."), stdout.trimEnd())
        const name = `relative-${crypto.randomUUID()}`
        yield* fs.writeFileString(name, "here")
        assert.strictEqual(yield* fs.readFileString(path.resolve(name)), "here")
        assert.strictEqual(path.relative(name, path.resolve("a", "..", "b")), "../b")
        assert.strictEqual((yield* path.toFileUrl(name)).pathname, path.resolve(name))
        yield* fs.remove(name)
      }))

    it.scoped("a watcher sees every change, beside other watchers", () =>
      inDirectory((fs, at) =>
        Effect.gen(function*() {
          yield* fs.makeDirectory(at("sub"))
          const watchers = [fs.watch(at(".")), fs.watch(at(".")), fs.watch(at("."), { recursive: true })]
          const seen: Array<Array<string>> = watchers.map(() => [])
          const fibers = yield* Effect.forEach(watchers, (watcher, index) =>
            Effect.forkScoped(
              Stream.runForEach(watcher, ({ _tag, path }) =>
                Effect.sync(() => {
                  seen[index]?.push(`${_tag} ${path}`)
                }))
            ))
          // Writes again until all watch: a watcher reports what happens after its first look.
          const step = (wanted: string, work: Effect.Effect<void, Error.PlatformError>, who = [0, 1, 2]) =>
            Effect.repeat(Effect.delay(work, "100 millis"), {
              until: () => who.every((index) => seen[index]?.includes(wanted) === true)
            })
          let count = 0
          const grow = (name: string) => Effect.suspend(() => fs.writeFileString(at(name), "x".repeat(++count)))
          yield* step("Update file", grow("file"))
          yield* step("Update sub/file", grow("sub/file"), [2])
          yield* step("Remove file", fs.remove(at("file"), { force: true }))
          for (const one of seen.slice(0, 2)) assert.notInclude(one.join(), "sub")
          for (const one of seen) assert.lengthOf(one.filter((event) => event === "Remove file"), 1)
          for (const fiber of fibers) assert.isNull(fiber.unsafePoll())
          assert.strictEqual(yield* reasonOf(Stream.runDrain(fs.watch(at("none")))), "NotFound")
        })
      ))
  })
}
