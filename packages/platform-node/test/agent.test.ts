import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { encode } from "../src/internal/sandbox/frames.mjs"
import * as Agent from "./fixtures/agentProcess.js"
import { processesWith, until } from "./fixtures/processes.js"

const { AgentProcess, interpreters } = Agent
const isLinux = process.platform === "linux"
const seconds = { timeout: 20_000 }

const run = (language: string, code: string, options: object = {}) =>
  Effect.flatMap(AgentProcess, ({ call }) =>
    Effect.map(call("runCode", { language, code, timeoutMs: 15_000, ...options }), (answer) => {
      assert.isTrue(answer.ok, answer.message)
      return { ...answer, ...answer.value as unknown as Agent.RunValue }
    }))

const shell = (command: string, options: object = {}) =>
  Effect.flatMap(AgentProcess, ({ call }) => call("shell", { command, timeoutMs: 10_000, ...options }))

const main = ({ results }: { readonly results: ReadonlyArray<Record<string, unknown>> }) =>
  results.find((result) => result["isMainResult"] === true)?.["text/plain"]

const failsWith = (answer: Agent.Answer, code: string) => {
  assert.isFalse(answer.ok)
  assert.strictEqual(answer.code, code, answer.message)
}

/** A number of seconds that no other process sleeps for. */
const uniqueSeconds = () => `8${process.pid}.${Math.floor(Math.random() * 1e9)}`

