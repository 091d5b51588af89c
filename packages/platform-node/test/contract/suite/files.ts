/** What the file operations do. */
import { FileSystem, Session, ToolCall } from "@effect-agb/core"
import { assert } from "@effect/vitest"
import { Chunk, Effect, Option, Stream } from "effect"
import { failsWith } from "../../support/failsWith.js"
import { bytes, commands } from "../../support/programs.js"
import { type Backend, type Contract, imageId, patient } from "./backend.js"

/** The files of a new session, below the directory in which its commands run. */
const files = Effect.gen(function*() {
  const session = yield* Session.make({ imageId })
  const home = (yield* session.command.executeCommand(commands.directory, patient)).stdout.trim()
  return { session, fs: session.fileSystem, at: (name: string) => `${home}/${name}` }
})

/** One to four bytes a character, so that some are split by every cut. */
const alphabet = ["a", "é", "日", "🎈", "\n", "\r\n", "\u0001", "\t"]

const longText = (size: number): string => {
  let text = ""
  for (let index = 0; text.length < size; index += 1) text += alphabet[(index * 7 + index % 11) % alphabet.length]
  return text
}

const writing: Contract = (test) => {
  for (const size of [0, 1, 51_199, 51_200, 51_201, 200_000]) {
    test(`a text of about ${size} characters comes back as it was`, () =>
      Effect.gen(function*() {
        const { at, fs } = yield* files
        const text = longText(size)
        yield* fs.writeFile(at("long.txt"), text)
        assert.isTrue(text === (yield* fs.readFile(at("long.txt"))))
        const { isDirectory, size: stored } = yield* fs.getFileInfo(at("long.txt"))
        assert.deepStrictEqual([isDirectory, stored], [false, Buffer.byteLength(text)])
      }))
  }

  test("writing overwrites, appends or creates, as asked", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      yield* fs.writeFile(at("a.txt"), "one", { mode: "create_new" })
      yield* fs.writeFile(at("a.txt"), " two", { mode: "append" })
      assert.strictEqual(yield* fs.readFile(at("a.txt")), "one two")
      const error = yield* failsWith(fs.writeFile(at("a.txt"), "x", { mode: "create_new" }), "FileError")
      assert.deepStrictEqual([error.reason, error.path], ["AlreadyExists", at("a.txt")])
      yield* fs.writeFile(at("a.txt"), "three")
      assert.strictEqual(yield* fs.readFile(at("a.txt")), "three")
    }))

  test("unusual names are names", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      for (const name of ["-rf", "a:b", "naïve 🎈", "with space", "quote'\"", "$HOME", "*"]) {
        yield* fs.writeFile(at(name), name)
        assert.strictEqual(yield* fs.readFile(at(name)), name)
      }
    }))
}

const reading: Contract = (test) => {
  test("bytes are bytes, and are not taken for text", () =>
    Effect.gen(function*() {
      const { at, fs, session: { command } } = yield* files
      yield* command.executeCommand(commands.writesBytes, patient)
      assert.deepStrictEqual([...(yield* fs.readFileBytes(at("bytes")))], [...bytes])
      const chunks = yield* Stream.runCollect(fs.readFileStream(at("bytes")))
      assert.deepStrictEqual(Chunk.toArray(chunks).flatMap((chunk) => [...chunk]), [...bytes])
      const error = yield* failsWith(fs.readFile(at("bytes")), "FileError")
      assert.strictEqual(error.reason, "NotText")
    }))

  test("a missing file is FileNotFoundError, for everything that needs one", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      const path = at("missing")
      const errors = yield* Effect.all([
        failsWith(fs.readFile(path), "FileNotFoundError"),
        failsWith(fs.readFileBytes(path), "FileNotFoundError"),
        failsWith(Stream.runDrain(fs.readFileStream(path)), "FileNotFoundError"),
        failsWith(fs.getFileInfo(path), "FileNotFoundError"),
        failsWith(fs.listDirectory(path), "FileNotFoundError"),
        failsWith(fs.searchFiles(path, "*"), "FileNotFoundError"),
        failsWith(fs.editFile(path, [{ oldText: "a", newText: "b" }]), "FileNotFoundError"),
        failsWith(fs.moveFile(path, at("other")), "FileNotFoundError"),
        failsWith(fs.deleteFile(path), "FileNotFoundError"),
        failsWith(fs.getFileChange(path), "FileNotFoundError")
      ])
      assert.deepStrictEqual([...new Set(errors.map((error) => error.path))], [path])
    }))

  test("several files are read in one call", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      const contents = [[at("a.txt"), "alpha"], [at("b: c.txt"), "x: 1\n---\ny: 2"], [at("empty.txt"), ""]] as const
      yield* Effect.forEach(contents, ([path, text]) => fs.writeFile(path, text))
      const read = yield* fs.readMultipleFiles(contents.map(([path]) => path))
      assert.deepStrictEqual([...read], contents.map(([path, text]) => [path, text]))
    }))

  test("a file over the limit is refused", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      yield* fs.writeFile(at("a.txt"), "four")
      const error = yield* failsWith(fs.readFile(at("a.txt"), { maxBytes: 3 }), "LimitExceededError")
      assert.strictEqual(error.limit, 3)
      assert.strictEqual(yield* fs.readFile(at("a.txt"), { maxBytes: 4 }), "four")
    }))
}

