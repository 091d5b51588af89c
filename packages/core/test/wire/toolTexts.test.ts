/** The texts in which tools answer: what is written is read again, and whatever is read is a value or a typed error. */
import { AgbTools, Code, Command, FileSystem, ToolCall } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, FastCheck, ParseResult, type Schema } from "effect"
import { failureOf } from "./codecs/wireClient.js"

const read = <A>(schema: Schema.Schema<A, string>, text: string): A => ParseResult.decodeSync(schema)(text)

const write = <A>(schema: Schema.Schema<A, string>, value: A): string => ParseResult.encodeSync(schema)(value)

const text = FastCheck.oneof(
  FastCheck.string(),
  FastCheck.string({ unit: "grapheme" }),
  FastCheck.string({
    unit: FastCheck.constantFrom("\n", "\r", ":", "-", "---", " ", "\t", "\u2028", "\ufeff", "a", "\0")
  })
)

const oneLine = text.map((text) => text.replace(/[\r\n]/g, ""))

const json = FastCheck.json().map((text): unknown => JSON.parse(text))

const answering = (text: string, isError = false): ToolCall.ToolCall =>
  ToolCall.make(() => Effect.succeed({ reply: { content: [{ type: "text", text }], isError }, requestId: undefined }))

describe("run_code", () => {
  const mime = FastCheck.tuple(FastCheck.constantFrom("text/", "image/", "application/", "__proto__/"), oneLine)
    .map(([type, name]) => type + name)

  const run = FastCheck.record({
    results: FastCheck.array(FastCheck.record({
      data: FastCheck.dictionary(mime, json.filter((value) => value !== null), { noNullPrototype: true }),
      isMainResult: FastCheck.boolean()
    })),
    stdout: FastCheck.array(text),
    stderr: FastCheck.array(text),
    executionError: FastCheck.option(FastCheck.record({
      name: FastCheck.constantFrom("ZeroDivisionError", "java.lang.Error", "E", "KeyboardInterrupt"),
      value: text,
      traceback: text
    })),
    executionCount: FastCheck.option(FastCheck.nat(), { nil: undefined }),
    executionTime: FastCheck.option(FastCheck.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined })
  })

  it.prop("what is written is read again", [run], ([run]) => {
    assert.deepStrictEqual(read(AgbTools.tools.run_code.result, write(AgbTools.tools.run_code.result, run)), run)
  })

  const keys = [
    "result",
    "results",
    "stdout",
    "stderr",
    "executionError",
    "isError",
    "content",
    "logs",
    "error",
    "text"
  ]
  const likeResult = FastCheck.dictionary(FastCheck.constantFrom(...keys), json).map((value) => JSON.stringify(value))
  const anything = FastCheck.oneof(text, FastCheck.json(), likeResult, likeResult.map((text) => JSON.stringify(text)))

  it.prop("anything at all is read or refused, never thrown", [anything], ([text]) => {
    const run = ParseResult.decodeUnknownEither(AgbTools.tools.run_code.result)(text)
    if (Either.isRight(run)) write(AgbTools.tools.run_code.result, run.right)
  }, { fastCheck: { numRuns: 300 } })

  it.prop("and so is it by runCode", [anything, FastCheck.boolean()], ([text, isError]) => {
    const error = failureOf(Effect.runSyncExit(Code.make(answering(text, isError)).runCode("1", "python")))
    if (isError) assert.isDefined(error)
  })
})

describe("shell", () => {
  const tags = ["CommandExitError", "ExecutionUnknownError", "ExecutionTimeoutError", "ToolError"]
  const like = FastCheck.record({
    stdout: FastCheck.oneof(text, json),
    stderr: FastCheck.oneof(text, json),
    exit_code: FastCheck.oneof(FastCheck.integer(), json),
    errorCode: FastCheck.oneof(FastCheck.integer(), json)
  }, { requiredKeys: [] }).map((value) => JSON.stringify(value))

  const anything = FastCheck.oneof(text, FastCheck.json(), like)

  it.prop("only a result is a success", [anything, FastCheck.boolean()], ([text, isError]) => {
    const error = failureOf(Effect.runSyncExit(Command.make(answering(text, isError)).executeCommand("true")))
    if (error !== undefined) assert.include(tags, error._tag)
    else assert.strictEqual((JSON.parse(text) as Record<string, unknown>)["exit_code"], 0)
  }, { fastCheck: { numRuns: 200 } })
})