describe.skipIf(!isLinux)("agent", () => {
  describe("process", () => {
    it.scoped("says that it is ready, answers, and refuses what it does not know", () =>
      Effect.gen(function*() {
        const { call } = yield* Agent.make()
        assert.isNull((yield* call("ping")).value["nothing"] ?? null)
        assert.isTrue((yield* call("ping")).ok)
        failsWith(yield* call("constructor"), "EINVAL")
        failsWith(yield* call("shell", { command: 5, timeoutMs: 10 }), "EINVAL")
      }))

    it.scoped("takes frames in any pieces", () =>
      Effect.gen(function*() {
        const { call, home } = yield* Agent.make()
        const body = Buffer.from("x".repeat(300_000))
        const path = Path.join(home, "pieces")
        assert.isTrue((yield* call("writeFile", { path, mode: "overwrite" }, body)).ok)
        assert.strictEqual(Fs.statSync(path).size, body.length)
        assert.isAbove(encode(1, {}, body).length, 1)
      }))

    it.scoped("keeps no descriptor that it was started with", () =>
      Effect.gen(function*() {
        const directory = Fs.openSync("/etc", "r")
        const { pid } = yield* Agent.make([directory, directory])
        Fs.closeSync(directory)
        const open = Fs.readdirSync(`/proc/${pid}/fd`).map((fd) => Fs.readlinkSync(`/proc/${pid}/fd/${fd}`))
        assert.notInclude(open, "/etc")
      }))

    it.scoped("ends everything it has started when its input ends", () =>
      Effect.gen(function*() {
        const { call, close } = yield* Agent.make()
        const [group, session] = [uniqueSeconds(), uniqueSeconds()]
        yield* call("shell", { command: `sleep ${group} & setsid sleep ${session} &`, timeoutMs: 5000 })
        yield* call("runCode", { language: "javascript", code: "1", timeoutMs: 5000 })
        assert.strictEqual(processesWith(group).length + processesWith(session).length, 2)
        assert.strictEqual(yield* close, 0)
        assert.isTrue(yield* until(() => processesWith(group).length + processesWith(session).length === 0))
      }))
  })

  layer(Agent.layer)("shell", (it) => {
    it.effect("gives output, exit code and signal", () =>
      Effect.gen(function*() {
        const answer = yield* shell("echo out; echo err >&2; exit 3")
        assert.deepStrictEqual([answer.stdout, answer.stderr], ["out\n", "err\n"])
        assert.deepInclude(answer.value, { exitCode: 3, signal: null, timedOut: false, stdoutTruncated: false })
        assert.deepInclude((yield* shell("kill -TERM $$")).value, { exitCode: 143, signal: "SIGTERM" })
        assert.deepInclude((yield* shell("nonsense-command")).value, { exitCode: 127 })
      }))

    it.effect("has real pipes and an empty input", () =>
      Effect.gen(function*() {
        const answer = yield* shell("echo a >/dev/stderr; echo b | tee /dev/stderr; cat; ls /proc/self/fd | wc -l")
        assert.strictEqual(answer.stderr, "a\nb\n")
        assert.strictEqual(answer.stdout, "b\n4\n")
      }))

    it.effect("takes the values of variables literally and nothing from its own environment", () =>
      Effect.gen(function*() {
        const value = "a 'b' \"c\"; $HOME `id` !@#%^&*()\nline"
        const { stdout } = yield* shell("printf %s \"$V\"", { envs: { V: value } })
        assert.strictEqual(stdout, value)
        const names = (yield* shell("env | cut -d= -f1 | sort")).stdout.trim().split("\n")
        assert.deepStrictEqual(names, ["AGB_CALL_ID", "HOME", "LANG", "MARKER", "PATH", "PWD", "TMPDIR"])
        failsWith(yield* shell("true", { envs: { "A=B": "" } }), "EINVAL")
        failsWith(yield* shell("true", { envs: { A: 1 } }), "EINVAL")
      }))

    it.effect("runs in the working directory or the one asked for", () =>
      Effect.gen(function*() {
        const { home } = yield* AgentProcess
        const spaced = Path.join(home, "with spaces")
        Fs.mkdirSync(spaced)
        assert.strictEqual((yield* shell("pwd")).stdout, `${Fs.realpathSync(home)}\n`)
        assert.strictEqual((yield* shell("pwd", { cwd: spaced })).stdout, `${Fs.realpathSync(spaced)}\n`)
        failsWith(yield* shell("pwd", { cwd: "relative" }), "EINVAL")
        failsWith(yield* shell("pwd", { cwd: "/no/such/place" }), "ENOENT")
        failsWith(yield* shell("pwd", { cwd: "/etc/passwd" }), "ENOTDIR")
      }))

    it.effect("cuts each stream at its limit", () =>
      Effect.gen(function*() {
        const answer = yield* shell("head -c 300000 /dev/zero; head -c 10 /dev/zero >&2", { maxOutputBytes: 100_000 })
        assert.deepInclude(answer.value, {
          exitCode: 0,
          stdoutBytes: 100_000,
          stdoutTruncated: true,
          stderrBytes: 10,
          stderrTruncated: false
        })
        assert.strictEqual(answer.body.length, 100_010)
      }))

    it.effect("runs commands longer than an argument may be", () =>
      Effect.gen(function*() {
        const text = "x".repeat(300_000)
        const answer = yield* shell(`cat <<'END' | wc -c\n${text}\nEND`)
        assert.strictEqual(answer.stdout.trim(), "300001")
      }))

    it.effect("streams as output comes and repeats it in the reply", () =>
      Effect.gen(function*() {
        const { events, stdout } = yield* shell("echo one; sleep 0.2; echo two", { stream: true })
        assert.strictEqual(stdout, "one\ntwo\n")
        assert.deepStrictEqual(events.map(({ event, text }) => [event, text]), [["stdout", "one\n"], ["stdout", "two\n"]])
        assert.isAbove((events[1]?.at ?? 0) - (events[0]?.at ?? 0), 150)
      }))

    it.effect("does not wait for jobs in the background, which go on", () =>
      Effect.gen(function*() {
        const { home } = yield* AgentProcess
        const began = performance.now()
        const answer = yield* shell("(for i in 1 2 3; do sleep 0.1; echo line; done; touch done) & echo started")
        assert.isBelow(performance.now() - began, 1000)
        assert.strictEqual(answer.stdout, "started\n")
        assert.isTrue(yield* until(() => Fs.existsSync(Path.join(home, "done"))))
      }))

    it.effect("ends a command that is too long, with its children and those that left the group", () =>
      Effect.gen(function*() {
        const [child, stray] = [uniqueSeconds(), uniqueSeconds()]
        const answer = yield* shell(`echo before; setsid sleep ${stray} & sleep ${child}; echo after`, { timeoutMs: 200 })
        assert.deepInclude(answer.value, { exitCode: 124, timedOut: true, signal: "SIGKILL" })
        assert.strictEqual(answer.stdout, "before\n")
        assert.isTrue(yield* until(() => processesWith(child).length + processesWith(stray).length === 0))
      }))

    it.effect("ends a command that is cancelled", () =>
      Effect.gen(function*() {
        const { begin, post } = yield* AgentProcess
        const { answer, id } = begin("shell", { command: "sleep 10", timeoutMs: 20_000 })
        yield* shell("true")
        post({ op: "cancel", target: id })
        assert.deepInclude((yield* Effect.promise(() => answer)).value, { exitCode: 137, timedOut: false })
      }))

    it.effect("runs calls side by side", () =>
      Effect.gen(function*() {
        const answers = yield* Effect.all(Array.from({ length: 20 }, (_, index) => shell(`sleep 0.1; echo ${index}`)), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(answers.map(({ stdout }) => stdout.trim()), answers.map((_, index) => String(index)))
      }))
  })

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
        assert.isTrue(Fs.readFileSync(path).equals(
          Buffer.concat([Buffer.from(["1st\n", ...lines.slice(1, 29)].join("")), Buffer.from([0xff, 0xfe])])
        ))
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
        assert.deepStrictEqual(yield* search("*.txt", ["skip"]), [".hidden.txt", "a.txt", "src/c.txt", "src/deep/d.txt"])
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
        const began = performance.now()
        const args = { path: root, pattern: `${"*a".repeat(100)}b${"{a,b}".repeat(50)}`, excludePatterns: [] }
        assert.deepStrictEqual((yield* file("searchFiles", args)).value, { paths: [], truncated: false })
        assert.isBelow(performance.now() - began, 2000)
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

  describe.skipIf(interpreters.python === undefined)("python", () => {
    layer(Agent.layer)("kernel", (it) => {
      const python = (code: string, options?: object) => run("python", code, options)

      it.effect("keeps its state and shows the last value", () =>
        Effect.gen(function*() {
          assert.strictEqual((yield* python("import math\nx = 20\nx + 1")).executionCount, 1)
          const second = yield* python("x = x * 2; x")
          assert.strictEqual(main(second), "40")
          assert.strictEqual(second.executionCount, 2)
          assert.isFalse(second.kernelRestarted)
          for (const silent of ["x;", "x = 1", "None", "(x\n);", "# only a comment", "def f(): pass"]) {
            assert.deepStrictEqual((yield* python(silent)).results, [], silent)
          }
        }))

      it.effect("gives output to the run that made it", () =>
        Effect.gen(function*() {
          const runs = yield* Effect.all(
            Array.from({ length: 20 }, (_, index) =>
              python(`import os, sys\nos.system("echo sub${index}; echo err${index} >/dev/stderr")\nprint("own${index}")`)
            ),
            { concurrency: "unbounded" }
          )
          runs.forEach(({ stderr, stdout }, index) => {
            assert.strictEqual(stdout, `sub${index}\nown${index}\n`)
            assert.strictEqual(stderr, `err${index}\n`)
          })
        }))

      it.effect("streams output as it comes", () =>
        Effect.gen(function*() {
          const code = "import time\nprint('a'); time.sleep(0.2); print('b')"
          const { events } = yield* python(code, { stream: true })
          assert.deepStrictEqual(events.map(({ text }) => text), ["a\n", "b\n"])
          assert.isAbove((events[1]?.at ?? 0) - (events[0]?.at ?? 0), 150)
        }))

      it.effect("shows the user's own lines and no others in a traceback", () =>
        Effect.gen(function*() {
          const first = yield* python("def divide(a, b):\n    return a / b")
          const { error } = yield* python("\ndivide(1, 0)")
          assert.strictEqual(error?.name, "ZeroDivisionError")
          assert.strictEqual(error?.value, "division by zero")
          const lines = (error?.traceback ?? "").split("\n").filter((line) => !/^[\s~^]*$/.test(line))
          assert.deepStrictEqual(lines, [
            "Traceback (most recent call last):",
            `  File "<run ${first.executionCount + 1}>", line 2, in <module>`,
            "    divide(1, 0)",
            `  File "<run ${first.executionCount}>", line 2, in divide`,
            "    return a / b",
            "ZeroDivisionError: division by zero"
          ])
          assert.strictEqual((yield* python("def (:")).error?.name, "SyntaxError")
          assert.strictEqual((yield* python("import sys; sys.exit(3)")).error?.name, "SystemExit")
          assert.include((yield* python("input('?')")).error?.value, "not available")
        }))

      it.effect("shows values in every form they have", () =>
        Effect.gen(function*() {
          const { results } = yield* python([
            "from IPython.display import HTML, JSON, Markdown, display",
            "class Picture:",
            "  def _repr_png_(self): return b'\\x89PNG'",
            "class Bundle:",
            "  def _repr_mimebundle_(self, **_): return {'text/plain': 'b', 'application/vnd.vegalite.v4+json': {'mark': 1}}",
            "display(HTML('<b>x</b>'), Picture(), raw=False)",
            "display(Bundle())",
            "JSON({'a': [1, None]})"
          ].join("\n"))
          assert.strictEqual(results[0]?.["text/html"], "<b>x</b>")
          assert.strictEqual(results[1]?.["image/png"], Buffer.from("\x89PNG", "latin1").toString("base64"))
          assert.deepStrictEqual(results[2], {
            "text/plain": "b",
            "application/vnd.vegalite.v4+json": { mark: 1 },
            isMainResult: false
          })
          assert.deepInclude(results[3], { "application/json": { a: [1, null] }, isMainResult: true })
        }))

      it.effect("awaits at the top level", () =>
        Effect.gen(function*() {
          assert.strictEqual(main(yield* python("import asyncio\nawait asyncio.sleep(0.01, 'slept')")), "'slept'")
          assert.strictEqual(main(yield* python("async def f(): return 2\ny = await f()\ny + await f()")), "4")
        }))

      it.effect("survives text that is no Unicode, and large results", () =>
        Effect.gen(function*() {
          assert.strictEqual((yield* python("print('\\ud800 é')")).stdout, "\\ud800 é\n")
          assert.strictEqual(main(yield* python("class S:\n  def __repr__(self): return '\\ud800\\t\\x01\\n'\nS()")), "\\ud800\t\u0001\n")
          const large = yield* python("'x' * 30_000_000")
          assert.match(String(main(large)), /more characters\)$/)
          assert.strictEqual(main(yield* python("1")), "1")
        }))

      it.effect("cuts output at the limit and goes on", () =>
        Effect.gen(function*() {
          const flood = yield* python("for i in range(50_000): print('0123456789')\n'end'", { maxOutputBytes: 1000 })
          assert.strictEqual(main(flood), "'end'")
          assert.deepInclude(flood.value, { stdoutBytes: 1000, stdoutTruncated: true })
          assert.strictEqual((yield* python("print('next')")).stdout, "next\n")
        }))

      it.effect("is interrupted after its time and keeps its state", () =>
        Effect.gen(function*() {
          yield* python("kept = 'state'")
          const loop = yield* python("print('begun')\nwhile True: pass", { timeoutMs: 200 })
          assert.strictEqual(loop.timedOut, "interrupted")
          assert.strictEqual(loop.error?.name, "KeyboardInterrupt")
          assert.strictEqual(loop.stdout, "begun\n")
          const child = yield* python("import os\nos.system('sleep 10')", { timeoutMs: 200 })
          assert.strictEqual(child.timedOut, "interrupted")
          const next = yield* python("kept")
          assert.strictEqual(main(next), "'state'")
          assert.isFalse(next.kernelRestarted)
        }))

      it.effect("is killed when it does not give in, and starts afresh", () =>
        Effect.gen(function*() {
          yield* python("kept = 'state'")
          const stubborn = "import time\nwhile True:\n  try: time.sleep(10)\n  except KeyboardInterrupt: print('no')"
          const killed = yield* python(stubborn, { timeoutMs: 150 })
          assert.strictEqual(killed.timedOut, "killed")
          assert.strictEqual(killed.stdout, "no\n")
          const next = yield* python("'kept' in dir()")
          assert.isTrue(next.kernelRestarted)
          assert.strictEqual(main(next), "False")
          assert.isFalse((yield* python("1")).kernelRestarted)
        }))

      it.effect("is replaced when it dies", () =>
        Effect.gen(function*() {
          const died = yield* python("import os\nprint('last words', flush=True)\nos.kill(os.getpid(), 9)")
          assert.strictEqual(died.died, "signal SIGKILL")
          assert.strictEqual(died.stdout, "last words\n")
          assert.strictEqual((yield* python("import os; os._exit(4)")).died, "exit code 4")
          const next = yield* python("1 + 1")
          assert.deepInclude(next, { kernelRestarted: true, died: null })
          assert.strictEqual(main(next), "2")
        }))

      it.effect("is interrupted when the call is cancelled", () =>
        Effect.gen(function*() {
          const { begin, post } = yield* AgentProcess
          yield* python("1")
          const running = begin("runCode", { language: "python", code: "import time; time.sleep(20)", timeoutMs: 30_000 })
          const queued = begin("runCode", { language: "python", code: "1", timeoutMs: 30_000 })
          yield* shell("sleep 0.1")
          post({ op: "cancel", target: queued.id })
          post({ op: "cancel", target: running.id })
          const { value } = yield* Effect.promise(() => running.answer)
          assert.deepInclude(value, { timedOut: null, died: null })
          assert.deepInclude(value["error"], { name: "KeyboardInterrupt" })
          failsWith(yield* Effect.promise(() => queued.answer), "EFAIL")
        }))

      it.effect("is not confused by a forked child", () =>
        Effect.gen(function*() {
          const forked = yield* python("import os\nif os.fork() == 0: os.write(1, b'child ')\nelse: os.wait()\n'one'")
          assert.strictEqual(main(forked), "'one'")
          assert.strictEqual(forked.stdout, "child ")
        }))
    })
  })

  layer(Agent.layer)("javascript", (it) => {
    const script = (code: string, options?: object) => run("javascript", code, options)

    it.effect("keeps its state, allows a second declaration and shows the last value", () =>
      Effect.gen(function*() {
        yield* script("const a = 1; let b = 2; class C {}")
        assert.strictEqual(main(yield* script("const a = 40; let b = 2; class C { d = 1 }\na + b")), "42")
        assert.strictEqual(main(yield* script("({ a, list: [new C()] })")), "{ a: 40, list: [ C { d: 1 } ] }")
        assert.deepStrictEqual((yield* script("undefined")).results, [])
        assert.strictEqual(main(yield* script("1n")), "1n")
      }))

    it.effect("awaits, imports and requires", () =>
      Effect.gen(function*() {
        assert.strictEqual(main(yield* script("await new Promise((r) => setTimeout(() => r('waited'), 10))")), "'waited'")
        assert.strictEqual(main(yield* script("Promise.resolve(7)")), "7")
        const code = "import os, { EOL as end } from \"node:os\"\nimport * as path from 'path'\n[os.EOL === end, path.sep]"
        assert.strictEqual(main(yield* script(code)), "[ true, '/' ]")
        assert.strictEqual(main(yield* script("(await import('node:path')).sep + require('path').sep")), "'//'")
        assert.strictEqual(main(yield* script("'import x from \"y\"; import(1)'")), "'import x from \"y\"; import(1)'")
      }))

    it.effect("finds modules beside the code", () =>
      Effect.gen(function*() {
        const { home } = yield* AgentProcess
        Fs.writeFileSync(Path.join(home, "mine.mjs"), "export default 5")
        Fs.writeFileSync(Path.join(home, "other.cjs"), "module.exports = 6")
        assert.strictEqual(main(yield* script("import mine from './mine.mjs'\nmine + require('./other.cjs')")), "11")
      }))

    it.effect("gives output to the run that made it", () =>
      Effect.gen(function*() {
        const runs = yield* Effect.all(
          Array.from({ length: 10 }, (_, index) =>
            script(
              `require("child_process").execSync("echo sub${index}", { stdio: "inherit" })\n` +
                `console.log("log${index}"); console.error("err${index}"); process.stdout.write("end")\nundefined`
            )
          ),
          { concurrency: "unbounded" }
        )
        runs.forEach(({ stderr, stdout }, index) => {
          assert.strictEqual(stdout, `sub${index}\nlog${index}\nend`)
          assert.strictEqual(stderr, `err${index}\n`)
        })
      }))

    it.effect("tells errors with the user's own lines", () =>
      Effect.gen(function*() {
        const { error, executionCount } = yield* script("\nfunction fail() {\n  throw new TypeError('no')\n}\nfail()")
        assert.deepStrictEqual(error, {
          name: "TypeError",
          value: "no",
          traceback: `TypeError: no\n    at fail (run-${executionCount}:3:9)\n    at run-${executionCount}:5:1`
        })
        const syntax = yield* script("let ok = 1\nlet wrong = ;")
        assert.deepInclude(syntax.error, { name: "SyntaxError", value: "Unexpected token ';'" })
        assert.include(syntax.error?.traceback, `run-${syntax.executionCount}:2\nlet wrong = ;\n            ^`)
        assert.deepInclude((yield* script("throw { odd: 1 }")).error, { value: "{ odd: 1 }" })
        assert.deepInclude((yield* script("await Promise.reject(new RangeError('r'))")).error, { name: "RangeError" })
      }))

    it.effect("reports what fails between two runs, and lives", () =>
      Effect.gen(function*() {
        yield* script("var kept = 1; setTimeout(() => { throw new Error('late') }, 5); Promise.reject(new Error('lost')); 0")
        yield* shell("sleep 0.1")
        const { results, stderr } = yield* script("kept")
        assert.include(stderr, "Uncaught Error: lost")
        assert.include(stderr, "Uncaught Error: late")
        assert.strictEqual(results[0]?.["text/plain"], "1")
      }))

    for (
      const [title, code] of [
        ["a loop", "for (;;);"],
        ["a loop after an await", "await null; for (;;);"],
        ["a loop of awaits", "for (;;) await null"],
        ["a loop in a timer", "await new Promise(() => setTimeout(() => { for (;;); }, 1))"],
        ["a promise without end", "await new Promise(() => {})"],
        ["a child", "require('child_process').execSync('sleep 10')"]
      ] as const
    ) {
      it.effect(`is interrupted in ${title} and keeps its state`, () =>
        Effect.gen(function*() {
          yield* script("var kept = 'state'")
          const stopped = yield* script(code, { timeoutMs: 150 })
          assert.strictEqual(stopped.timedOut, "interrupted")
          assert.isNotNull(stopped.error)
          const next = yield* script("kept")
          assert.strictEqual(main(next), "'state'")
          assert.isFalse(next.kernelRestarted)
        }))
    }

    it.effect("is replaced when the code ends it", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* script("console.log('bye'); process.exit(3)")).died, "exit code 3")
        const next = yield* script("typeof kept")
        assert.isTrue(next.kernelRestarted)
        assert.strictEqual(main(next), "'undefined'")
      }))
  })

  describe.skipIf(interpreters.r === undefined)("r", () => {
    layer(Agent.layer)("kernel", (it) => {
      it.effect("keeps its state, shows values and tells streams apart", () =>
        Effect.gen(function*() {
          yield* run("r", "x <- 20")
          const shown = yield* run("r", "x\nsystem('echo sub'); cat('out\\n'); message('note'); warning('careful'); x * 2 + 2")
          assert.strictEqual(main(shown), "[1] 42")
          assert.strictEqual(shown.stdout, "[1] 20\nsub\nout\n")
          assert.strictEqual(shown.stderr, "note\nWarning message: careful\n")
          assert.deepStrictEqual((yield* run("r", "invisible(x)")).results, [])
          assert.strictEqual(main(yield* run("r", "c('é\\t', \"b\")")), "[1] \"é\\t\" \"b\"   ")
        }), seconds)

      it.effect("tells errors", () =>
        Effect.gen(function*() {
          const { error } = yield* run("r", "f <- function(n) stop('bad ', n)\ng <- function() f(3)\ng()")
          assert.deepStrictEqual(error, {
            name: "simpleError",
            value: "bad 3",
            traceback: "Error in f(3): bad 3\n2: f(3)\n1: g()"
          })
          assert.include((yield* run("r", "1 +")).error?.value, "unexpected end of input")
        }), seconds)

      it.effect("is interrupted and keeps its state, or dies and is replaced", () =>
        Effect.gen(function*() {
          yield* run("r", "kept <- 1")
          const loop = yield* run("r", "while (TRUE) {}", { timeoutMs: 200 })
          assert.deepInclude(loop, { timedOut: "interrupted", died: null })
          assert.strictEqual(main(yield* run("r", "kept")), "[1] 1")
          assert.strictEqual((yield* run("r", "quit(status = 3)")).died, "exit code 3")
          assert.isTrue((yield* run("r", "1")).kernelRestarted)
        }), seconds)
    })
  })

  describe.skipIf(interpreters.java === undefined)("java", () => {
    layer(Agent.layer)("kernel", (it) => {
      it.effect("keeps its state, shows values and tells streams apart", () =>
        Effect.gen(function*() {
          yield* run("java", "import java.util.*;\nint square(int n) {\n  return n * n;\n}\nList<Integer> list = List.of(1, 2);")
          const shown = yield* run("java", "System.out.println(list); System.err.print(\"err\");\nsquare(6) + list.size()")
          assert.strictEqual(main(shown), "38")
          assert.strictEqual(shown.stdout, "[1, 2]\n")
          assert.strictEqual(shown.stderr, "err")
          assert.deepStrictEqual((yield* run("java", "int y = 5;")).results, [])
        }), seconds)

      it.effect("tells errors with the user's own lines", () =>
        Effect.gen(function*() {
          const { error, executionCount } = yield* run("java", "void fail() {\n  throw new IllegalStateException(\"no\");\n}\nfail();")
          assert.deepStrictEqual(error, {
            name: "IllegalStateException",
            value: "no",
            traceback: `java.lang.IllegalStateException: no\n    at fail(run-${executionCount}:2)\n    at run-${executionCount}:4`
          })
          const compile = yield* run("java", "int ok = 1;\nint wrong = \"text\";")
          assert.strictEqual(compile.error?.name, "CompileError")
          assert.include(compile.error?.traceback, `run-${compile.executionCount}:2: error: incompatible types`)
        }), seconds)

      it.effect("is interrupted and keeps its state, or dies and is replaced", () =>
        Effect.gen(function*() {
          yield* run("java", "int kept = 1;")
          const loop = yield* run("java", "while (true) {}", { timeoutMs: 400 })
          assert.deepInclude(loop, { timedOut: "interrupted", died: null })
          assert.strictEqual(main(yield* run("java", "kept")), "1")
          assert.strictEqual((yield* run("java", "System.exit(3);")).died, "exit code 3")
        }), seconds)
    })
  })

  it.scoped("says what is missing for a language", () =>
    Effect.gen(function*() {
      const { call } = yield* Agent.make()
      failsWith(yield* call("runCode", { language: "cobol", code: "1", timeoutMs: 1000 }), "EINVAL")
    }))
})
