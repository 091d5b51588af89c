/** Text that is no reply of a tool, such as the page of a proxy in front of the session, is never a success. */
import { AgbConfig, Code, Command, FileSystem, ToolCall } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either } from "effect"

const answering = (text: string): ToolCall.ToolCall =>
  ToolCall.make(() =>
    Effect.succeed({ reply: { content: [{ type: "text", text }], isError: false }, requestId: undefined })
  )

const failureOf = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<E> =>
  Effect.match(effect, { onFailure: (error) => error, onSuccess: () => assert.fail("taken for a success") })

const gateways: ReadonlyArray<string> = [
  "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body></html>",
  "  <!DOCTYPE html><html lang=en><title>Error 503</title>",
  "<!-- nginx -->\n<html><body>504</body></html>",
  "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code></Error>",
  "<h1>Service Unavailable</h1>",
  "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
  "upstream request timeout",
  "no healthy upstream",
  "stream timeout",
  "Bad Gateway",
  "502 Bad Gateway\n",
  "HTTP/1.1 503 Service Temporarily Unavailable",
  "504 Gateway Time-out",
  "503 Service Unavailable",
  "Internal Server Error",
  "error code: 1033",
  "404 page not found",
  "429 Too Many Requests",
  "null",
  " null\n",
  "\"null\"",
  "\"<html>502</html>\""
]

/** JSON that is not the result of a run. */
const others = [
  "{}",
  "[]",
  "[1, 2]",
  "{\"error\":\"Bad Gateway\",\"status\":502}",
  "{\"error\":{\"code\":502,\"message\":\"Bad Gateway\"}}",
  "{\"message\":\"no Route matched with those values\"}",
  "{\"executionError\":null}",
  "{\"result\":null,\"executionError\":\"\"}",
  "{\"result\":\"ok\",\"stdout\":[],\"stderr\":[],\"executionError\":null}",
  "{\"result\":[],\"stdout\":[],\"stderr\":[],\"executionError\":7}",
  "{\"result\":[],\"stdout\":[],\"stderr\":[],\"executionError\":{\"name\":\"E\"}}",
  "{\"result\":[],\"stdout\":[7],\"stderr\":[],\"executionError\":null}",
  "{\"result\":[],\"stdout\":[],\"stderr\":[],\"executionError\":null,\"isError\":\"true\"}",
  "{\"logs\":7,\"results\":[]}",
  "{\"logs\":{},\"results\":[],\"error\":\"no healthy upstream\"}",
  "{\"content\":[{\"text\":\"<html>502</html>\"}]}"
]

describe("a run", () => {
  for (const text of [...gateways, ...others]) {
    it.effect(`is unknown after ${JSON.stringify(text.slice(0, 60))}`, () =>
      Effect.gen(function*() {
        const error = yield* failureOf(Code.make(answering(text)).runCode("1", "python"))
        assert.strictEqual(error._tag, "ExecutionUnknownError")
        assert.isTrue(error.mayHaveHappened && !error.retryable)
      }))
  }

  for (
    const text of ["hi\n", "42", "true", "\"quoted\"", "<p>x", "404 items", "the gateway is bad", "Not found", "\n"]
  ) {
    it.effect(`of a first-generation server printed ${JSON.stringify(text)}`, () =>
      Effect.gen(function*() {
        const result = yield* Code.make(answering(text)).runCode("1", "python")
        assert.deepStrictEqual([result.stdout, result.text], [text, text])
      }))
  }

  it.effect("is not plain text once the session has replied with a structure", () =>
    Effect.gen(function*() {
      const texts = ["{\"result\":[],\"stdout\":[\"1\"],\"stderr\":[],\"executionError\":null}", "a proxy's own words"]
      const toolCall = ToolCall.make(() =>
        Effect.sync(() => ({
          reply: { content: [{ type: "text", text: texts.shift() ?? "" }], isError: false },
          requestId: undefined
        }))
      )
      const code = Code.make(toolCall)
      assert.strictEqual((yield* code.runCode("1", "python")).stdout, "1")
      assert.strictEqual((yield* failureOf(code.runCode("1", "python")))._tag, "ExecutionUnknownError")
    }))
})

describe("a command", () => {
  for (const text of [...gateways, ...others]) {
    it.effect(`is unknown after ${JSON.stringify(text.slice(0, 60))}`, () =>
      Effect.gen(function*() {
        const error = yield* failureOf(Command.make(answering(text)).executeCommand("true"))
        assert.strictEqual(error._tag, "ExecutionUnknownError")
      }))
  }
})

describe("a file operation", () => {
  type Call = (files: FileSystem.FileSystem) => Effect.Effect<unknown, FileSystem.FileSystemError>

  const calls: Readonly<Record<string, Call>> = {
    createDirectory: (files) => files.createDirectory("/a"),
    deleteFile: (files) => files.deleteFile("/a"),
    editFile: (files) => files.editFile("/a", [{ oldText: "a", newText: "b" }]),
    getFileInfo: (files) => files.getFileInfo("/a"),
    listDirectory: (files) => files.listDirectory("/a"),
    moveFile: (files) => files.moveFile("/a", "/b"),
    readFile: (files) => files.readFile("/a"),
    readMultipleFiles: (files) => files.readMultipleFiles(["/a"]),
    searchFiles: (files) => files.searchFiles("/a", "*"),
    writeFile: (files) => files.writeFile("/a", "b"),
    getFileChange: (files) => files.getFileChange("/a")
  }

  for (const [name, call] of Object.entries(calls)) {
    it.effect(`${name} does not succeed with the page of a proxy`, () =>
      Effect.gen(function*() {
        for (const text of gateways.slice(0, -2)) {
          const error = yield* failureOf(call(FileSystem.make(answering(text))))
          assert.strictEqual(error._tag, "MalformedResponseError", text)
        }
      }))
  }
})

it("a configuration refuses settings of unknown name", () => {
  const fieldOf = (options: object) =>
    Either.match(AgbConfig.make({ apiKey: "akm-1", ...options }), {
      onLeft: ({ field }) => field,
      onRight: () => "none"
    })
  assert.deepStrictEqual(
    [{ timeoutMs: 5 }, { retry: { attempts: 3 } }, { retry: 3 }, { retry: undefined }, { maxRetries: undefined }].map(
      fieldOf
    ),
    ["timeoutMs", "retry.attempts", "retry", "none", "maxRetries"]
  )
})