const directories: Contract = (test) => {
  test("directories are created with their parents, listed, and are no files", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      yield* fs.createDirectory(at("d/e/f"))
      yield* fs.createDirectory(at("d/e/f"))
      yield* fs.writeFile(at("d/a.txt"), "a")
      const entries = [...(yield* fs.listDirectory(at("d")))].sort((a, b) => a.name < b.name ? -1 : 1)
      assert.deepStrictEqual(entries, [{ name: "a.txt", isDirectory: false }, { name: "e", isDirectory: true }])
      assert.deepStrictEqual(yield* fs.listDirectory(at("d/e/f")), [])
      assert.isTrue((yield* fs.getFileInfo(at("d/e"))).isDirectory)
      const reasons = yield* Effect.all([
        failsWith(fs.readFile(at("d")), "FileError"),
        failsWith(fs.deleteFile(at("d")), "FileError"),
        failsWith(fs.writeFile(at("d"), "x"), "FileError"),
        failsWith(fs.listDirectory(at("d/a.txt")), "FileError"),
        failsWith(fs.writeFile(at("d/a.txt/b"), "x"), "FileError")
      ])
      assert.deepStrictEqual(
        reasons.map(({ reason }) => reason),
        ["IsDirectory", "IsDirectory", "IsDirectory", "NotDirectory", "NotDirectory"]
      )
    }))

  test("files and directories are moved, and nothing is overwritten", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      yield* fs.createDirectory(at("from/deep"))
      yield* fs.writeFile(at("from/deep/a.txt"), "a")
      yield* fs.moveFile(at("from"), at("to"))
      assert.strictEqual(yield* fs.readFile(at("to/deep/a.txt")), "a")
      yield* failsWith(fs.getFileInfo(at("from")), "FileNotFoundError")
      yield* fs.writeFile(at("b.txt"), "b")
      const error = yield* failsWith(fs.moveFile(at("b.txt"), at("to/deep/a.txt")), "FileError")
      assert.strictEqual(error.reason, "AlreadyExists")
      assert.strictEqual(yield* fs.readFile(at("to/deep/a.txt")), "a")
      yield* fs.deleteFile(at("b.txt"))
      yield* failsWith(fs.readFile(at("b.txt")), "FileNotFoundError")
    }))

  test("names with a carriage return are listed and found as they are", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      const names = ["a\r", "b\r", "c\rd", "\re"]
      for (const some of [names.slice(0, 1), names.slice(0, 2), names]) {
        yield* fs.createDirectory(at(String(some.length)))
        for (const name of some) yield* fs.writeFile(at(`${some.length}/${name}`), name)
        const listed = (yield* fs.listDirectory(at(String(some.length)))).map(({ name }) => name)
        assert.deepStrictEqual([...listed].sort(), [...some].sort())
        const found = yield* fs.searchFiles(at(String(some.length)), "*")
        assert.deepStrictEqual([...found].sort(), some.map((name) => at(`${some.length}/${name}`)).sort())
        const all = yield* fs.readMultipleFiles(found)
        assert.deepStrictEqual([...all.keys()].sort(), [...found].sort())
      }
    }))

  test("files are found by name and by path", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      yield* fs.createDirectory(at("s/deep"))
      for (const name of ["a.txt", "b.md", "deep/a.txt", "deep/c.txt"]) yield* fs.writeFile(at(`s/${name}`), "x")
      const found = (pattern: string, excludePatterns?: ReadonlyArray<string>) =>
        Effect.map(fs.searchFiles(at("s"), pattern, { excludePatterns }), (paths) => [...paths].sort())
      assert.deepStrictEqual(yield* found("*.txt"), [at("s/a.txt"), at("s/deep/a.txt"), at("s/deep/c.txt")])
      assert.deepStrictEqual(yield* found("c.txt"), [at("s/deep/c.txt")])
      assert.deepStrictEqual(yield* found("*.txt", ["c.*"]), [at("s/a.txt"), at("s/deep/a.txt")])
      assert.deepStrictEqual(yield* found("*.none"), [])
    }))
}

