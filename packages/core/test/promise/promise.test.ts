/** The promise face without a server: settings, arguments, secrets, and what becomes of defects. */
import { Agb, AgbConfig, AgbError, AgbPromise } from "@effect-agb/core"
import { HttpClient, HttpClientError, HttpClientResponse } from "@effect/platform"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import { inspect } from "node:util"

const { AGB, BaseSession, CreateSessionParams, Session } = AgbPromise

const apiKey = "akm-secret-0123456789"

/** A network on which nobody answers. */
const network = () => {
  const sent: Array<string> = []
  const client = HttpClient.make((request) => {
    sent.push(request.url)
    return new HttpClientError.RequestError({ request, reason: "Transport", cause: { code: "ENOTFOUND" } })
  })
  return { sent, httpClient: Layer.succeed(HttpClient.HttpClient, client) }
}

const { httpClient, sent } = network()

/** A value of a type that only plain JavaScript can pass. */
const untyped = <A>(value: unknown): A => value as A

const thrownBy = (f: () => unknown): unknown => {
  try {
    f()
  } catch (error) {
    return error
  }
  return assert.fail("it threw nothing")
}

const rejectionOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => assert.fail("it did not reject"), (error: unknown) => error)

const refusal = (f: () => unknown): readonly [tag: string, field: string] => {
  const error = thrownBy(f)
  assert(error instanceof AgbError.ConfigurationError || error instanceof AgbError.InvalidRequestError, String(error))
  return [error._tag, error.field]
}

describe("the settings of an AGB", () => {
  const names = ["AGB_API_KEY", "AGB_ENDPOINT", "AGB_TIMEOUT_MS"]
  const before = new Map(names.map((name) => [name, process.env[name]]))

  beforeEach(() => {
    for (const name of names) delete process.env[name]
  })
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })

  it("are those that were given", () => {
    const agb = new AGB({ apiKey, endpoint: "https://agb.example/v1/", timeoutMs: 1500, httpClient })
    assert.deepStrictEqual([agb.apiKey, agb.endpoint, agb.timeoutMs], [apiKey, "https://agb.example/v1", 1500])
  })

  it("have defaults", () => {
    const agb = new AGB({ apiKey: Redacted.make(apiKey), httpClient })
    assert.deepStrictEqual([agb.apiKey, agb.endpoint, agb.timeoutMs], [apiKey, "https://sdk-api.agb.cloud", 60_000])
  })

  it("come from the environment where they are absent", () => {
    Object.assign(process.env, { AGB_API_KEY: apiKey, AGB_ENDPOINT: "http://127.0.0.1:9", AGB_TIMEOUT_MS: "250" })
    const agb = new AGB({ httpClient })
    assert.deepStrictEqual([agb.apiKey, agb.endpoint, agb.timeoutMs], [apiKey, "http://127.0.0.1:9", 250])
    const other = new AGB({ apiKey: "akm-other", endpoint: "agb.example", timeoutMs: 7, httpClient })
    assert.deepStrictEqual([other.apiKey, other.endpoint, other.timeoutMs], ["akm-other", "https://agb.example", 7])
  })

  it("throw a ConfigurationError where they are missing or wrong", () => {
    const fieldOf = (options: unknown) => refusal(() => new AGB(untyped(options)))
    assert.deepStrictEqual(fieldOf({ httpClient }), ["ConfigurationError", "AGB_API_KEY"])
    assert.deepStrictEqual(fieldOf({ apiKey: "", httpClient }), ["ConfigurationError", "apiKey"])
    assert.deepStrictEqual(fieldOf({ apiKey: 5, httpClient }), ["ConfigurationError", "apiKey"])
    assert.deepStrictEqual(fieldOf({ apiKey, endpoint: "http://agb.example", httpClient }), [
      "ConfigurationError",
      "endpoint"
    ])
    assert.deepStrictEqual(fieldOf({ apiKey, endpoint: 5, httpClient }), ["ConfigurationError", "endpoint"])
    for (const timeoutMs of [0, -1, NaN, Infinity, "5 seconds", null]) {
      assert.deepStrictEqual(fieldOf({ apiKey, timeoutMs, httpClient }), ["ConfigurationError", "timeoutMs"])
    }
    assert.deepStrictEqual(fieldOf({ apiKey }), ["ConfigurationError", "httpClient"])
    for (const name of ["timeout", "config", "envFile", "apikey"]) {
      assert.deepStrictEqual(fieldOf({ apiKey, httpClient, [name]: "x" }), ["ConfigurationError", name])
    }
    assert.deepStrictEqual(fieldOf({ apiKey, layer: Layer.empty }), ["ConfigurationError", "apiKey"])
    assert.deepStrictEqual(fieldOf({ layer: {} }), ["ConfigurationError", "layer"])
    for (const options of [undefined, null, 5, "key"]) {
      assert.deepStrictEqual(fieldOf(options), ["ConfigurationError", "options"])
    }
    process.env["AGB_TIMEOUT_MS"] = "soon"
    assert.deepStrictEqual(fieldOf({ apiKey, httpClient }), ["ConfigurationError", "AGB_TIMEOUT_MS"])
  })
})

