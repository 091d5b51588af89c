/** What file operations do with bytes, modes and links. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as FileSystem from "../../FileSystem.js"
import * as Session from "../../Session.js"
import * as ToolCall from "../../ToolCall.js"
import { concat } from "../wire/text/bytes.js"
import { assert, failsWith, sameBytes } from "./assert.js"
import { type Contract, imageId, patient } from "./contractCase.js"
import { commands } from "./programs.js"

/** The files of a new session, below the directory in which its commands run. */
const files = Effect.gen(function*() {
  const session = yield* Session.make({ imageId })
  const home = (yield* session.command.executeCommand(commands.directory, patient)).stdout.trim()
  return { session, fs: session.fileSystem, at: (name: string) => `${home}/${name}` }
})

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

const sizes = [["tools", 0], ["tools", 38_401], ["tools", 1_300_000], ["any way", 0], ["any way", 5_000_000]] as const

const bytesInAndOut: Contract = (test) => {
  for (const [way, size] of sizes) {
    test(`${size} bytes come back as they were over ${way}, from memory, a stream and a sink`, () =>
      Effect.gen(function*() {
        const { at, fs: own, session } = yield* files
        const fs = way === "tools" ? overTools(session) : own
        const content = noise(size)
        yield* fs.writeFile(at("memory"), content)
        yield* fs.writeFile(at("stream"), streamOf(content))
        yield* Stream.run(streamOf(content), fs.sink(at("a sink's \"file\"")))
        for (const name of ["memory", "stream", "a sink's \"file\""]) {
          assert.isTrue(sameBytes(content, yield* fs.readFileBytes(at(name))), name)
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
        Effect.map(Stream.runCollect(fs.readFileStream(at("range"), { offset, bytesToRead })), concat)
      const all = noise(120_000)
      for (
        const [from, size] of [[0, 10], [51_199, 2], [119_990, 100], [200_000, 1], [5, 0], [7, undefined]] as const
      ) {
        const part = all.subarray(from, size === undefined ? undefined : from + size)
        assert.isTrue(sameBytes(part, yield* read(from, size)))
      }
      assert.isTrue(sameBytes(all, yield* read(undefined, undefined)))
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
        assert.isTrue(sameBytes(concat([one, other]), yield* fs.readFileBytes(at("a"))))
        for (const content of [one, other]) {
          const error = yield* failsWith(fs.writeFile(at("a"), content, { mode: "create_new" }), "FileError")
          assert.deepStrictEqual([error.reason, error.path], ["AlreadyExists", at("a")])
        }
        yield* command.executeCommand("chmod 750 a; ln -s a link", patient)
        for (const content of [one, other]) {
          yield* fs.writeFile(at("link"), content)
          assert.isTrue(sameBytes(content, yield* fs.readFileBytes(at("a"))))
        }
        yield* fs.writeFile(at("link"), "é日🎈\n".repeat(20_000))
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

const timeOf = (time: Option.Option<Date>) => Option.getOrUndefined(time)?.toISOString()

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
        [type, size, mode, timeOf(mtime)],
        ["File", 2, Option.some(0o4755), "2001-02-03T04:05:06.000Z"]
      )
      assert.strictEqual((yield* fs.stat(at("to"))).type, "Directory")
      yield* fs.copy(at("t"), at("copy of 't'"))
      const tree = yield* command.executeCommand("cd \"copy of 't'\" && find . | sort && cat ./-a", patient)
      assert.strictEqual(tree.stdout, ".\n./-a\n./deep\n./link\nx\n")
      yield* fs.copy(at("t/-a"), at("b"), { preserveTimestamps: true })
      assert.strictEqual(timeOf((yield* fs.stat(at("b"))).mtime), timeOf(mtime))
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

export const filesInShell: Contract = (test, backend) => {
  for (const part of [bytesInAndOut, managing]) part(test, backend)
}