const changing: Contract = (test) => {
  test("edits are applied all or none, and a dry run changes nothing", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      yield* fs.writeFile(at("e.txt"), "one two one $& three\n")
      const dry = yield* fs.editFile(at("e.txt"), [{ oldText: "two", newText: "2" }], { dryRun: true })
      assert.include(dry, "2")
      assert.strictEqual(yield* fs.readFile(at("e.txt")), "one two one $& three\n")
      yield* fs.editFile(at("e.txt"), [{ oldText: "one", newText: "$&" }, { oldText: "three", newText: "" }])
      assert.strictEqual(yield* fs.readFile(at("e.txt")), "$& two one $& \n")
      const edits = [{ oldText: "two", newText: "2" }, { oldText: "absent", newText: "x" }]
      const error = yield* failsWith(fs.editFile(at("e.txt"), edits), "FileError")
      assert.strictEqual(error.reason, "NoMatch")
      assert.strictEqual(yield* fs.readFile(at("e.txt")), "$& two one $& \n")
    }))

  test("changes below a directory are told once", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      yield* fs.createDirectory(at("c"))
      assert.deepStrictEqual(yield* fs.getFileChange(at("c")), [])
      const change = (eventType: "create" | "modify" | "delete") => [
        { eventType, path: at("c/a.txt"), pathType: "file" as const }
      ]
      yield* fs.writeFile(at("c/a.txt"), "a")
      assert.deepStrictEqual(yield* fs.getFileChange(at("c")), change("create"))
      yield* fs.writeFile(at("c/a.txt"), "longer")
      assert.deepStrictEqual(yield* fs.getFileChange(at("c")), change("modify"))
      yield* fs.deleteFile(at("c/a.txt"))
      assert.deepStrictEqual(yield* fs.getFileChange(at("c")), change("delete"))
      assert.deepStrictEqual(yield* fs.getFileChange(at("c")), [])
    }))

  test("watching gives the changes as a stream that can be left", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      yield* fs.createDirectory(at("w"))
      const next = fs.watchDirectory(at("w"), { interval: "20 millis" }).pipe(Stream.take(1), Stream.runCollect)
      let written = 0
      const write = Effect.suspend(() => fs.writeFile(at(`w/${written += 1}.txt`), "x"))
      const events = yield* Effect.raceFirst(next, Effect.forever(Effect.delay(write, "30 millis")))
      assert.deepStrictEqual(Chunk.toArray(events).map(({ eventType }) => eventType), ["create"])
      yield* fs.writeFile(at("w/last.txt"), "x")
    }))
}

/** Bytes of every value, in no order that a part of them repeats. */
const noise = (size: number): Uint8Array => {
  const all = new Uint8Array(size)
  for (let at = 0, state = size + 1; at < size; at += 1) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0
    all[at] = state >>> 24
  }
  return all
}

/** Pieces of uneven sizes. */
const pieceAt = (bytes: Uint8Array, at: number) => bytes.subarray(at, at + Math.max(1, at % 100_003))

const streamOf = (bytes: Uint8Array): Stream.Stream<Uint8Array> =>
  Stream.unfold(
    0,
    (at) =>
      at < bytes.length ? Option.some([pieceAt(bytes, at), at + pieceAt(bytes, at).length] as const) : Option.none()
  )

/** The files of a session by way of its tools alone, whatever faster way it announces. */
const overTools = ({ client, sessionId }: Session.Session): FileSystem.FileSystem =>
  FileSystem.make(ToolCall.make(({ args, name }) =>
    Effect.map(
      client.callTool({ sessionId, name, args, autoGenSession: false }),
      ({ data, requestId }) => ({ reply: data, requestId })
    )
  ))