const agb = new AGB({ apiKey, endpoint: "https://agb.example", httpClient })
const session = new Session(agb, "s-1")
const { code, command, fileSystem } = session

type BadCall = readonly [title: string, field: string, call: () => Promise<{ readonly success: boolean }>]

const badParams: ReadonlyArray<BadCall> = [
  ["create()", "params", () => agb.create(untyped(undefined))],
  ["create(null)", "params", () => agb.create(untyped(null))],
  ["create of a text", "params", () => agb.create(untyped("agb-code-space-1"))],
  ["create of a list", "params", () => agb.create(untyped([]))],
  ["create({})", "imageId", () => agb.create(untyped({}))],
  ["create of CreateSessionParams()", "imageId", () => agb.create(new CreateSessionParams(untyped(undefined)))],
  ["create of a blank image", "imageId", () => agb.create(new CreateSessionParams({ imageId: " " }))],
  ["create of a number", "imageId", () => agb.create(untyped({ imageId: 7 }))],
  ["create with labels of numbers", "labels.a", () => agb.create(untyped({ imageId: "x", labels: { a: 1 } }))],
  ["create with an idle time", "idleTimeout", () => agb.create({ imageId: "x", idleTimeout: -1 })],
  ["delete()", "session", () => agb.delete(untyped(undefined))],
  ["delete(null)", "session", () => agb.delete(untyped(null))],
  ["delete({})", "session", () => agb.delete(untyped({}))],
  ["delete(5)", "session", () => agb.delete(untyped(5))],
  ["delete of a blank id", "sessionId", () => agb.delete(" ")],
  ["attach()", "sessionId", () => agb.attach(untyped(undefined))],
  ["attach of a blank id", "sessionId", () => agb.attach("")],
  ["list(5)", "labels", () => agb.list(untyped(5))],
  ["list(null)", "labels", () => agb.list(untyped(null))],
  ["list of a label that is a list", "labels.a", () => agb.list(untyped({ a: [] }))],
  ["create with options that are a number", "options", () => agb.create({ imageId: "x" }, untyped(5))],
  ["create with options that are null", "options", () => agb.create({ imageId: "x" }, untyped(null))],
  ["create with a signal of its own", "signal", () => agb.create({ imageId: "x" }, untyped({ signal: {} }))],
  ["create with contexts", "contextSync", () => agb.create(untyped({ imageId: "x", contextSync: [] }))],
  [
    "create of CreateSessionParams with an idle time of others",
    "idleReleaseTimeout",
    () => agb.create(new CreateSessionParams(untyped({ imageId: "x", idleReleaseTimeout: 60 })))
  ],
  ["delete with a flag", "options", () => agb.delete("s-1", untyped(true))],
  ["delete of half a character", "sessionId", () => agb.delete("s-\ud83c")],
  ["list of a page", "options", () => agb.list({}, untyped(2))],
  ["attach with a timeout", "timeoutMs", () => agb.attach("s-1", untyped({ timeoutMs: 5 }))],
  ["list with a signal that is a text", "signal", () => agb.list({}, untyped({ signal: "now" }))]
]

