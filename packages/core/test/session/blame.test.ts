/** What errors of files and commands name: the path that is missing, and the time that was not enough. */
import { Command, FileSystem, ToolCall } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const answering = (text: string, seen: Array<Readonly<Record<string, unknown>>> = []): ToolCall.ToolCall =>
  ToolCall.make(({ args }) => {
    seen.push(args)
    return Effect.succeed({ reply: { content: [{ type: "text", text }], isError: true }, requestId: undefined })
  })

describe("a file error", () => {
  const moving = (text: string) => Effect.flip(FileSystem.make(answering(text)).moveFile("/h/a", "/h/new/a.txt"))

  it.effect("names the directory that is missing, and not the file that needs it", () =>
    Effect.gen(function*() {
      const text = "ENOENT: No such directory (not found): /h/new (needed for /h/new/a.txt)"
      const error = yield* moving(text)
      assert.deepInclude(error, { _tag: "FileNotFoundError", path: "/h/new", detail: text })
      assert.strictEqual(error.message, "FileSystem.moveFile: /h/new does not exist")
      const written = yield* Effect.flip(FileSystem.make(answering(text)).writeFile("/h/new/a.txt", "x"))
      assert.strictEqual(written.message, "FileSystem.writeFile: /h/new does not exist")
    }))

  it.effect("names the path of a move that the session names", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* moving("EEXIST: Already exists: /h/new/a.txt"), { path: "/h/new/a.txt" })
      assert.deepInclude(yield* moving("No such file or directory (not found): /h/a"), { path: "/h/a" })
      assert.deepInclude(yield* moving("EFAIL: '/h/a' to '/h/new/a.txt'"), { path: "/h/a" })
      assert.deepInclude(yield* moving("not found"), { path: "/h/a" })
      const inverse = FileSystem.make(answering("EEXIST: already exists: /h/a")).moveFile("/h/a.txt", "/h/a")
      assert.deepInclude(yield* Effect.flip(inverse), { path: "/h/a" })
    }))
})

describe("a command that takes too long", () => {
  const timedOut = (line: string) => JSON.stringify({ stdout: "out", stderr: `err\n${line}`, exit_code: 124 })

  it.effect("has 30 seconds by default, and its error says so", () =>
    Effect.gen(function*() {
      const seen: Array<Readonly<Record<string, unknown>>> = []
      const command = Command.make(answering(timedOut("The command timed out after 30000 ms"), seen))
      const error = yield* Effect.flip(command.executeCommand("sleep 60"))
      assert.deepInclude(error, {
        _tag: "ExecutionTimeoutError",
        timeoutMillis: 30_000,
        detail: "this is the default timeout of 30 s, pass a longer timeout"
      })
      yield* Effect.flip(command.executeCommand("sleep 60", { timeout: "1 second" }))
      assert.deepStrictEqual(seen.map((args) => args["timeout_ms"]), [30_000, 1000])
    }))

  it.effect("passes on why the session thinks that it did", () =>
    Effect.gen(function*() {
      const text = timedOut("The command timed out after 1000 ms; this session has no network")
      const error = yield* Effect.flip(
        Command.make(answering(text)).executeCommand("sleep 60", { timeout: "1 second" })
      )
      assert.deepInclude(error, { detail: "this session has no network; pass a longer timeout" })
    }))
})