/** How many calls of tools a file takes is the client's affair, and so not tried again in every isolation. */
const sizesOverTools = ({ insideOnly = false }: Backend) => insideOnly ? [0, 38_401] : [0, 38_401, 1_300_000]

const bytesInAndOut: Contract = (test, backend) => {
  const overAny = [0, 5_000_000].map((size) => ["any way", size] as const)
  for (const [way, size] of [...sizesOverTools(backend).map((size) => ["tools", size] as const), ...overAny]) {
    test(`${size} bytes come back as they were over ${way}, from memory, a stream and a sink`, () =>
      Effect.gen(function*() {
        const { at, fs: own, session } = yield* files
        const fs = way === "tools" ? overTools(session) : own
        const content = noise(size)
        yield* fs.writeFile(at("memory"), content)
        yield* fs.writeFile(at("stream"), streamOf(content))
        yield* Stream.run(streamOf(content), fs.sink(at("a sink's \"file\"")))
        for (const name of ["memory", "stream", "a sink's \"file\""]) {
          assert.isTrue(Buffer.from(content).equals(yield* fs.readFileBytes(at(name))), name)
        }
        const listed = yield* fs.listDirectory(at(""))
        assert.deepStrictEqual(listed.filter(({ name }) => name.startsWith(".agb-")), [])
      }))
  }

  test("a range of a file is read", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      yield* fs.writeFile(at("range"), noise(120_000))
      const read = (offset: number | undefined, bytesToRead: number | undefined) =>
        Effect.map(
          Stream.runCollect(fs.readFileStream(at("range"), { offset, bytesToRead })),
          (chunks) => Buffer.concat(Chunk.toArray(chunks))
        )
      const all = Buffer.from(noise(120_000))
      for (
        const [from, size] of [[0, 10], [51_199, 2], [119_990, 100], [200_000, 1], [5, 0], [7, undefined]] as const
      ) {
        assert.isTrue(all.subarray(from, size === undefined ? undefined : from + size).equals(yield* read(from, size)))
      }
      assert.isTrue(all.equals(yield* read(undefined, undefined)))
    }))

  for (const way of ["tools", "any way"]) {
    test(`bytes are appended over ${way}, or create a file, and its permissions and links stay`, () =>
      Effect.gen(function*() {
        const { at, fs: own, session } = yield* files
        const fs = way === "tools" ? overTools(session) : own
        const { command } = session
        const [one, other] = [noise(1000), noise(60_000)]
        yield* fs.writeFile(at("a"), one, { mode: "create_new" })
        yield* fs.writeFile(at("a"), other, { mode: "append" })
        assert.isTrue(Buffer.concat([one, other]).equals(yield* fs.readFileBytes(at("a"))))
        for (const content of [one, other]) {
          const error = yield* failsWith(fs.writeFile(at("a"), content, { mode: "create_new" }), "FileError")
          assert.deepStrictEqual([error.reason, error.path], ["AlreadyExists", at("a")])
        }
        yield* command.executeCommand("chmod 750 a; ln -s a link", patient)
        for (const content of [one, other]) {
          yield* fs.writeFile(at("link"), content)
          assert.isTrue(Buffer.from(content).equals(yield* fs.readFileBytes(at("a"))))
        }
        yield* fs.writeFile(at("link"), longText(100_000))
        const { stdout } = yield* command.executeCommand(
          "ls -l a | cut -c1-10; test -L link && echo link; ls -A",
          patient
        )
        assert.strictEqual(stdout, "-rwxr-x---\nlink\na\nlink\n")
      }))

    test(`a write over ${way} that fails leaves what was there, and nothing else`, () =>
      Effect.gen(function*() {
        const { at, fs: own, session } = yield* files
        const fs = way === "tools" ? overTools(session) : own
        const { command } = session
        yield* fs.writeFile(at("kept"), "kept")
        const broken = Stream.concat(streamOf(noise(1_400_000)), Stream.fail("broken" as const))
        assert.strictEqual(yield* Effect.flip(fs.writeFile(at("kept"), broken)), "broken")
        assert.strictEqual(yield* Effect.flip(Stream.run(broken, fs.sink(at("new")))), "broken")
        const started = Stream.concat(streamOf(noise(1_400_000)), Stream.never)
        const gone = yield* Effect.either(Effect.timeoutFail(fs.writeFile(at("kept"), started), {
          duration: "1 second",
          onTimeout: () => "interrupted" as const
        }))
        assert.strictEqual(gone._tag, "Left")
        assert.strictEqual(yield* fs.readFile(at("kept")), "kept")
        assert.strictEqual((yield* command.executeCommand("ls -A", patient)).stdout, "kept\n")
        const inMissing = failsWith(fs.writeFile(at("no/such/file"), noise(1)), "FileNotFoundError")
        assert.strictEqual((yield* inMissing).path, at("no"))
        const directory = yield* failsWith(fs.writeFile(at(""), noise(100_000)), "FileError")
        assert.strictEqual(directory.reason, "IsDirectory")
        const below = yield* failsWith(fs.writeFile(at("kept/x"), noise(1)), "FileError")
        assert.strictEqual(below.reason, "NotDirectory")
      }))
  }
}