describe("files", () => {
  const word = oneLine.map((text) => text.trim())

  it.prop("get_file_info", [
    FastCheck.record({
      name: word,
      path: word,
      size: FastCheck.nat(),
      isDirectory: FastCheck.boolean(),
      modTime: word,
      mode: word,
      owner: word,
      group: word
    })
  ], ([info]) => {
    assert.deepStrictEqual(
      read(AgbTools.tools.get_file_info.result, write(AgbTools.tools.get_file_info.result, info)),
      info
    )
  })

  it.prop("get_file_info: no name can pass for another line", [text], ([name]) => {
    const info = { name, path: "/", size: 7, isDirectory: false, modTime: "", mode: "", owner: "", group: "" }
    const { isDirectory, size } = read(
      AgbTools.tools.get_file_info.result,
      write(AgbTools.tools.get_file_info.result, info)
    )
    assert.deepStrictEqual({ isDirectory, size }, { isDirectory: false, size: 7 })
  })

  it.prop("list_directory", [
    FastCheck.array(FastCheck.record({ name: oneLine, isDirectory: FastCheck.boolean() }))
  ], ([entries]) => {
    assert.deepStrictEqual(
      read(AgbTools.tools.list_directory.result, write(AgbTools.tools.list_directory.result, entries)),
      entries
    )
  })

  it.prop("list_directory: a name with newlines is one entry", [text], ([name]) => {
    const written = write(AgbTools.tools.list_directory.result, [{ name, isDirectory: true }])
    assert.lengthOf(read(AgbTools.tools.list_directory.result, written), 1)
  })

  it.prop("search_files", [FastCheck.array(oneLine.map((name) => `/${name}`))], ([paths]) => {
    assert.deepStrictEqual(
      read(AgbTools.tools.search_files.result, write(AgbTools.tools.search_files.result, paths)),
      paths
    )
  })

  it.prop("get_file_change", [
    FastCheck.array(FastCheck.record({
      eventType: FastCheck.constantFrom(...["create", "modify", "delete"] as const),
      path: text,
      pathType: FastCheck.constantFrom(...["file", "directory"] as const)
    }))
  ], ([events]) => {
    const result = AgbTools.tools.get_file_change.result
    assert.deepStrictEqual(read(result, write(result, events)), events)
  })

  const paths = FastCheck.uniqueArray(text.map((name) => `/${name.replaceAll("\0", "")}`), { maxLength: 4 })

  /** What a file holds that looks like the frame around it. */
  const tricky = FastCheck.constantFrom(
    "a: b",
    "---",
    "\n---\n",
    "\r\n---\r\n",
    "/x:",
    "line\r\n",
    "é",
    "\u2028",
    "--- ",
    ""
  )

  const content = FastCheck.oneof(text, FastCheck.array(tricky).map((parts) => parts.join("\n")))

  /** The one thing that the format cannot say: a separator in front of the very path that comes next. */
  const canBeSaid = (blocks: ReadonlyArray<{ readonly path: string; readonly content: string }>) =>
    blocks.every(({ content }) =>
      !blocks.some(({ path }) => content.includes(`${path.replace(/\r/g, "\\r").replace(/\n/g, "\\n")}:`))
    )

  it.prop("read_multiple_files: every content comes back, but for its outer white space", [
    paths,
    FastCheck.array(content, { minLength: 4, maxLength: 4 })
  ], ([paths, contents]) => {
    const blocks = paths.map((path, index) => ({ path, content: contents[index] ?? "" }))
    FastCheck.pre(canBeSaid(blocks))
    const files = FileSystem.make(answering(AgbTools.fileBlocks(blocks)))
    const got = Effect.runSync(files.readMultipleFiles(paths))
    assert.deepStrictEqual([...got], blocks.map(({ content, path }) => [path, content.trim()]))
  }, { fastCheck: { numRuns: 300 } })

  it.effect.prop(
    "any text is a value or a typed error",
    [FastCheck.oneof(text, FastCheck.json()), FastCheck.boolean()],
    (
      [text, isError]
    ) =>
      Effect.gen(function*() {
        const files = FileSystem.make(answering(text, isError))
        const calls: ReadonlyArray<Effect.Effect<unknown, FileSystem.FileSystemError>> = [
          files.getFileInfo("/a"),
          files.listDirectory("/a"),
          files.searchFiles("/a", "*"),
          files.getFileChange("/a"),
          files.readMultipleFiles(["/a", "/b"]),
          files.readFile("/a"),
          files.readFileBytes("/a"),
          files.editFile("/a", [{ oldText: "a", newText: "b" }]),
          files.writeFile("/a", "b"),
          files.moveFile("/a", "/b")
        ]
        for (const call of calls) {
          const error = failureOf(yield* Effect.exit(call))
          if (isError) assert.isDefined(error)
        }
      }),
    { fastCheck: { numRuns: 40 } }
  )
})

