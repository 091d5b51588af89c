/** The tools of a model over a session of the local runtime. */
import { AgbToolkit } from "@effect-agb/ai"
import { FileSystem, Session } from "@effect-agb/core"
import type { Tool } from "@effect/ai"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { local, params } from "../support/local.js"

const max = 2_000

const services = AgbToolkit.layer({ maxCharacters: max, maxFigureBytes: 100_000 }).pipe(
  Layer.provideMerge(Session.layer(params)),
  Layer.provide(local)
)

type Name = keyof AgbToolkit.Tools

interface Seen {
  readonly output?: string
  readonly error?: string
  readonly stdout?: string
  readonly content?: string
  readonly diff?: string
  readonly matches?: string
  readonly note?: string
  readonly message?: string
  readonly problem?: string
  readonly process_id?: string
  readonly status?: string
  readonly [field: string]: unknown
}

/** A result as a model reads it, or the failure of the call. */
const call = <N extends Name>(name: N, parameters: Tool.Parameters<AgbToolkit.Tools[N]>): Effect.Effect<
  Seen,
  never,
  AgbToolkit.Handlers
> =>
  Effect.flatMap(AgbToolkit.toolkit, ({ handle }) =>
    Effect.match(handle(name, parameters), {
      onFailure: (failure) => ({ failure: String(failure) }),
      onSuccess: ({ encodedResult }) => encodedResult as Seen
    }))

