/** What the file operations do. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as FileSystem from "../../FileSystem.js"
import * as Session from "../../Session.js"
import { assert, failsWith } from "./assert.js"
import { type Contract, imageId, patient } from "./contractCase.js"
import { bytes, commands } from "./programs.js"

/** The files of a new session, below the directory in which its commands run. */
const ownFiles = Effect.gen(function*() {
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
        const { at, fs } = yield* ownFiles
        const text = longText(size)
        yield* fs.writeFile(at("long.txt"), text)
        assert.isTrue(text === (yield* fs.readFile(at("long.txt"))))
        const { isDirectory, size: stored } = yield* fs.getFileInfo(at("long.txt"))
        assert.deepStrictEqual([isDirectory, stored], [false, new TextEncoder().encode(text).length])
      }))
  }

  test("writing overwrites, appends or creates, as asked", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* ownFiles
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
      const { at, fs } = yield* ownFiles
      for (const name of ["-rf", "a:b", "naïve 🎈", "with space", "quote'\"", "$HOME", "*"]) {
        yield* fs.writeFile(at(name), name)
        assert.strictEqual(yield* fs.readFile(at(name)), name)
      }
    }))
}

const reading: Contract = (test) => {
  test("bytes are bytes, and are not taken for text", () =>
    Effect.gen(function*() {
      const { at, fs, session: { command } } = yield* ownFiles
      yield* command.executeCommand(commands.writesBytes, patient)
      assert.deepStrictEqual([...(yield* fs.readFileBytes(at("bytes")))], [...bytes])
      const chunks = yield* Stream.runCollect(fs.readFileStream(at("bytes")))
      assert.deepStrictEqual(Chunk.toArray(chunks).flatMap((chunk) => [...chunk]), [...bytes])
      const error = yield* failsWith(fs.readFile(at("bytes")), "FileError")
      assert.strictEqual(error.reason, "NotText")
    }))

  test("a missing file is FileNotFoundError, for everything that needs one", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* ownFiles
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
      const { at, fs } = yield* ownFiles
      const contents = [[at("a.txt"), "alpha"], [at("b: c.txt"), "x: 1\n---\ny: 2"], [at("empty.txt"), ""]] as const
      yield* Effect.forEach(contents, ([path, text]) => fs.writeFile(path, text))
      const read = yield* fs.readMultipleFiles(contents.map(([path]) => path))
      assert.deepStrictEqual([...read], contents.map(([path, text]) => [path, text]))
    }))

  test("a file over the limit is refused", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* ownFiles
      yield* fs.writeFile(at("a.txt"), "four")
      const error = yield* failsWith(fs.readFile(at("a.txt"), { maxBytes: 3 }), "LimitExceededError")
      assert.strictEqual(error.limit, 3)
      assert.strictEqual(yield* fs.readFile(at("a.txt"), { maxBytes: 4 }), "four")
    }))
}

const directories: Contract = (test) => {
  test("directories are created with their parents, listed, and are no files", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* ownFiles
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
      const { at, fs } = yield* ownFiles
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
      const { at, fs } = yield* ownFiles
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
      const { at, fs } = yield* ownFiles
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
      const { at, fs } = yield* ownFiles
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
      const { at, fs } = yield* ownFiles
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

  test("watching is ready first, then tells every change that was asked for, until it is left", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* ownFiles
      yield* fs.createDirectory(at("w/deep"))
      const write = (name: string) =>
        Effect.forEach(
          [`deep/${name}.log`, `deep/${name}.txt`, `${name}.txt`],
          (file) => fs.writeFile(at(`w/${file}`), "x")
        )
      const told = (name: string, count: number, options: FileSystem.WatchDirectoryOptions) =>
        fs.watchDirectory(at("w"), { interval: "20 millis", ...options }).pipe(
          Stream.tap(({ eventType }) => eventType === "ready" ? write(name) : Effect.void),
          Stream.take(count + 1),
          Stream.runCollect,
          Effect.map(([first, ...changes]) => {
            assert.deepStrictEqual(first, { eventType: "ready", path: at("w"), pathType: "directory" })
            return changes.map(({ eventType, path }) => `${eventType} ${path.slice(at("w/").length)}`).sort()
          })
        )
      assert.deepStrictEqual(yield* told("a", 2, { include: ["*.txt"] }), ["create a.txt", "create deep/a.txt"])
      assert.deepStrictEqual(yield* told("b", 1, { include: ["*.txt"], recursive: false }), ["create b.txt"])
      const inFolders = yield* told("c", 2, { include: ["**/c.log", "deep/*.txt"] })
      assert.deepStrictEqual(inFolders, ["create deep/c.log", "create deep/c.txt"])
    }))
}

export const files: Contract = (test, backend) => {
  for (const part of [writing, reading, directories, changing]) part(test, backend)
}
