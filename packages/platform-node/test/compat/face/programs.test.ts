/** Programs in the manner of the official SDK, with another import and nothing else changed, on the local runtime. */
import {
  type AGB,
  AGBError,
  BrowserError,
  CreateSessionParams,
  ExtensionsService,
  MouseButton,
  ScreenError,
  type Session,
  type WsError
} from "@effect-agb/platform-node/compat"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { inspect } from "node:util"
import { best } from "../../support/runtime.js"
import { namesOf, type Runtime, sessionOf, startRuntime } from "./localAgb.js"

let runtime: Runtime
let agb: AGB
let session: Session

beforeAll(async () => {
  runtime = await startRuntime()
  agb = runtime.agb
  session = await sessionOf(agb)
})

afterAll(() => runtime?.stop())

const patience = 120_000

const bare = ["requestId", "success"]
const failed = ["errorMessage", "requestId", "success"]

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => assert.fail("it did not reject"), (error: unknown) => error)

describe("a session", () => {
  it("is created, used and deleted as in the introduction of the official SDK", async () => {
    const params = new CreateSessionParams({ imageId: "agb-code-space-1", labels: { project: "introduction" } })
    const result = await agb.create(params)
    assert.deepStrictEqual(namesOf(result), ["requestId", "session", "success"])
    assert(result.success && result.session, result.errorMessage)
    const { session } = result
    assert.strictEqual(session.getSessionId(), session.sessionId)
    assert.strictEqual(session.imageId, "agb-code-space-1")
    assert.strictEqual(session.getApiKey(), runtime.apiKey)
    assert.match(session.resourceUrl, /resourceId=/)
    assert.match(session.wsUrl, /^ws:/)
    assert.isAbove(session.token.length, 10)
    assert.include(session.mcpTools.map(({ name }) => name), "shell")
    assert.include(session.toolList, "run_code")

    const run = await session.code.run("console.log('Hello, AGB!')", "javascript")
    assert(run.success, run.errorMessage)
    assert.strictEqual(run.logs.stdout.join(""), "Hello, AGB!\n")
    const listing = await session.command.execute("ls /", patience)
    assert(listing.success, listing.errorMessage)

    assert.deepStrictEqual(namesOf(await agb.delete(session)), bare)
    const gone = await session.code.run("1", "javascript")
    assert.strictEqual(gone.success, false)
    assert.match(gone.errorMessage ?? "", /not found/)
  })

  it("tells about itself", async () => {
    const status = await session.getStatus()
    assert.deepStrictEqual({ ...status, requestId: "" }, {
      requestId: "",
      success: true,
      httpStatusCode: 200,
      code: "ok",
      status: "RUNNING"
    })
    const info = await session.info()
    assert.strictEqual(info.data?.sessionId, session.sessionId)
    assert.match(info.data?.resourceUrl ?? "", /resourceId=/)
    assert.deepStrictEqual(namesOf(await session.keepAlive()), bare)
    const link = await session.getLink("https", 30_100)
    assert.match(link.data ?? "", /^http/)
    assert.deepStrictEqual(namesOf(await session.getLink("https", 8080)), failed)
    const found = await agb.getSession(session.sessionId)
    assert.strictEqual(found.data?.token, session.token)
    assert.strictEqual(found.data?.status, "RUNNING")
    const again = await agb.get(session.sessionId)
    assert.strictEqual(again.session?.resourceId, session.resourceId)
    assert.strictEqual((await again.session?.command.run("echo again", patience))?.stdout, "again\n")
  })

  it("has labels, by which it is listed page by page", async () => {
    const of = { run: String(process.hrtime.bigint()) }
    const sessions = [await sessionOf(agb, { labels: of }), await sessionOf(agb), await sessionOf(agb)]
    for (const session of sessions.slice(1)) assert.deepStrictEqual(namesOf(await session.setLabels(of)), bare)
    assert.deepStrictEqual((await sessions[1]?.getLabels())?.data, of)
    const pages = [await agb.list(of, 1, 2), await agb.list(of, 2, 2)]
    assert.deepStrictEqual(pages.map(({ sessionIds, totalCount }) => [sessionIds.length, totalCount]), [[2, 3], [1, 3]])
    assert.deepStrictEqual(
      new Set(pages.flatMap(({ sessionIds }) => sessionIds)),
      new Set(sessions.map(({ sessionId }) => sessionId))
    )
    const beyond = await agb.list(of, 3, 2)
    assert.deepStrictEqual([beyond.success, beyond.errorMessage, beyond.sessionIds], [
      false,
      "Cannot reach page 3: No more pages available",
      []
    ])
    for (const session of sessions) assert((await session.delete()).success)
    assert.deepStrictEqual((await agb.list(of)).sessionIds, [])
  })

  it("calls tools by name", async () => {
    const listed = await session.listMcpTools()
    assert.deepStrictEqual(namesOf(listed), ["requestId", "success", "tools"])
    assert.deepStrictEqual(namesOf(listed.tools[0] ?? {}), ["description", "inputSchema", "name", "server", "tool"])
    assert.strictEqual(session.mcpTools, listed.tools)
    const called = await session.callMcpTool("shell", { command: "echo a", timeout_ms: patience })
    assert.strictEqual((JSON.parse(called.data ?? "") as { stdout: string }).stdout, "a\n")
    assert.deepStrictEqual(namesOf(await session.callMcpTool("non_existent_tool_12345", {})), failed)
    const { metrics, raw } = await session.getMetrics()
    assert.isAbove(metrics?.cpuCount ?? 0, 0)
    assert.strictEqual(raw["cpu_count"], metrics?.cpuCount)
  })

  it("is not kept alive: it ends after its idle time", async () => {
    const idle = await sessionOf(agb, { idleReleaseTimeout: 1 })
    for (let tries = 0; (await idle.getStatus()).success; tries += 1) {
      assert(tries < 300, "it lives on")
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    const ended = await idle.getStatus()
    assert.deepStrictEqual([ended.httpStatusCode, ended.code, ended.status], [404, "InvalidMcpSession.NotFound", ""])
  })

  it("that is unknown is a failure with a null session", async () => {
    for (const id of ["session-nonexistent-12345", " "]) {
      const { errorMessage = "", session, success } = await agb.get(id)
      assert.deepStrictEqual([success, session], [false, null])
      assert.match(errorMessage, /not found|required/)
    }
  })

  it("prints no credential, and neither do the results about it", async () => {
    const secrets = [runtime.apiKey, session.token, session.wsUrl, session.resourceUrl]
    const shown = [agb, session, await session.info(), await agb.getSession(session.sessionId), await agb.get("s-none")]
    for (const value of shown) {
      for (const text of [inspect(value, { depth: 9, showHidden: false }), JSON.stringify(value)]) {
        for (const secret of secrets) assert.notInclude(text, secret)
      }
    }
  })
})

describe("session.code", () => {
  it("keeps state between runs, under every name", async () => {
    await session.code.run("const kept = 20", "javascript")
    const { error, errorMessage, executionTime, results, success } = await session.code.execute("kept + 1", "JS")
    assert(success, errorMessage)
    assert.deepStrictEqual([results, error, errorMessage], [[{ text: "21", isMainResult: true }], undefined, ""])
    assert.isAtLeast(executionTime, 0)
  })

  it("tells what the code raised, with the output before it", async () => {
    const result = await session.code.run("console.log('before'); null.length", "javascript")
    assert.deepStrictEqual(namesOf(result), [
      ...["error", "errorMessage", "executionTime", "logs", "requestId", "results", "success"]
    ])
    assert.strictEqual(result.success, false)
    assert.deepStrictEqual(result.logs.stdout, ["before\n"])
    assert.strictEqual(result.error?.name, "ExecutionError")
    assert.match(result.error?.value ?? "", /^TypeError: /)
    assert.strictEqual(result.errorMessage, result.error?.value)
  })

  it("tells what the code prints while it runs", async () => {
    const told: Array<string> = []
    const code =
      "for (const word of ['one', 'two']) { console.log(word); await new Promise((r) => setTimeout(r, 300)) } 3"
    const result = await session.code.run(code, "javascript", 60, {
      streamBeta: true,
      onStdout: (chunk) => told.push(chunk),
      onStderr: (chunk) => told.push(chunk)
    })
    assert(result.success, result.errorMessage)
    assert.deepStrictEqual(told, ["one\n", "two\n"])
    assert.deepStrictEqual(result.logs, { stdout: told, stderr: [] })
    assert.deepStrictEqual(result.results.map(({ text }) => text), ["3"])
  })

  it("calls onError for a run without an outcome, and not for code that raised", async () => {
    const errors: Array<WsError> = []
    const options = { streamBeta: true, onError: (error: WsError) => errors.push(error) }
    const raised = await session.code.run("null.length", "javascript", 60, options)
    assert.deepStrictEqual([raised.success, errors.length], [false, 0])
    const late = await session.code.run("console.log('begun'); for (;;) {}", "javascript", 1, options)
    assert.match(late.errorMessage ?? "", /timeout|timed out|stopped after/i)
    assert.deepStrictEqual(late.logs.stdout, ["begun\n"])
    assert.deepStrictEqual(errors.map(({ message }) => message), [late.errorMessage])
  })

  it("refuses other languages, empty code and unknown options", async () => {
    for (const [code, language] of [["1", "ruby"], ["", "javascript"]] as const) {
      assert.strictEqual((await session.code.run(code, language)).success, false)
    }
    const wrong = await session.code.run("1", "javascript", 60, { onOutput: () => {} } as never)
    assert.match(wrong.errorMessage ?? "", /unknown option onOutput/)
    const positional = await session.code.run("1", "javascript", 60, true as never)
    assert.match(positional.errorMessage ?? "", /options must be an object/)
  })
})

describe("session.command", () => {
  it("runs commands under every name", async () => {
    const result = await session.command.execute("pwd; echo $GREETING >&2", patience, "/tmp", { GREETING: "it's" })
    assert.deepStrictEqual(namesOf(result), [
      ...["exitCode", "output", "requestId", "stderr", "stdout", "success", "traceId"]
    ])
    if (best.level === "namespaces") assert.strictEqual(result.stdout, "/tmp\n")
    assert.deepStrictEqual([result.stderr, result.exitCode, result.output], ["it's\n", 0, result.stdout + "it's\n"])
    for (const name of ["run", "exec"] as const) {
      assert.strictEqual((await session.command[name]("echo 1", patience)).stdout, "1\n")
    }
  })

  it("fails with the exit code, and without a message", async () => {
    const { cause, requestId: _, ...result } = await session.command.execute("echo out; exit 3", patience)
    const output = { output: "out\n", exitCode: 3, stdout: "out\n", stderr: "", traceId: "" }
    assert.deepStrictEqual(result, { success: false, ...output })
    assert.strictEqual(cause?._tag, "CommandExitError")
  })

  it("ends a command that takes too long", async () => {
    const { errorMessage = "", exitCode, success } = await session.command.execute("sleep 60", 300)
    assert.deepStrictEqual([success, exitCode], [false, 124])
    assert.isNotEmpty(errorMessage)
  })

  it("rejects for variables that are no strings", async () => {
    const error = await rejection(session.command.execute("x", 1000, undefined, { A: 1 } as never))
    assert.match(String(error), /^Error: Invalid environment variables/)
  })
})

describe("session.file", () => {
  it("does everything under every name", async () => {
    const { file } = session
    const done = ["data", "requestId", "success"]
    for (const name of ["createDirectory", "mkdir"] as const) {
      assert.deepStrictEqual(namesOf(await file[name]("/tmp/d")), done)
    }
    for (const name of ["writeFile", "write"] as const) {
      assert.deepStrictEqual(namesOf(await file[name]("/tmp/d/a.txt", "hello\n")), done)
    }
    assert((await file.write("/tmp/d/a.txt", "world\n", "append")).success)
    assert.deepStrictEqual(namesOf(await file.write("/tmp/d/a.txt", "x", "create_new")), failed)
    for (const name of ["readFile", "read"] as const) {
      const { requestId: _, ...result } = await file[name]("/tmp/d/a.txt")
      assert.deepStrictEqual(result, { success: true, content: "hello\nworld\n" })
    }
    const bytes = await file.read("/tmp/d/a.txt", { format: "bytes" })
    assert.deepStrictEqual([Buffer.from(bytes.content).toString(), bytes.size], ["hello\nworld\n", 12])
    for (const name of ["listDirectory", "list", "ls"] as const) {
      assert.deepStrictEqual((await file[name]("/tmp/d")).entries, [{ type: "file", name: "a.txt" }])
    }
    const { fileInfo } = await file.getFileInfo("/tmp/d/a.txt")
    assert.deepStrictEqual(namesOf(fileInfo ?? {}), [
      ...["group", "isDirectory", "modTime", "mode", "name", "owner", "path", "size"]
    ])
    assert.deepStrictEqual([fileInfo?.size, fileInfo?.isDirectory], [12, false])
    const edits = [{ oldText: "hello", newText: "HELLO" }]
    assert((await file.editFile("/tmp/d/a.txt", edits, true)).data)
    assert((await file.editFile("/tmp/d/a.txt", edits)).data)
    assert((await file.moveFile("/tmp/d/a.txt", "/tmp/d/b.txt")).data)
    assert.deepStrictEqual((await file.readMultipleFiles(["/tmp/d/b.txt"])).files, { "/tmp/d/b.txt": "HELLO\nworld" })
    assert.deepStrictEqual((await file.searchFiles("/tmp/d", "*.txt")).matches, ["/tmp/d/b.txt"])
    for (const name of ["deleteFile", "delete", "remove", "rm"] as const) {
      await file.write("/tmp/d/b.txt", "x")
      assert.strictEqual((await file[name]("/tmp/d/b.txt")).data, true)
    }
    assert.deepStrictEqual((await file.ls("/tmp/d")).entries, [])
  })

  it("fails with neutral values", async () => {
    const { file } = session
    const text = await file.read("/tmp/nope")
    assert.deepStrictEqual([text.success, text.content], [false, ""])
    const bytes = await file.read("/tmp/nope", { format: "bytes" })
    assert.deepStrictEqual([bytes.success, bytes.content.length], [false, 0])
    assert.deepStrictEqual((await file.list("/tmp/nope")).entries, [])
    assert.deepStrictEqual(namesOf(await file.getFileInfo("/tmp/nope")), failed)
    assert.strictEqual(text.cause?._tag, "FileNotFoundError")
    assert.match((await file.write("/tmp/x", "x", "truncate")).errorMessage ?? "", /^Invalid write mode: truncate/)
    assert.match(
      (await file.read("/tmp/x", { encoding: "utf8" } as never)).errorMessage ?? "",
      /unknown option encoding/
    )
  })

  it("tells changes, and watches until it is stopped", async () => {
    const { file } = session
    await file.mkdir("/tmp/watched")
    await file.getFileChange("/tmp/watched")
    await file.write("/tmp/watched/a", "a")
    const { events, rawData } = await file.getFileChange("/tmp/watched")
    assert.include(events.map(({ path }) => path), "/tmp/watched/a")
    assert.deepStrictEqual(JSON.parse(rawData), events)

    let polls = 0
    const seen = await new Promise<string>((resolve) => {
      const handle = file.watchDir("/tmp/watched", (events) => {
        polls += 1
        if (polls === 1) void file.write("/tmp/watched/b", "b")
        const found = events.find(({ path }) => path.endsWith("/b"))
        if (found === undefined) return
        handle.stop()
        resolve(found.path)
      }, 20)
    })
    assert.strictEqual(seen, "/tmp/watched/b")
    const stop = new AbortController()
    const watched = file.watchDirectory("/tmp/watched", () => stop.abort(), 20, stop.signal)
    assert.strictEqual(await watched, undefined)
    assert.instanceOf(await rejection(file.watchDirectory("not absolute", () => {}, 20)), AGBError)
  })

  it("ends a watch with its session", async () => {
    const lost = await sessionOf(agb)
    await lost.file.mkdir("/tmp/watched")
    const stop = new AbortController()
    let isEnded = false
    const watched = lost.file.watchDirectory("/tmp/watched", () => {}, 20, stop.signal).then(() => {
      isEnded = true
    })
    await lost.delete()
    for (let tries = 0; !isEnded && tries < 250; tries += 1) await new Promise((resolve) => setTimeout(resolve, 20))
    assert(isEnded, "it goes on")
    stop.abort()
    await watched
  })
})

describe("what is not offered yet", () => {
  it("answers that it is not", async () => {
    const { browser, computer } = session
    const clicked = await computer.mouse.click(1, 2, MouseButton.LEFT)
    assert.deepStrictEqual({ ...clicked }, {
      requestId: "",
      success: false,
      errorMessage: "session.computer.mouse.click is not offered by this SDK yet"
    })
    assert.deepStrictEqual((await computer.window.listRootWindows()).windows, [])
    assert.strictEqual((await computer.screen.getSize()).width, 0)
    assert.strictEqual((await computer.screenshot()).success, false)
    assert.strictEqual((await browser.destroy()).success, false)
    assert.deepStrictEqual([browser.isInitialized(), browser.getOption()], [false, null])
  })

  it("throws where the official SDK throws, and warns where it says nothing", async () => {
    const { browser, computer } = session
    assert.instanceOf(await rejection(browser.getEndpointUrl()), BrowserError)
    assert.instanceOf(await rejection(browser.agent.navigate("https://example.com")), BrowserError)
    assert.instanceOf(await rejection(computer.screen.betaTakeScreenshot()), ScreenError)
    assert.instanceOf(await rejection(new ExtensionsService(agb).list()), AGBError)
    const warned = new Promise<Error>((resolve) => process.once("warning", resolve))
    assert.strictEqual(await browser.initialize({ useStealth: true }), false)
    assert.match((await warned).message, /session\.browser is not offered/)
  })

  it("is refused by name among the parameters of a session", async () => {
    const create = (more: object) => agb.create({ imageId: "agb-code-space-1", ...more })
    const refusals: ReadonlyArray<readonly [object, RegExp]> = [
      [{ browserContext: {} }, /unknown option browserContext .*does not offer browsers/],
      [{ mcpPolicyId: "p" }, /unknown option mcpPolicyId .*use policyId/],
      [{ imageID: "x" }, /unknown option imageID/],
      [{ idleReleaseTimeout: -1 }, /idleReleaseTimeout/],
      [{ contextSync: [{ contextId: "c", path: "relative" }] }, /path/],
      [{ contextSync: [{ contextId: "c", path: "/a", policy: { upload: {} } }] }, /upload/]
    ]
    for (const [more, expected] of refusals) {
      const result = await create(more)
      assert.deepStrictEqual([result.success, result.requestId], [false, ""])
      assert.match(result.errorMessage ?? "", expected)
    }
    assert.match((await agb.create(null)).errorMessage ?? "", /params is required/)
    assert.match((await agb.create({})).errorMessage ?? "", /imageId is required/)
  })
})