const badCalls: ReadonlyArray<BadCall> = [
  ["runCode()", "code", () => code.runCode(untyped(undefined), untyped(undefined))],
  ["runCode of a number", "code", () => code.runCode(untyped(5), "python")],
  ["runCode of nothing", "code", () => code.runCode("", "python")],
  ["runCode without a language", "language", () => code.runCode("1", untyped(undefined))],
  ["runCode in Ruby", "language", () => code.runCode("1", "ruby")],
  ["runCode for 0 s", "timeoutS", () => code.runCode("1", "python", 0)],
  ["runCode for NaN s", "timeoutS", () => code.runCode("1", "python", NaN)],
  ["runCode for two days", "timeoutS", () => code.runCode("1", "python", 172_800)],
  ["runCode for a text", "timeoutS", () => code.runCode("1", "python", untyped("5"))],
  ["runCode for null", "timeoutS", () => code.runCode("1", "python", untyped(null))],
  ["runCode with a bad signal", "signal", () => code.runCode("1", "python", 5, untyped({ signal: 5 }))],
  ["executeCommand()", "command", () => command.executeCommand(untyped(undefined))],
  ["executeCommand of blanks", "command", () => command.executeCommand(" ")],
  ["executeCommand of a list", "command", () => command.executeCommand(untyped(["ls"]))],
  ["executeCommand for -1 ms", "timeoutMs", () => command.executeCommand("ls", -1)],
  ["executeCommand for an object", "timeoutMs", () => command.executeCommand("ls", untyped({}))],
  ["executeCommand in a number", "cwd", () => command.executeCommand("ls", 1000, untyped({ cwd: 5 }))],
  ["executeCommand in a relative path", "cwd", () => command.executeCommand("ls", 1000, { cwd: "tmp" })],
  ["executeCommand with a number", "envs.A", () => command.executeCommand("ls", 1, untyped({ envs: { A: 1 } }))],
  ["executeCommand with null", "envs", () => command.executeCommand("ls", 1, untyped({ envs: null }))],
  [
    "executeCommand accepting a text",
    "acceptExitCodes",
    () => command.executeCommand("ls", 1, untyped({ acceptExitCodes: "1" }))
  ],
  [
    "executeCommand accepting 1n",
    "acceptExitCodes.0",
    () => command.executeCommand("ls", 1, untyped({ acceptExitCodes: [1n] }))
  ],
  [
    "executeCommand accepting 999",
    "acceptExitCodes",
    () => command.executeCommand("ls", 1, { acceptExitCodes: [999] })
  ],
  ["runCode with streams", "onStdout", () => code.runCode("1", "python", 60, untyped({ onStdout: "print" }))],
  ["runCode with its time twice", "timeoutS", () => code.runCode("1", "python", 60, untyped({ timeoutS: 5 }))],
  ["executeCommand with its time twice", "timeoutMs", () => command.executeCommand("ls", 1, untyped({ timeoutMs: 5 }))],
  ["executeCommand with env", "env", () => command.executeCommand("ls", 1, untyped({ env: { A: "1" } }))],
  ["executeCommand with options that are a text", "options", () => command.executeCommand("ls", 1, untyped("cwd"))]
]

const weird = Object.create(null) as unknown