describe("get_metrics", () => {
  const amount = FastCheck.double({ min: 0, max: 1e15, noNaN: true }).filter((n) => !Object.is(n, -0))
  const metrics = FastCheck.record({
    ...{ cpuCount: amount, cpuUsedPct: amount, diskTotal: amount, diskUsed: amount, memTotal: amount, memUsed: amount },
    ...{ rxRateKbytePerS: amount, txRateKbytePerS: amount, rxUsedKbyte: amount, txUsedKbyte: amount, timestamp: text }
  })

  it.prop("what is written is read again", [metrics], ([metrics]) => {
    assert.deepStrictEqual(
      read(AgbTools.tools.get_metrics.result, write(AgbTools.tools.get_metrics.result, metrics)),
      metrics
    )
  })

  it("older names are read, and what is missing stays absent", () => {
    const older = read(
      AgbTools.tools.get_metrics.result,
      "{\"rx_rate_kbps\": 1.5, \"tx_used_KB\": 7, \"mem_used\": \"much\"}"
    )
    assert.deepStrictEqual(older, { rxRateKbytePerS: 1.5, txUsedKbyte: 7 })
  })

  it.prop("anything at all is read or refused, never thrown", [FastCheck.oneof(text, FastCheck.json())], ([text]) => {
    ParseResult.decodeUnknownEither(AgbTools.tools.get_metrics.result)(text)
  })
})

describe("plain answers, for clients of the first generation", () => {
  const nothing = { results: [], stdout: [], stderr: [], executionError: null }

  it("a run is what it printed and then its value or its error, once", () => {
    const plain = AgbTools.tools.run_code.plain ?? assert.fail("run_code has no plain form")
    const value = { data: { "text/plain": "42" }, isMainResult: true }
    assert.deepStrictEqual(plain({ ...nothing, stdout: ["hi\n"], results: [value] }), {
      text: "hi\n42",
      isError: false
    })
    assert.deepStrictEqual(plain({ ...nothing, stdout: ["142\n"], results: [value] }), {
      text: "142\n42",
      isError: false
    })
    assert.deepStrictEqual(plain({ ...nothing, stdout: ["hi"], results: [value] }), { text: "hi\n42", isError: false })
    assert.deepStrictEqual(plain(nothing), { text: "", isError: false })
    const executionError = { name: "ZeroDivisionError", value: "division by zero", traceback: "" }
    const failed = { text: "hi\nZeroDivisionError: division by zero", isError: true }
    assert.deepStrictEqual(plain({ ...nothing, stdout: ["hi"], executionError }), failed)
    assert.deepStrictEqual(
      plain({ ...nothing, stdout: ["hi\n"], stderr: ["ZeroDivisionError: division by zero"], executionError }),
      failed
    )
  })

  it("a command is its output, and says its exit code where that is not 0", () => {
    const plain = AgbTools.tools.shell.plain ?? assert.fail("shell has no plain form")
    assert.deepStrictEqual(plain({ stdout: "a\n", stderr: "b\n", exit_code: 0 }), { text: "a\nb\n", isError: false })
    const failed = { text: "no\nThe command exited with code 3", isError: true }
    assert.deepStrictEqual(plain({ stdout: "", stderr: "no", exit_code: 3 }), failed)
  })
})

describe("JSON nested 100,000 deep", () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000)
  const texts = [
    deep,
    `{"result":[${deep}]}`,
    `{"result":[{"text/plain":${deep}}]}`,
    JSON.stringify({ result: [deep], stdout: deep }),
    `{"results":[${deep}],"logs":${deep},"error":${deep}}`,
    `{"stdout":${deep},"stderr":"","exit_code":0}`,
    `[{"eventType":${deep}}]`
  ]

  for (const isError of [false, true]) {
    it.effect(`as the text of a tool that ${isError ? "failed" : "succeeded"} is a value or a typed error`, () =>
      Effect.gen(function*() {
        for (const text of texts) {
          const toolCall = answering(text, isError)
          failureOf(yield* Effect.exit(Code.make(toolCall).runCode("1", "python")))
          failureOf(yield* Effect.exit(Command.make(toolCall).executeCommand("true")))
          failureOf(yield* Effect.exit(FileSystem.make(toolCall).getFileChange("/a")))
          failureOf(yield* Effect.exit(FileSystem.make(toolCall).getFileInfo("/a")))
        }
      }))
  }

  it.effect("as other content of a tool is a value or a typed error", () =>
    Effect.gen(function*() {
      const reply = { content: [{ type: "x", data: JSON.parse(deep) as unknown }], isError: false }
      const toolCall = ToolCall.make(() => Effect.succeed({ reply, requestId: undefined }))
      failureOf(yield* Effect.exit(Code.make(toolCall).runCode("1", "python")))
      failureOf(yield* Effect.exit(Command.make(toolCall).executeCommand("true")))
    }))
})
