import { Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Agent from "../support/agent/agentProcess.js"
import { failsWith } from "../support/failsWith.js"
import { best, layerWith, serverLayer } from "../support/runtime.js"
import { toolAnswer, wire } from "../support/wire.js"

const patient = { timeout: "2 minutes" } as const

/** A session, its home and its shell. */
const opened = Effect.gen(function*() {
  const { command, fileSystem } = yield* Session.make({ imageId: "code_latest" })
  const sh = (line: string) => Effect.map(command.executeCommand(line, patient), ({ stdout }) => stdout.trim())
  return { fs: fileSystem, home: yield* sh("pwd"), sh }
})

/** Reads a file again and again until told to stop, and says which contents it has seen. */
const reader = (path: string, stop: string) =>
  `while [ ! -e ${stop} ]; do cat ${path} | tr -d '\\n' | md5sum; done | sort | uniq -c`

/** Elsewhere only the size of each file is. */
const isLimited = best.level === "namespaces"

describe.skipIf(process.platform !== "linux")("whole files", () => {
  it.live("of one call hold 16 MiB together, and the others are named", () =>
    Effect.gen(function*() {
      const { fs, home, sh } = yield* opened
      yield* sh(
        `for i in 1 2 3 4 5 6; do head -c 3000000 /dev/zero | tr '\\0' "$i" >${home}/$i; done; echo 7 >${home}/7`
      )
      const paths = [1, 2, 3, 4, 5, 6, 7].map((name) => `${home}/${name}`)
      const read = yield* fs.readMultipleFiles(paths)
      const text = JSON.stringify([...read])
      for (const name of [1, 2, 3, 4, 5]) assert.include(text, String(name).repeat(3_000_000))
      assert.include(text, `EFBIG: ${home}/6 is left out`)
      assert.notInclude(text, "66666")
      assert.strictEqual(read.get(`${home}/7`)?.trim(), "7")
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.live("are old or new for whoever reads them meanwhile, and never anything else", () =>
    Effect.gen(function*() {
      const { fs, home, sh } = yield* opened
      const [one, other] = ["1".repeat(40_000), "2".repeat(50_000)]
      const path = `${home}/shared`
      yield* fs.writeFile(path, one)
      const reading = yield* Effect.fork(sh(reader(path, `${home}/stop`)))
      for (let round = 0; round < 40; round++) {
        yield* fs.writeFile(path, round % 2 === 0 ? other : one)
        const text = round % 2 === 0 ? other : one
        yield* fs.editFile(path, [{ oldText: text, newText: text === one ? other : one }])
      }
      yield* fs.writeFile(`${home}/stop`, "")
      const seen = (yield* reading).split("\n").map((line) => line.trim().split(/\s+/)[1])
      const sums = yield* sh(`printf '%s' ${one} | md5sum; printf '%s' ${other} | md5sum`)
      const allowed = sums.split("\n").map((line) => line.split(/\s+/)[0])
      assert.isAtLeast(seen.length, 1)
      assert.deepStrictEqual(seen.filter((sum) => !allowed.includes(sum)), [])
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.live.skipIf(!isLimited)(
    "stay as they were when the disk is full, and leave nothing behind",
    () =>
      Effect.gen(function*() {
        const { fs, home, sh } = yield* opened
        const path = `${home}/kept`
        yield* fs.writeFile(path, "old")
        yield* sh(`head -c 4180000 /dev/zero >${home}/filler; chmod 640 ${path}`)
        for (const mode of ["overwrite", "append"] as const) {
          const error = yield* failsWith(fs.writeFile(path, "x".repeat(50_000), { mode }), "FileError")
          assert.match(error.detail, /ENOSPC: No space left on device: /)
        }
        yield* failsWith(fs.writeFile(`${home}/new`, "x".repeat(50_000), { mode: "create_new" }), "FileError")
        yield* failsWith(fs.editFile(path, [{ oldText: "old", newText: "x".repeat(50_000) }]), "FileError")
        assert.strictEqual(yield* fs.readFile(path), "old")
        assert.strictEqual(yield* sh(`ls -A ${home}`), "filler\nkept")
        yield* fs.deleteFile(`${home}/filler`)
        yield* fs.writeFile(path, "x".repeat(50_000))
        assert.strictEqual(yield* sh(`stat -c %a ${path}`), "640")
      }).pipe(
        Effect.scoped,
        Effect.provide(layerWith(best, { poolSize: 0, limits: { workspaceBytes: 4 * 2 ** 20 } }))
      )
  )

  it.live.skipIf(!isLimited)("can still be worked with by commands when /tmp is full", () =>
    Effect.gen(function*() {
      const { fs, sh } = yield* opened
      assert.match(yield* sh("head -c 5000000 /dev/zero 2>&1 >/tmp/filler; ls /tmp"), /filler/)
      const parallel = Effect.all(Array.from({ length: 12 }, () => sh("sleep 0.1; echo well")), { concurrency: 12 })
      assert.deepStrictEqual([...new Set(yield* parallel)], ["well"])
      yield* fs.deleteFile("/tmp/filler")
    }).pipe(
      Effect.scoped,
      Effect.provide(layerWith(best, { poolSize: 0, limits: { workspaceBytes: 4 * 2 ** 20 } }))
    ))

  it.live("are reached through links and keep them", () =>
    Effect.gen(function*() {
      const { fs, home, sh } = yield* opened
      yield* sh(
        "mkdir real; echo old >real/file; ln -s real folder; ln -s folder/file link; ln -s ../made real/nowhere; ln -s round round"
      )
      yield* fs.writeFile(`${home}/link`, "new")
      assert.strictEqual(yield* sh("cat real/file; test -L link && test -L folder && echo links"), "newlinks")
      yield* fs.writeFile(`${home}/folder/nowhere`, "made")
      assert.strictEqual(yield* fs.readFile(`${home}/made`), "made")
      yield* fs.editFile(`${home}/link`, [{ oldText: "new", newText: "edited" }])
      assert.strictEqual(yield* fs.readFile(`${home}/folder/../real/./file`), "edited")
      const taken = yield* failsWith(fs.writeFile(`${home}/link`, "x", { mode: "create_new" }), "FileError")
      assert.strictEqual(taken.reason, "AlreadyExists")
      assert.include((yield* failsWith(fs.readFile(`${home}/round`), "FileError")).detail, "symbolic links")
      yield* fs.moveFile(`${home}/link`, `${home}/moved`)
      yield* fs.deleteFile(`${home}/moved`)
      assert.strictEqual(yield* sh("cat real/file; ls"), "editedfolder\nmade\nreal\nround")
      yield* fs.deleteFile(`${home}/folder`)
      assert.isTrue((yield* fs.getFileInfo(`${home}/real/file`)).size === 6)
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.live("are left alone by an edit that does not fit, which names itself", () =>
    Effect.gen(function*() {
      const { fs, home, sh } = yield* opened
      const path = `${home}/edited`
      const text = "alpha\r\nbeta  gamma\r\nalpha\r\n"
      yield* fs.writeFile(path, text)
      const stamp = yield* sh("stat -c '%i %y' edited")
      const miss = (...oldTexts: ReadonlyArray<string>) =>
        Effect.map(
          failsWith(fs.editFile(path, oldTexts.map((oldText) => ({ oldText, newText: "x" }))), "FileError"),
          ({ detail, reason }) => {
            assert.strictEqual(reason, "NoMatch")
            return detail
          }
        )
      assert.include(
        yield* miss("alpha", "delta\n\"é\""),
        "edit 2 of 2, \"delta\\n\\\"é\\\"\", does not occur; nothing"
      )
      assert.include(yield* miss("alpha", "alpha", "alpha"), "edit 3 of 3, \"alpha\", does not occur; nothing")
      assert.include(
        yield* miss("alpha\nbeta"),
        "edit 1 of 1, \"alpha\\nbeta\", does not occur, though it does with other ends"
      )
      assert.include(yield* miss("beta gamma"), "though it does with other white space")
      assert.include(yield* miss(`${"long ".repeat(1000)}`), `edit 1 of 1, "${"long ".repeat(12)}"…, does`)
      yield* fs.editFile(path, [{ oldText: "beta", newText: "BETA" }], { dryRun: true })
      assert.strictEqual(yield* sh("stat -c '%i %y' edited"), stamp)
      yield* fs.editFile(path, [{ oldText: "alpha", newText: "first" }])
      assert.strictEqual(yield* fs.readFile(path), "first\r\nbeta  gamma\r\nalpha\r\n")
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.live(
    "move to the other directory of their session with all that is in them, closed folders included",
    () =>
      Effect.gen(function*() {
        const { fs, home, sh } = yield* opened
        yield* sh(
          "mkdir -p tree/closed/deep; echo x > tree/closed/deep/file; ln -s nowhere tree/link; chmod -R a-w tree/closed"
        )
        const tree = (place: string) => sh(`cd ${place} && find . -printf '%P %M %l\\n' | sort`)
        const before = yield* tree("tree")
        const moved = `${yield* sh("echo $TMPDIR")}/moved`
        yield* fs.moveFile(`${home}/tree`, moved)
        assert.strictEqual(yield* tree(moved), before)
        assert.strictEqual(yield* sh("ls -A"), "")
      }).pipe(Effect.scoped, Effect.provide(layerWith(best)))
  )

  it.live("and commands find the home directory again that a command has removed", () =>
    Effect.gen(function*() {
      const { fs, home, sh } = yield* opened
      yield* sh("cd / && rm -rf $HOME")
      assert.strictEqual(yield* sh("pwd && touch made"), home)
      assert.strictEqual((yield* fs.getFileInfo(`${home}/made`)).size, 0)
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.live("name the argument that does not fit, and what would", () =>
    Effect.gen(function*() {
      const { callTool, createSession } = yield* wire
      const session = yield* createSession
      const path = "/tmp/none"
      const edit = (edits: unknown) => ["edit_file", { path, edits }] as const
      for (
        const [[tool, args], words] of [
          [edit([{ oldText: "a", newText: "b" }, { oldText: "a" }]), "edits.1.newText must be present"],
          [edit([{ oldText: "", newText: "b" }]), "edits.0.oldText must be a non-empty string"],
          [edit("[{\"oldText\":1}]"), "edits.0.oldText must be a string"],
          [edit([]), "edits must be at least one edit"],
          [edit("no JSON"), "edits must be an array"],
          [edit(5), "edits must be an array"],
          [
            ["write_file", { path, content: "", mode: "new" }],
            "mode must be \"overwrite\", \"append\" or \"create_new\""
          ],
          [["read_file", { path, format: "bytes" }], "format must be \"text\" or \"binary\", but was \"bytes\""]
        ] as const
      ) assert.include(toolAnswer(yield* callTool(session, tool, args)).text, `${tool}: ${words}`)
    }).pipe(Effect.provide(serverLayer())))

  it.scoped("get their name when they are whole, in the mode create_new as well", () =>
    Effect.gen(function*() {
      const { begin, home } = yield* Agent.make()
      const path = Path.join(home, "big")
      const body = Buffer.alloc(30 * 2 ** 20, "x")
      const sizes = new Set<number | undefined>()
      const watching = setInterval(() => sizes.add(Fs.statSync(path, { throwIfNoEntry: false })?.size), 1)
      const { answer } = begin("writeFile", { path, mode: "create_new" }, body)
      assert.isTrue((yield* Effect.promise(() => answer)).ok)
      clearInterval(watching)
      assert.deepStrictEqual([...sizes].filter((size) => size !== undefined && size !== body.length), [])
      assert.strictEqual(Fs.statSync(path).size, body.length)
      assert.deepStrictEqual(Fs.readdirSync(home), ["big"])
    }))
})
