/** What moving files and directories between this machine and a session does. */
import { Session, Transfer } from "@effect-agb/core"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert } from "@effect/vitest"
import { Chunk, Effect, Stream } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { failsWith } from "../../support/failsWith.js"
import { commands } from "../../support/programs.js"
import { type Contract, imageId, patient } from "./backend.js"

const setup = Effect.gen(function*() {
  const session = yield* Session.make({ imageId })
  const home = (yield* session.command.executeCommand(commands.directory, patient)).stdout.trim()
  const local = yield* Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-transfer-"))),
    (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
  )
  const run = (transfer: ReturnType<typeof Transfer.upload>) =>
    Stream.runCollect(transfer).pipe(
      Effect.provideService(Session.Session, session),
      Effect.provide(NodeFileSystem.layer),
      Effect.map(Chunk.toReadonlyArray)
    )
  return {
    session,
    here: (name: string) => Path.join(local, name),
    there: (name: string) => `${home}/${name}`,
    upload: (from: string, to: string, options?: Transfer.TransferOptions) =>
      run(Transfer.upload(Path.join(local, from), `${home}/${to}`, options)),
    download: (from: string, to: string, options?: Transfer.TransferOptions) =>
      run(Transfer.download(`${home}/${from}`, Path.join(local, to), options))
  }
})

/** A repeatable sequence of numbers from 0 to 1. */
const sequence = (seed: number) => () => {
  seed = Math.imul(seed ^ seed >>> 15, 2_246_822_519) + 0x9e3779b9 | 0
  return (seed >>> 0) / 2 ** 32
}

/** What names are made of: what shells, terminals and other file systems take for something else. */
const letters = [..."aBß é日🎈İ\n\t\r\u0001\u007f\u2028\u202e$'\"*\\.-~#%:?|;", "e\u0301"]

const nameOf = (next: () => number): string => {
  const length = next() < 0.05 ? 50 : 1 + Math.floor(next() ** 2 * 12)
  const name = Array.from({ length }, () => letters[Math.floor(next() * letters.length)]).join("")
  return /^(\.{1,2}$|\.agb-)/.test(name) ? `x${name}` : name
}

/** How many trees; `AGB_TREES=1000` tries that many. */
const trees = Number(process.env["AGB_TREES"] ?? 2)

const makeTree = (root: string, next: () => number, depth = 0): void => {
  Fs.mkdirSync(root)
  const names = new Set(Array.from({ length: Math.floor(next() * 6) }, () => nameOf(next)))
  for (const name of names) {
    const path = Path.join(root, name)
    if (next() < 0.35 && depth < 4) makeTree(path, next, depth + 1)
    else {
      const length = Math.floor(next() < 0.02 ? next() * 6_000_000 : next() ** 4 * 5000)
      const bytes = Buffer.alloc(length, Uint8Array.from({ length: 1 + next() * 999 }, () => next() * 256))
      Fs.writeFileSync(path, bytes)
      Fs.chmodSync(path, [0o644, 0o600, 0o755, 0o444, 0o400][Math.floor(next() * 5)] ?? 0o644)
    }
  }
  Fs.chmodSync(root, [0o755, 0o700, 0o555][Math.floor(next() * 3)] ?? 0o755)
}

/** Every path with its mode, and the content of files. */
const treeOf = (root: string): ReadonlyArray<string> =>
  Fs.readdirSync(root, { withFileTypes: true }).flatMap((entry): ReadonlyArray<string> => {
    const path = Path.join(root, entry.name)
    const mode = (Fs.lstatSync(path).mode & 0o777).toString(8)
    if (entry.isDirectory()) return [`${entry.name} ${mode}`, ...treeOf(path).map((inner) => `${entry.name}/${inner}`)]
    return [`${entry.name} ${mode} ${Fs.readFileSync(path).toString("hex")}`]
  }).sort()

