import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Agent from "../support/agent/agentProcess.js"
import { cpuMillisOf } from "../support/processes/processes.js"

const { AgentProcess, failsWith, shell } = Agent

describe.skipIf(process.platform !== "linux")("agent", () => {
  layer(Agent.layer)("files", (it) => {
    const inHome = (name: string) => Effect.map(AgentProcess, ({ home }) => Path.join(home, name))
    const write = (path: string, body: string | Buffer, mode = "overwrite") =>
      Effect.flatMap(AgentProcess, ({ call }) => call("writeFile", { path, mode }, Buffer.from(body)))
    const file = (op: string, args: object) => Effect.flatMap(AgentProcess, ({ call }) => call(op, args))

    it.effect("gives back any bytes, whole and in ranges", () =>
      Effect.gen(function*() {
        const path = yield* inHome("binary")
        const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7 + (index >> 8)) & 255))
        assert.deepStrictEqual((yield* write(path, bytes)).value, { bytesWritten: bytes.length })
        const read = (offset: number, length: number | null) => file("readFile", { path, offset, length })
        assert.isTrue((yield* read(0, null)).body.equals(bytes))
        const part = yield* read(70_001, 65_537)
        assert.isTrue(part.body.equals(bytes.subarray(70_001, 70_001 + 65_537)))
        assert.deepStrictEqual(part.value, { size: bytes.length })
        assert.strictEqual((yield* read(199_999, 10)).body.length, 1)
        assert.strictEqual((yield* read(500_000, null)).body.length, 0)
        assert.strictEqual((yield* read(0, 0)).body.length, 0)
        yield* write(path, "")
        assert.deepStrictEqual((yield* read(0, null)).value, { size: 0 })
      }))

    it.effect("reads files that have no size, and no directories, devices or FIFOs", () =>
      Effect.gen(function*() {
        const fifo = yield* inHome("fifo")
        execFileSync("mkfifo", [fifo])
        const read = (path: string) => file("readFile", { path, offset: 0, length: null })
        assert.include((yield* read("/proc/self/status")).body.toString(), "VmRSS")
        failsWith(yield* read(fifo), "EINVAL")
        failsWith(yield* read("/dev/zero"), "EINVAL")
        failsWith(yield* read("/etc"), "EISDIR")
        failsWith(yield* read("relative"), "EINVAL")
        const missing = yield* read("/tmp/no-such-file")
        failsWith(missing, "ENOENT")
        assert.strictEqual(missing.message, "No such file or directory (not found): /tmp/no-such-file")
      }))

    it.effect("writes in each mode", () =>
      Effect.gen(function*() {
        const path = yield* inHome("modes")
        yield* write(path, "one", "create_new")
        failsWith(yield* write(path, "two", "create_new"), "EEXIST")
        yield* write(path, " two", "append")
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "one two")
        failsWith(yield* write(path, "", "upsert"), "EINVAL")
        failsWith(yield* write(`${path}/below`, "x"), "ENOTDIR")
        failsWith(yield* write(Path.join(path, "..", "missing", "file"), "x"), "ENOENT")
        failsWith(yield* write("/", "x"), "EISDIR")
      }))

    it.effect("overwrites in one step, keeps the mode and writes through links", () =>
      Effect.gen(function*() {
        const path = yield* inHome("target")
        const link = yield* inHome("link")
        const nowhere = yield* inHome("dangling")
        Fs.writeFileSync(path, "old")
        Fs.chmodSync(path, 0o640)
        Fs.symlinkSync("target", link)
        Fs.symlinkSync("created", nowhere)
        const open = Fs.openSync(path, "r")
        yield* write(link, "new")
        assert.strictEqual(Fs.readFileSync(open, "utf8"), "old")
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "new")
        assert.strictEqual(Fs.statSync(path).mode & 0o777, 0o640)
        assert.isTrue(Fs.lstatSync(link).isSymbolicLink())
        yield* write(nowhere, "made")
        assert.strictEqual(Fs.readFileSync(yield* inHome("created"), "utf8"), "made")
        assert.isEmpty(Fs.readdirSync(Path.dirname(path)).filter((name) => name.endsWith(".part")))
        Fs.closeSync(open)
      }))

    it.effect("undoes a write that fails half-way", () =>
      Effect.gen(function*() {
        const { pid } = yield* AgentProcess
        const path = yield* inHome("limited")
        Fs.writeFileSync(path, "old")
        execFileSync("prlimit", ["--pid", String(pid), "--fsize=100000:unlimited"])
        for (const mode of ["overwrite", "append"]) failsWith(yield* write(path, "x".repeat(300_000), mode), "EFBIG")
        failsWith(yield* write(`${path}-new`, "x".repeat(300_000), "create_new"), "EFBIG")
        execFileSync("prlimit", ["--pid", String(pid), "--fsize=unlimited:unlimited"])
        assert.strictEqual(Fs.readFileSync(path, "utf8"), "old")
        assert.deepStrictEqual(Fs.readdirSync(Path.dirname(path)).filter((name) => /limited-new|part$/.test(name)), [])
      }))

    it.effect("edits all or nothing and tells the difference", () =>
      Effect.gen(function*() {
        const path = yield* inHome("edited")
        const lines = Array.from({ length: 30 }, (_, index) => `line ${index + 1}\n`)
        Fs.writeFileSync(path, Buffer.concat([Buffer.from(lines.join("")), Buffer.from([0xff, 0xfe])]))
        const edit = (edits: ReadonlyArray<[string, string]>, dryRun = false) =>
          file("editFile", { path, dryRun, edits: edits.map(([oldText, newText]) => ({ oldText, newText })) })
        const before = Fs.readFileSync(path)
        const miss = yield* edit([["line 3", "x"], ["no such line", "y"]])
        failsWith(miss, "NO_MATCH")
        assert.include(miss.message, "edit 2")
        const dry = yield* edit([["line 10\n", "ten\nand a half\n"]], true)
        assert.isTrue(Fs.readFileSync(path).equals(before))
        assert.strictEqual(
          dry.value["diff"],
          `--- ${path}\n+++ ${path}\n@@ -7,7 +7,8 @@\n line 7\n line 8\n line 9\n-line 10\n+ten\n+and a half\n` +
            ` line 11\n line 12\n line 13\n`
        )
        yield* edit([["line 1\n", "first\n"], ["first", "1st"], ["line 30\n", ""]])
        assert.isTrue(
          Fs.readFileSync(path).equals(
            Buffer.concat([Buffer.from(["1st\n", ...lines.slice(1, 29)].join("")), Buffer.from([0xff, 0xfe])])
          )
        )
        failsWith(yield* edit([["", "x"]]), "EINVAL")
      }))

    it.effect("tells the same difference as diff", () =>
      Effect.gen(function*() {
        const [one, other] = [yield* inHome("diff-a"), yield* inHome("diff-b")]
        const text = Array.from({ length: 60 }, (_, index) => `row ${index % 7} ${index}`).join("\n")
        const edits = [["row 0 0\n", ""], ["row 3 31", "changed"], ["row 1 43\n", "a\nb\nc\n"], ["row 3 59", "end\n"]]
        Fs.writeFileSync(one, text)
        const { value } = yield* file("editFile", {
          path: one,
          dryRun: true,
          edits: edits.map(([oldText, newText]) => ({ oldText, newText }))
        })
        Fs.writeFileSync(other, edits.reduce((result, [from = "", to = ""]) => result.replace(from, to), text))
        const { stdout } = yield* shell(`diff -u diff-a diff-b | tail -n +3`)
        assert.strictEqual(String(value["diff"]).split("\n").slice(2).join("\n"), stdout)
      }))

    it.effect("describes, lists, makes and removes", () =>
      Effect.gen(function*() {
        const directory = yield* inHome("made/deep")
        yield* file("createDirectory", { path: directory })
        assert.isTrue((yield* file("createDirectory", { path: directory })).ok)
        const path = Path.join(directory, "b.txt")
        Fs.writeFileSync(path, "12345")
        Fs.utimesSync(path, 1_700_000_000, 1_700_000_000)
        Fs.chmodSync(path, 0o644)
        Fs.mkdirSync(Path.join(directory, "a"))
        Fs.symlinkSync("a", Path.join(directory, "c"))
        assert.deepInclude((yield* file("fileInfo", { path })).value, {
          name: "b.txt",
          path,
          size: 5,
          isDirectory: false,
          modTime: "2023-11-14T22:13:20Z",
          mode: "-rw-r--r--",
          owner: Os.userInfo().username
        })
        assert.deepStrictEqual((yield* file("listDirectory", { path: directory })).value["entries"], [
          { name: "a", isDirectory: true },
          { name: "b.txt", isDirectory: false },
          { name: "c", isDirectory: true }
        ])
        failsWith(yield* file("deleteFile", { path: directory }), "EISDIR")
        assert.isTrue((yield* file("deleteFile", { path })).ok)
        failsWith(yield* file("deleteFile", { path }), "ENOENT")
        failsWith(yield* file("fileInfo", { path }), "ENOENT")
        failsWith(yield* file("createDirectory", { path: "/etc/passwd" }), "EEXIST")
      }))

    it.effect("moves within and across file systems, and onto nothing that exists", () =>
      Effect.gen(function*() {
        const source = yield* inHome("source")
        Fs.mkdirSync(source)
        Fs.writeFileSync(Path.join(source, "inside"), "x", { mode: 0o600 })
        const taken = yield* inHome("taken")
        Fs.writeFileSync(taken, "")
        const move = (from: string, to: string) => file("moveFile", { source: from, destination: to })
        failsWith(yield* move(source, taken), "EEXIST")
        failsWith(yield* move(source, "/no/such/parent"), "ENOENT")
        failsWith(yield* move(`${source}-missing`, `${source}-2`), "ENOENT")
        const away = Path.join("/dev/shm", Path.basename(yield* inHome("")))
        assert.isTrue((yield* move(source, away)).ok)
        assert.isFalse(Fs.existsSync(source))
        assert.strictEqual(Fs.readFileSync(Path.join(away, "inside"), "utf8"), "x")
        assert.strictEqual(Fs.statSync(Path.join(away, "inside")).mode & 0o777, 0o600)
        execFileSync("mkfifo", [Path.join(away, "pipe")])
        const refused = yield* move(away, source)
        failsWith(refused, "EFAIL")
        assert.match(refused.message ?? "", /FIFO/)
        assert.deepStrictEqual(Fs.readdirSync(away), ["inside", "pipe"])
        assert.notInclude(Fs.readdirSync(Path.dirname(source)).join(), "part")
        Fs.rmSync(Path.join(away, "pipe"))
        assert.isTrue((yield* move(away, source)).ok)
        assert.isFalse(Fs.existsSync(away))
      }))

    it.effect("finds files by name and by path", () =>
      Effect.gen(function*() {
        const root = yield* inHome("tree")
        for (const name of ["a.txt", "b.md", "src/c.txt", "src/deep/d.txt", "skip/e.txt", ".hidden.txt"]) {
          Fs.mkdirSync(Path.dirname(Path.join(root, name)), { recursive: true })
          Fs.writeFileSync(Path.join(root, name), "")
        }
        Fs.symlinkSync("..", Path.join(root, "src/loop"))
        const search = (pattern: string, excludePatterns: ReadonlyArray<string> = []) =>
          Effect.map(file("searchFiles", { path: root, pattern, excludePatterns }), ({ value }) =>
            (value["paths"] as ReadonlyArray<string>).map((path) => Path.relative(root, path)))
        assert.deepStrictEqual(yield* search("*.txt", ["skip"]), [
          ".hidden.txt",
          "a.txt",
          "src/c.txt",
          "src/deep/d.txt"
        ])
        assert.deepStrictEqual(yield* search("b.md"), ["b.md"])
        assert.deepStrictEqual(yield* search("src/*.txt"), ["src/c.txt"])
        assert.deepStrictEqual(yield* search("src/**/*.txt"), ["src/c.txt", "src/deep/d.txt"])
        assert.deepStrictEqual(yield* search("**/{a,d}.t[x-z]t"), ["a.txt", "src/deep/d.txt"])
        assert.deepStrictEqual(yield* search("?.txt", ["src/**"]), ["a.txt", "skip/e.txt"])
        assert.deepStrictEqual(yield* search(Path.join(root, "*.md")), ["b.md"])
        assert.deepStrictEqual(yield* search("deep"), ["src/deep"])
        failsWith(yield* file("searchFiles", { path: `${root}/b.md`, pattern: "*", excludePatterns: [] }), "ENOTDIR")
      }))

    it.effect("is not slowed down by any pattern", () =>
      Effect.gen(function*() {
        const root = yield* inHome("long")
        Fs.mkdirSync(root)
        Fs.writeFileSync(Path.join(root, "a".repeat(250)), "")
        const { pid } = yield* AgentProcess
        const before = cpuMillisOf(pid)
        const args = { path: root, pattern: `${"*a".repeat(100)}b${"{a,b}".repeat(50)}`, excludePatterns: [] }
        assert.deepStrictEqual((yield* file("searchFiles", args)).value, { paths: [], limit: null })
        assert.isBelow(cpuMillisOf(pid) - before, 2000)
      }))

    it.effect("tells what has changed since it was asked before", () =>
      Effect.gen(function*() {
        const root = yield* inHome("watched")
        Fs.mkdirSync(Path.join(root, "sub"), { recursive: true })
        Fs.writeFileSync(Path.join(root, "kept"), "1")
        Fs.writeFileSync(Path.join(root, "gone"), "1")
        const changes = Effect.map(file("fileChange", { path: root }), ({ value }) =>
          (value["events"] as ReadonlyArray<Record<string, string>>).map((event) =>
            `${event["eventType"]} ${event["pathType"]} ${Path.relative(root, event["path"] ?? "")}`
          ))
        assert.deepStrictEqual(yield* changes, [])
        assert.deepStrictEqual(yield* changes, [])
        Fs.writeFileSync(Path.join(root, "kept"), "22")
        Fs.rmSync(Path.join(root, "gone"))
        Fs.mkdirSync(Path.join(root, "sub/new"))
        Fs.writeFileSync(Path.join(root, "sub/new/file"), "")
        assert.deepStrictEqual(yield* changes, [
          "delete file gone",
          "modify file kept",
          "create directory sub/new",
          "create file sub/new/file"
        ])
        assert.deepStrictEqual(yield* changes, [])
        failsWith(yield* file("fileChange", { path: `${root}/nothing` }), "ENOENT")
      }))
  })
})