layer(services, { excludeTestServices: true })("over a session", (it) => {
  it.effect("code keeps its state, and an exception in it is a result that says so", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* call("run_code", { code: "x = 20\nprint('set')" }), { output: "set", figures: [] })
      assert.deepStrictEqual(yield* call("run_code", { code: "x + 1" }), { output: "21", figures: [] })
      const failed = yield* call("run_code", { code: "print('before')\n1 / 0" })
      assert.strictEqual(failed.output, "before")
      assert.match(failed.error!, /ZeroDivisionError: division by zero/)
      const stopped = yield* call("run_code", { code: "while True: pass", timeout_seconds: 1 })
      assert.match(stopped.error!, /stopped after 1000 ms[^]*Variables are kept\.$/)
      const language = yield* call("run_code", { code: "1", language: "cobol" })
      assert.strictEqual(language.problem, "InvalidArgument")
      assert.match(language.message!, /language must be python, javascript, java or r/)
    }))

  it.effect("figures are bytes for programs, and a type and a size for models", () =>
    Effect.gen(function*() {
      const { handle } = yield* AgbToolkit.toolkit
      const code = [
        "import base64",
        "class Image:",
        "  def __init__(self, size): self.size = size",
        "  def _repr_png_(self): return b'\\x89PNG' + bytes(self.size)",
        "display(Image(6)); display(Image(200000))"
      ].join("\n")
      const { encodedResult, result } = yield* handle("run_code", { code })
      assert("figures" in result)
      assert.deepStrictEqual(result.figures.map(({ data }) => data), [
        Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 0, 0, 0)
      ])
      assert.deepStrictEqual((encodedResult as typeof result).figures, [{ mimeType: "image/png", byteLength: 10 }])
      assert.match(result.output, /\[1 of 2 figures cannot be shown: at most 10, and of 100,000 bytes each\./)

      const message = Option.getOrThrow(AgbToolkit.figuresMessage([{ type: "tool-result", result }, { type: "text" }]))
      assert.deepStrictEqual(message.content.map((part) => part.type === "file" && part.mediaType), ["image/png"])
      assert.isTrue(Option.isNone(AgbToolkit.figuresMessage([{ type: "tool-result", result: { figures: [] } }])))
    }))

  it.effect("a command tells its exit code, and what is too long is cut and saved", () =>
    Effect.gen(function*() {
      const failed = yield* call("shell", {
        command: "echo out; echo err >&2; exit 3",
        timeout_seconds: null as unknown as number
      })
      assert.deepStrictEqual(failed, { exit_code: 3, stdout: "out", stderr: "err" })
      const stopped = yield* call("shell", { command: "echo begun; sleep 20", timeout_seconds: 1 })
      assert.deepInclude(stopped, { exit_code: null, stdout: "begun" })
      assert.match(stopped.error!, /stopped after 1000 ms/)

      const { stdout } = yield* call("shell", {
        command: "seq 100000 104000; printf '\\033[31mred\\033[0m 1%%\\r100%%'"
      })
      assert.isBelow(stdout!.length, max + 200)
      assert.match(stdout!, /^100000\n[^]*\n104000\nred 1%$|^100000\n[^]*\n104000\n100%$/)
      const [, lines, path] = /\[[\d,]+ characters in ([\d,]+) lines left out here; all of it is in (\S+),/.exec(
        stdout!
      )!
      const kept = stdout!.split("\n").length - 1
      assert.strictEqual(Number(lines!.replace(",", "")) + kept, 4002)
      const rest = yield* call("read_file", { path: path!, start_line: 2001, line_count: 2 })
      assert.strictEqual(rest.content, "102000\n102001\n[lines 2001 to 2002; read on with start_line 2003]")
    }))

  it.effect("files are written with their directories, read in parts and edited where the text is unique", () =>
    Effect.gen(function*() {
      const path = "/tmp/notes/deep/a.txt"
      assert.deepStrictEqual(yield* call("write_file", { path, content: "one\ntwo é\none more\n" }), {
        path,
        bytes_written: 20
      })
      assert.strictEqual((yield* call("read_file", { path, start_line: 2 })).content, "two é\none more\n")
      assert.match((yield* call("edit_file", { path, old_text: "two", new_text: "2" })).diff!, /-two é[^]*\+2 é/)
      const twice = yield* call("edit_file", { path, old_text: "one", new_text: "1" })
      assert.deepInclude(twice, { problem: "NoMatch" })
      assert.match(twice.message!, /occurs 2 times/)
      const none = yield* call("edit_file", { path, old_text: "three", new_text: "3" })
      assert.match(none.message!, /old_text is not in/)
      yield* call("edit_file", { path, old_text: "one", new_text: "one one", replace_all: true })
      assert.strictEqual((yield* call("read_file", { path })).content, "one one\n2 é\none one more\n")
      assert.deepStrictEqual(yield* call("list_directory", { path: "/tmp/notes" }), { entries: ["deep/"] })

      for (const missing of ["/tmp/notes/none", "relative.txt"]) {
        assert.strictEqual((yield* call("read_file", { path: missing })).problem, "NotFound")
      }
    }))

  it.effect("relative paths start where commands start, for every tool", () =>
    Effect.gen(function*() {
      const { stdout: base = "" } = yield* call("shell", { command: "mkdir -p project && cd project && pwd" })
      assert.match(base, /^\/.*\/project$/)
      const path = `${base}/deep/a.py`
      const content = "def first():\n  pass\n"
      const written = yield* call("write_file", { path: "project/deep/a.py", content })
      assert.deepStrictEqual(written, { path, bytes_written: 20 })
      assert.strictEqual((yield* call("read_file", { path: "./project/deep/a.py" })).content, content)
      assert.strictEqual((yield* call("read_file", { path })).content, content)
      assert.match(
        (yield* call("edit_file", { path: "project/deep/a.py", old_text: "pass", new_text: "1" })).diff!,
        /1/
      )
      assert.deepStrictEqual(yield* call("list_directory", { path: "project" }), { entries: ["deep/"] })
      assert.deepInclude(
        yield* call("list_directory", { path: "." }),
        yield* call("list_directory", {
          path: base.replace(/\/project$/, "")
        })
      )
      assert.strictEqual(
        (yield* call("search", { path: "project", pattern: "def" })).matches,
        `${path}:1:def first():`
      )
      assert.strictEqual((yield* call("search", { path: "project", glob: "*.py" })).matches, path)
      const ls = { command: "ls", working_directory: "project/deep" }
      assert.strictEqual((yield* call("shell", ls)).stdout, "a.py")
      const { process_id = "" } = yield* call("start_process", ls)
      assert.strictEqual((yield* call("read_process", { process_id, wait_seconds: 30 })).output?.trim(), "a.py")

      yield* call("shell", { command: "echo kept > ~/of-home.txt" })
      assert.strictEqual((yield* call("read_file", { path: "~/of-home.txt" })).content, "kept\n")
      assert.include((yield* call("list_directory", { path: "~" }))["entries"], "of-home.txt")
    }))

  it.effect("a time limit that is none is refused by the name that the model knows", () =>
    Effect.gen(function*() {
      for (const timeout_seconds of [0, -1, 86_401, Number.NaN]) {
        const message = `timeout_seconds must be a number above 0 and up to 86,400, but was ${timeout_seconds}`
        assert.deepStrictEqual(yield* call("shell", { command: "true", timeout_seconds }), {
          problem: "InvalidArgument",
          message: `shell: ${message}`
        })
        assert.deepInclude(yield* call("run_code", { code: "1", timeout_seconds }), { message: `run_code: ${message}` })
      }
    }))

  it.effect("of a long file only what is shown is read, and of what is no text nothing is shown", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      yield* files.writeFile("/tmp/long.txt", `${"x".repeat(999)}\n`.repeat(20_000))
      const first = yield* call("read_file", { path: "/tmp/long.txt" })
      assert.match(first.content!, /^(x{999}\n){2}\[lines 1 to 2; read on with start_line 3\]$/)
      const last = yield* call("read_file", { path: "/tmp/long.txt", start_line: 20_000 })
      assert.strictEqual(last.content, `${"x".repeat(999)}\n`)

      yield* files.writeFile("/tmp/line.txt", "y".repeat(10_000))
      const line = yield* call("read_file", { path: "/tmp/line.txt" })
      assert.match(line.content!, /^y{2000}\n\[a line is too long to be shown whole;/)

      yield* files.writeFile("/tmp/bytes", Uint8Array.of(0xff, 0xfe, 0))
      assert.deepInclude(yield* call("read_file", { path: "/tmp/bytes" }), { problem: "FileFailed" })
      yield* files.writeFile("/tmp/a.png", Uint8Array.of(1, 2, 3))
      assert.deepStrictEqual(yield* call("read_file", { path: "/tmp/a.png" }), {
        content: "[image/png, 3 bytes]",
        figures: [{ mimeType: "image/png", byteLength: 3 }]
      })
    }))

  it.effect("a search finds lines and names, and takes patterns literally", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      yield* files.createDirectory("/tmp/search/.git")
      yield* files.writeFile("/tmp/search/a.py", "def first():\n  pass\n")
      yield* files.writeFile("/tmp/search/b.txt", "def second\n$HOME `id` \"'\n")
      yield* files.writeFile("/tmp/search/.git/c.py", "def hidden():\n")
      const path = "/tmp/search"
      assert.strictEqual(
        (yield* call("search", { path, pattern: "def \\w+" })).matches!.split("\n").sort().join("\n"),
        "/tmp/search/a.py:1:def first():\n/tmp/search/b.txt:1:def second"
      )
      assert.strictEqual(
        (yield* call("search", { path, pattern: "def", glob: "*.py" })).matches,
        "/tmp/search/a.py:1:def first():"
      )
      assert.strictEqual((yield* call("search", { path, glob: "*.py" })).matches, "/tmp/search/a.py")
      assert.strictEqual(
        (yield* call("search", { path, pattern: "\\$HOME `id` \"'" })).matches,
        "/tmp/search/b.txt:2:$HOME `id` \"'"
      )
      assert.strictEqual((yield* call("search", { path, pattern: "nothing" })).matches, "")
      assert.deepInclude(yield* call("search", { path, pattern: "(" }), { problem: "ToolFailed" })
      assert.deepInclude(yield* call("search", { path: "/tmp/none", pattern: "x" }), { problem: "ToolFailed" })
      assert.deepInclude(yield* call("search", { path }), { problem: "InvalidArgument" })

      yield* files.writeFile("/tmp/search/spaces.txt", "two spaces\ntwo  spaces\n")
      assert.strictEqual(
        (yield* call("search", { path, pattern: "two  spaces" })).matches,
        "/tmp/search/spaces.txt:2:two  spaces"
      )

      yield* files.writeFile("/tmp/search/many.txt", "match\n".repeat(1_000))
      const many = yield* call("search", { path, pattern: "match" })
      assert.match(many.note!, /^9\d\d or more further lines are left out/)
      assert.isAtMost(many.matches!.length, max)
    }))

  it.effect("processes are read where the last reading ended, and killed with their output kept", () =>
    Effect.gen(function*() {
      const command = "echo up; read line < /tmp/go; echo é; sleep 1000"
      yield* call("shell", { command: "mkfifo /tmp/go" })
      const id = { process_id: (yield* call("start_process", { command })).process_id! }
      assert.deepStrictEqual(yield* call("read_process", { ...id, wait_for: "up" }), {
        ...id,
        status: "running",
        output: "up"
      })
      yield* call("shell", { command: "echo > /tmp/go" })
      assert.deepInclude(yield* call("read_process", { ...id, wait_for: "é" }), { output: "é", status: "running" })
      const killed = yield* call("kill_process", id)
      assert.deepInclude(killed, { status: "exited", exit_code: 143, output: "", note: "it was ended by SIGTERM" })
      assert.deepStrictEqual(yield* call("kill_process", id), killed)
      assert.match(
        (yield* call("read_process", { process_id: "process-9" })).message!,
        /no process process-9; started were: process-1/
      )

      const ready = yield* call("start_process", { command: "echo ready; sleep 5; echo late" })
      const reading = { process_id: ready.process_id!, wait_for: "ready" }
      assert.strictEqual((yield* call("read_process", reading)).output, "ready")
      yield* call("kill_process", reading)

      const long = yield* call("start_process", { command: "seq 1000 2000" })
      const parts: Array<string> = []
      for (let status = "running"; status === "running";) {
        const part = yield* call("read_process", { process_id: long.process_id!, wait_seconds: 30 })
        assert.isAtMost(part.output!.length, max)
        parts.push(part.output!)
        status = part.status!
      }
      assert.isAbove(parts.length, 2)
      assert.strictEqual(parts.join("").replaceAll("\n", ""), Array.from({ length: 1001 }, (_, n) => n + 1000).join(""))
    }))
})