export const transfers: Contract = (test, backend) => {
  if (backend.clock === "virtual") return test.skip("transfers: the fake has no shell")

  test("trees go there and back with every name, mode and byte", () =>
    Effect.gen(function*() {
      const { download, here, session, there, upload } = yield* setup
      for (let seed = 1; seed <= trees; seed++) {
        makeTree(here(`tree${seed}`), sequence(seed))
        const expected = treeOf(here(`tree${seed}`))
        const reports = yield* upload(`tree${seed}`, `tree${seed}`)
        const last = reports.at(-1)
        assert.deepStrictEqual([last?.files, last?.bytes, last?.skipped], [last?.totalFiles, last?.totalBytes, []])
        yield* download(`tree${seed}`, `back${seed}`)
        assert.deepStrictEqual(treeOf(here(`back${seed}`)), expected)
        // What is the same is left alone, and can be moved again.
        yield* upload(`tree${seed}`, `tree${seed}`)
        yield* download(`tree${seed}`, `back${seed}`, { resume: false, verify: "checksum" })
        assert.deepStrictEqual(treeOf(here(`back${seed}`)), expected)
        yield* session.command.executeCommand(
          `chmod -R u+rwX ${there(`tree${seed}`)} && rm -r ${there(`tree${seed}`)}`,
          patient
        )
      }
    }))

  test("a file goes there and back, replaces another, and fails with its reason", () =>
    Effect.gen(function*() {
      const { download, here, session: { fileSystem }, there, upload } = yield* setup
      Fs.writeFileSync(here("a"), "first")
      yield* upload("a", "a")
      Fs.writeFileSync(here("a"), "second")
      Fs.chmodSync(here("a"), 0o750)
      yield* upload("a", "a", { verify: "checksum" })
      assert.strictEqual(yield* fileSystem.readFile(there("a")), "second")
      yield* download("a", "b", { verify: "checksum" })
      assert.deepStrictEqual([Fs.readFileSync(here("b"), "utf8"), Fs.statSync(here("b")).mode & 0o777], [
        "second",
        0o750
      ])
      yield* failsWith(download("none", "c"), "FileNotFoundError")
      assert.strictEqual((yield* Effect.flip(upload("none", "c")))._tag, "SystemError")
      yield* failsWith(upload("a", "no/such/directory"), "FileNotFoundError")
      assert.deepStrictEqual(Fs.readdirSync(here("")).sort(), ["a", "b"])
      const listed = (yield* fileSystem.listDirectory(there(""))).map(({ name }) => name)
      assert.deepStrictEqual(listed, ["a"])
    }))

  test("links are left out and named", () =>
    Effect.gen(function*() {
      const { download, here, session: { command }, upload } = yield* setup
      Fs.mkdirSync(here("t"))
      Fs.symlinkSync("/etc/passwd", here("t/link"))
      Fs.writeFileSync(here("t/file"), "x")
      assert.deepStrictEqual((yield* upload("t", "t")).at(-1)?.skipped, ["link"])
      yield* command.executeCommand("ln -s /etc t/out; mkfifo t/pipe", patient)
      assert.deepStrictEqual([...(yield* download("t", "u")).at(-1)?.skipped ?? []].sort(), ["out", "pipe"])
      assert.deepStrictEqual(Fs.readdirSync(here("u")), ["file"])
      // Nothing is left of a root that is left out.
      const pipe = yield* failsWith(download("t/pipe", "v"), "FileError")
      assert.strictEqual(pipe.detail, "it is neither a file nor a directory")
      Fs.symlinkSync("/dev/null", here("null"))
      assert.strictEqual((yield* failsWith(upload("null", "null"), "FileError")).path, here("null"))
    }))

  test("files there and back that are closed to their owner are compared", () =>
    Effect.gen(function*() {
      const { here, session: { command }, there, upload } = yield* setup
      Fs.writeFileSync(here("closed"), "x", { mode: 0o000 })
      const moved = yield* Effect.either(upload("closed", "closed", { verify: "checksum" }))
      const readable = yield* command.executeCommand("test -r closed && echo yes || echo no", patient)
      if (moved._tag === "Right") assert.strictEqual(readable.stdout.trim(), "yes")
      else assert.include(moved.left, { _tag: "FileError", reason: "PermissionDenied", path: there("closed") })
    }))

  test("a file that cannot be written to goes there and back, again after it changed", () =>
    Effect.gen(function*() {
      const { download, here, session: { fileSystem }, there, upload } = yield* setup
      Fs.mkdirSync(here("t"))
      for (const text of ["first", "second", ""]) {
        Fs.rmSync(here("t/a"), { force: true })
        Fs.writeFileSync(here("t/a"), text, { mode: 0o444 })
        const last = (yield* upload("t", "t", { verify: "checksum" })).at(-1)
        assert.deepStrictEqual([last?.files, last?.bytes], [1, text.length])
        assert.strictEqual(yield* fileSystem.readFile(there("t/a")), text)
        yield* download("t", "u")
        assert.strictEqual(Fs.readFileSync(here("u/a"), "utf8"), text)
      }
      assert.strictEqual((yield* fileSystem.listDirectory(there("t"))).length, 1)
    }))

  test("a file that changes while it goes there and back is not moved", () =>
    Effect.gen(function*() {
      const { here, session, there } = yield* setup
      const changing = (transfer: ReturnType<typeof Transfer.upload>, change: Effect.Effect<unknown, unknown>) =>
        transfer.pipe(
          Stream.tap(() => Effect.orDie(change)),
          Stream.runDrain,
          Effect.provideService(Session.Session, session),
          Effect.provide(NodeFileSystem.layer)
        )
      // Reports are read while the transfer goes on, which waits for its reader after some of them.
      const bytes = Buffer.alloc(40 * 1024 * 1024, "a")
      Fs.writeFileSync(here("large"), bytes)
      const lost = changing(Transfer.upload(here("large"), there("no/such")), Effect.void)
      const { detail, path } = yield* failsWith(lost, "FileNotFoundError")
      assert.notInclude(`${path} ${detail}`, ".agb-transfer")
      const append = Effect.sync(() => Fs.appendFileSync(here("large"), "more"))
      const up = yield* failsWith(changing(Transfer.upload(here("large"), there("large")), append), "FileError")
      assert.include(up, { reason: "Changed", path: here("large") })
      assert.isFalse(yield* session.fileSystem.exists(there("large")))
      Fs.writeFileSync(here("large"), bytes)
      yield* changing(Transfer.upload(here("large"), there("large")), Effect.void)
      const appendThere = session.command.executeCommand("echo more >>large", patient)
      const down = changing(Transfer.download(there("large"), here("back")), appendThere)
      assert.include(yield* failsWith(down, "FileError"), { reason: "Changed", path: there("large") })
      assert.isFalse(Fs.existsSync(here("back")))
    }))
}