const badFileCalls: ReadonlyArray<BadCall> = [
  ["createDirectory()", "path", () => fileSystem.createDirectory(untyped(undefined))],
  ["createDirectory of a relative path", "path", () => fileSystem.createDirectory("tmp")],
  ["deleteFile(5)", "path", () => fileSystem.deleteFile(untyped(5))],
  ["editFile()", "path", () => fileSystem.editFile(untyped(undefined), untyped(undefined))],
  ["editFile without edits", "edits", () => fileSystem.editFile("/a", untyped(undefined))],
  ["editFile with no edit", "edits", () => fileSystem.editFile("/a", [])],
  ["editFile with half an edit", "edits.0.newText", () => fileSystem.editFile("/a", untyped([{ oldText: "a" }]))],
  ["editFile with edits of numbers", "edits.0", () => fileSystem.editFile("/a", untyped([1]))],
  [
    "editFile, dryly or so",
    "dryRun",
    () => fileSystem.editFile("/a", [{ oldText: "a", newText: "b" }], untyped("maybe"))
  ],
  ["getFileInfo({})", "path", () => fileSystem.getFileInfo(untyped({}))],
  ["listDirectory(null)", "path", () => fileSystem.listDirectory(untyped(null))],
  ["moveFile()", "source", () => fileSystem.moveFile(untyped(undefined), untyped(undefined))],
  ["moveFile to nowhere", "destination", () => fileSystem.moveFile("/a", untyped(undefined))],
  ["readFile()", "path", () => fileSystem.readFile(untyped(undefined))],
  ["readFile of a symbol", "path", () => fileSystem.readFile(untyped(Symbol("path")))],
  ["readFile of a path with NUL", "path", () => fileSystem.readFile("/a\0")],
  ["readFile of a text of bytes", "maxBytes", () => fileSystem.readFile("/a", untyped({ maxBytes: "1" }))],
  ["readFile of -1 bytes", "maxBytes", () => fileSystem.readFile("/a", { maxBytes: -1 })],
  ["readFileBytes(5)", "path", () => fileSystem.readFileBytes(untyped(5))],
  ["readMultipleFiles()", "paths", () => fileSystem.readMultipleFiles(untyped(undefined))],
  ["readMultipleFiles of a text", "paths", () => fileSystem.readMultipleFiles(untyped("/a"))],
  ["readMultipleFiles of weird things", "paths.0", () => fileSystem.readMultipleFiles(untyped([weird]))],
  ["searchFiles()", "path", () => fileSystem.searchFiles(untyped(undefined), untyped(undefined))],
  ["searchFiles without a pattern", "pattern", () => fileSystem.searchFiles("/", untyped(undefined))],
  ["searchFiles without a number", "excludePatterns", () => fileSystem.searchFiles("/", "*", untyped(5))],
  ["writeFile()", "path", () => fileSystem.writeFile(untyped(undefined), untyped(undefined))],
  ["writeFile of nothing", "content", () => fileSystem.writeFile("/a", untyped(undefined))],
  ["writeFile of a number", "content", () => fileSystem.writeFile("/a", untyped(5))],
  ["writeFile somehow", "mode", () => fileSystem.writeFile("/a", "", untyped("somehow"))],
  ["readFile of bytes", "format", () => fileSystem.readFile("/a", untyped({ format: "bytes" }))],
  [
    "editFile of all",
    "edits.0.all",
    () => fileSystem.editFile("/a", untyped([{ oldText: "a", newText: "b", all: true }]))
  ],
  ["getFileInfo with an option", "follow", () => fileSystem.getFileInfo("/a", untyped({ follow: true }))],
  ["getFileChange(weird)", "path", () => fileSystem.getFileChange(untyped(weird))]
]

const badSessionCalls: ReadonlyArray<BadCall> = [
  ["info with options that are a list", "options", () => session.info(untyped([]))],
  ["getLink(5)", "protocolType", () => session.getLink(untyped(5))],
  ["getLink of a text", "port", () => session.getLink("https", untyped("30100"))],
  ["getLink of port 70000", "port", () => session.getLink("https", 70_000)],
  ["link.waitFor of port 0", "port", () => session.link.waitFor(0)],
  ["contexts.sync both ways", "mode", () => session.contexts.sync(untyped({ mode: "both" }))],
  ["contexts.sync of a path alone", "context", () => session.contexts.sync({ path: "/tmp" })],
  ["contexts.get of a number", "context", () => agb.contexts.get(untyped(5))],
  ["contexts.getOrCreate of nothing", "name", () => agb.contexts.getOrCreate(" ")],
  ["contexts.read of a negative size", "maxBytes", () => agb.contexts.read("c", "/a", { maxBytes: -1 })],
  ["contexts.write of a number", "content", () => agb.contexts.write("c", "/a", untyped(5))],
  ["a delete that syncs by a word", "sync", () => agb.delete("s-1", untyped({ sync: "yes" }))],
  ["setLabels()", "labels", () => session.setLabels(untyped(undefined))],
  ["setLabels({})", "labels", () => session.setLabels({})],
  ["setLabels of a number", "labels.a", () => session.setLabels(untyped({ a: 1 }))],
  ["keepAlive with a bad signal", "signal", () => session.keepAlive(untyped({ signal: null }))],
  ["delete with its flag", "options", () => session.delete(untyped(true))],
  ["the client, asked more", "isAll", () => session.getClient().listSession(untyped({ isAll: true }))],
  ["the client, asked nothing", "request", () => session.getClient().getSession(untyped(undefined))],
  ["the client, asked a number", "sessionId", () => session.getClient().getLink(untyped({ sessionId: 5 }))]
]