const managing: Contract = (test) => {
  test("what exists is known, described, copied and removed", () =>
    Effect.gen(function*() {
      const { at, fs, session: { command } } = yield* files
      const line =
        "mkdir -p t/deep; echo x >t/-a; chmod 4755 t/-a; ln -s nowhere t/link; ln -s t/deep to; touch -d 2001-02-03T04:05:06Z t/-a"
      yield* command.executeCommand(line, patient)
      const found = yield* Effect.forEach(
        ["t", "t/-a", "to", "none", "t/-a/x", "t/link"],
        (name) => fs.exists(at(name))
      )
      assert.deepStrictEqual(found, [true, true, true, false, false, false])
      const { mode, mtime, size, type } = yield* fs.stat(at("t/-a"))
      assert.deepStrictEqual(
        [type, size, mode, mtime],
        ["File", 2, Option.some(0o4755), Option.some(new Date("2001-02-03T04:05:06Z"))]
      )
      assert.strictEqual((yield* fs.stat(at("to"))).type, "Directory")
      yield* fs.copy(at("t"), at("copy of 't'"))
      const tree = yield* command.executeCommand("cd \"copy of 't'\" && find . | sort && cat ./-a", patient)
      assert.strictEqual(tree.stdout, ".\n./-a\n./deep\n./link\nx\n")
      yield* fs.copy(at("t/-a"), at("b"), { preserveTimestamps: true })
      assert.deepStrictEqual((yield* fs.stat(at("b"))).mtime, mtime)
      const again = yield* failsWith(fs.copy(at("t/-a"), at("b")), "FileError")
      assert.deepStrictEqual([again.reason, again.path], ["AlreadyExists", at("b")])
      yield* fs.writeFile(at("b"), "old")
      yield* fs.copy(at("t/-a"), at("b"), { overwrite: true })
      assert.strictEqual(yield* fs.readFile(at("b")), "x\n")
      yield* fs.remove(at("b"))
      yield* fs.remove(at("to/"), { recursive: true })
      assert.isTrue(yield* fs.exists(at("t/deep")))
      assert.strictEqual((yield* failsWith(fs.remove(at("t")), "FileError")).reason, "IsDirectory")
      yield* fs.remove(at("t"), { recursive: true })
      yield* fs.remove(at("copy of 't'"), { recursive: true })
      assert.strictEqual((yield* command.executeCommand("ls -A", patient)).stdout, "")
    }))

  test("what is missing is missing for copies and removals too", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* files
      yield* failsWith(fs.stat(at("none")), "FileNotFoundError")
      yield* failsWith(fs.remove(at("none")), "FileNotFoundError")
      yield* failsWith(fs.remove(at("none"), { recursive: true }), "FileNotFoundError")
      yield* failsWith(fs.copy(at("none"), at("other")), "FileNotFoundError")
      yield* fs.remove(at("none"), { force: true })
      yield* fs.remove(at("none"), { force: true, recursive: true })
    }))
}

export const fileSystem: Contract = (test, backend) => {
  const inShell = [bytesInAndOut, managing]
  // The fake has no shell.
  const parts = [writing, reading, directories, changing, ...(backend.clock === "virtual" ? [] : inShell)]
  for (const part of parts) part(test, backend)
}