describe("a bad argument is a failed result, before anything is sent", () => {
  it.each([...badParams, ...badCalls, ...badFileCalls, ...badSessionCalls])("%s: %s", async (_, field, call) => {
    const result = await call() as { success: boolean; requestId: string; errorMessage: string; error: unknown }
    assert.strictEqual(result.success, false)
    assert(result.error instanceof AgbError.InvalidRequestError, String(result.error))
    assert.strictEqual(result.error.field, field, result.errorMessage)
    assert.strictEqual(result.errorMessage, result.error.message)
    assert.strictEqual(result.requestId, "")
    assert.deepStrictEqual(sent, [])
  })

  it("does not quote what may be secret", async () => {
    const result = await command.executeCommand("ls", 1000, untyped({ envs: { PASSWORD: 123456 } }))
    assert.notInclude(result.errorMessage ?? "", "123456")
  })

  it("is thrown by an iterator, and by a constructor", async () => {
    for (const path of [undefined, 5, "relative"]) {
      for (const iterator of [fileSystem.watchDirectory(untyped(path)), fileSystem.readFileStream(untyped(path))]) {
        const error = await rejectionOf(iterator.next())
        assert(error instanceof AgbError.InvalidRequestError && error.field === "path", String(error))
      }
    }
    for (
      const [field, options] of [["options", () => {}], ["callback", { callback: () => {} }], ["interval", {
        interval: 5
      }]]
    ) {
      const refused = await rejectionOf(fileSystem.watchDirectory("/tmp", untyped(options)).next())
      assert(refused instanceof AgbError.InvalidRequestError && refused.field === field, String(refused))
    }
    const error = await rejectionOf(fileSystem.watchDirectory("/tmp", { intervalMs: 0 }).next())
    assert(error instanceof AgbError.InvalidRequestError && error.field === "intervalMs", String(error))
    assert.deepStrictEqual(refusal(() => new BaseSession(untyped({}), "s-1")), ["InvalidRequestError", "agb"])
    assert.deepStrictEqual(refusal(() => new Session(agb, untyped(5))), ["InvalidRequestError", "sessionId"])
    assert.deepStrictEqual(sent, [])
  })

  it("rejects in withSession, which has no result", async () => {
    const error = await rejectionOf(agb.withSession({ imageId: "x" }, untyped("use")))
    assert(error instanceof AgbError.InvalidRequestError && error.field === "use", String(error))
    const other = await rejectionOf(agb.withSession(untyped({}), () => 1))
    assert(other instanceof Error && /^Failed to create session: .*imageId/.test(other.message), String(other))
    assert(other.cause instanceof AgbError.InvalidRequestError)
  })
})

describe("no secret is printed", () => {
  const printed = (value: unknown) =>
    [
      inspect(value),
      inspect(value, { showHidden: true, depth: Infinity, customInspect: false }),
      inspect(value, { getters: true, depth: Infinity, customInspect: false }),
      JSON.stringify(value),
      String(value)
    ].join("\n")

  it("of an AGB, its client, a session and its modules", async () => {
    const failed = await new Session(agb, "s-1").info()
    assert.strictEqual(failed.error?._tag, "TransportError")
    for (const value of [agb, agb.client, session, session.getClient(), code, command, fileSystem, failed]) {
      assert.notInclude(printed(value), apiKey)
    }
    assert.strictEqual(session.getApiKey(), apiKey)
    sent.length = 0
  })

  it("of the URL of a session", async () => {
    const secret = "authcode=5ecret"
    const created = {
      requestId: "R1",
      success: true,
      code: "ok",
      data: { success: true, sessionId: "s-2", resourceUrl: `https://agb.example/?${secret}`, token: secret }
    }
    const client = HttpClient.make((request) =>
      Effect.succeed(HttpClientResponse.fromWeb(request, Response.json(created)))
    )
    const agb = new AGB({ apiKey, httpClient: Layer.succeed(HttpClient.HttpClient, client) })
    const result = await agb.attach("s-2")
    assert(result.success, result.errorMessage)
    assert.strictEqual(result.requestId, "R1")
    assert.include(result.session.resourceUrl, secret)
    assert.notInclude(printed(result), secret)
    assert.include(printed(result), "s-2")
  })
})

describe("what is not an answer", () => {
  const defect = new TypeError("a bug")

  const broken = Layer.effect(
    Agb.Agb,
    Effect.map(
      Agb.Agb,
      (agb) => Agb.Agb.of({ ...agb, list: () => Stream.die(defect), delete: () => Effect.die(defect) })
    )
  ).pipe(
    Layer.provide(Agb.layer),
    Layer.provide(httpClient),
    Layer.provide(AgbConfig.layer({ apiKey, endpoint: "https://agb.example" }))
  )

  it("a defect rejects with the original error", async () => {
    const agb = new AGB({ layer: broken })
    assert.strictEqual(await rejectionOf(agb.list()), defect)
    assert.strictEqual(await rejectionOf(agb.delete("s-1")), defect)
    await agb.dispose()
  })

  it("an aborted signal rejects with its reason, before anything is sent", async () => {
    const signal = AbortSignal.abort("enough")
    assert.strictEqual(await rejectionOf(agb.create({ imageId: "x" }, { signal })), "enough")
    assert.strictEqual(await rejectionOf(code.runCode("1", "python", 1, { signal })), "enough")
    assert.strictEqual(await rejectionOf(fileSystem.watchDirectory("/", { signal }).next()), "enough")
    assert.deepStrictEqual(sent, [])
  })

  it("a start that fails is a failed result with the cause, and is tried again", async () => {
    const cause = Object.assign(new Error("install bubblewrap"), { _tag: "SandboxUnavailableError" })
    let starts = 0
    const layer = Layer.suspend(() => {
      starts += 1
      return starts < 3 ? Layer.fail(cause) : broken
    })
    const agb = new AGB({ layer })
    const [first, second] = await Promise.all([agb.create({ imageId: "x" }), agb.list()])
    assert.strictEqual(starts, 1)
    for (const result of [first, second]) {
      assert.strictEqual(result.errorMessage, "install bubblewrap")
      assert(result.error?._tag === "RuntimeUnavailableError")
      assert.strictEqual(result.error.reason, "SandboxUnavailableError")
      assert.strictEqual(result.error.cause, cause)
    }
    assert.deepStrictEqual([agb.apiKey, agb.endpoint, agb.timeoutMs], ["", "", 0])
    assert.strictEqual((await agb.attach("s-1")).error?._tag, "RuntimeUnavailableError")
    assert.strictEqual((await agb.attach("s-1")).error?._tag, "TransportError")
    assert.deepStrictEqual([agb.apiKey, agb.endpoint, agb.timeoutMs], [apiKey, "https://agb.example", 60_000])
    assert.strictEqual(starts, 3)
    await agb.dispose()
  })

  it("after the disposal every call is a failed result", async () => {
    const agb = new AGB({ apiKey, httpClient })
    const session = new Session(agb, "s-1")
    await agb.dispose()
    await agb[Symbol.asyncDispose]()
    for (const result of [await agb.create({ imageId: "x" }), await session.info(), await agb.delete(session)]) {
      assert.match(result.errorMessage ?? "", /disposed/)
      assert(result.error instanceof AgbError.InvalidRequestError)
    }
    const error = await rejectionOf(session.fileSystem.readFileStream("/a").next())
    assert(error instanceof AgbError.InvalidRequestError, String(error))
  })
})
