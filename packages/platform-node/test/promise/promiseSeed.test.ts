/** The usage examples of the Python SDK's session page, in TypeScript, on the local runtime. */
import { AGB, BaseSession, CreateSessionParams, Session } from "@effect-agb/platform-node/AgbPromise"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { best, languagesOf } from "../support/runtime.js"

const languages = await languagesOf(best)

const runs = languages.includes("python") ? it : it.skip

const title = languages.includes("python")
  ? `the seed's usage examples on the local runtime (${best.mechanism})`
  : "not run: the seed's usage examples, which need Python"

/** A session of a test, or the test has failed. */
const sessionOf = async (agb: AGB): Promise<Session> => {
  const result = await agb.create(new CreateSessionParams({ imageId: "agb-code-space-1" }))
  assert(result.success, result.errorMessage)
  return result.session
}

describe(title, () => {
  const agb = AGB.local({ isolation: best })
  afterAll(() => agb.dispose())

  runs("Basic Session Usage", async () => {
    const params = new CreateSessionParams({ imageId: "agb-code-space-1" })
    const result = await agb.create(params)
    assert(result.success, result.errorMessage)
    const session = result.session

    const codeResult = await session.code.runCode("print('Hello World')", "python")
    assert(codeResult.success, codeResult.errorMessage)
    assert.strictEqual(codeResult.result, "Hello World\n")

    const cmdResult = await session.command.executeCommand("ls -la")
    assert(cmdResult.success, cmdResult.errorMessage)
    assert.match(cmdResult.output, /^total /)
    assert.strictEqual(cmdResult.exitCode, 0)

    const missing = await session.fileSystem.readFile("/path/to/file")
    assert(!missing.success)
    assert.strictEqual(missing.error._tag, "FileNotFoundError")

    await session.fileSystem.writeFile("/tmp/file", "content")
    const fileContent = await session.fileSystem.readFile("/tmp/file")
    assert.strictEqual(fileContent.content, "content")

    const info = await session.info()
    assert(info.success, info.errorMessage)
    assert.strictEqual(info.data.sessionId, session.sessionId)
    assert((await agb.delete(session)).success)
  })

  runs("Module Availability", async () => {
    const session = await sessionOf(agb)
    assert(session instanceof Session && session instanceof BaseSession)
    assert("code" in session)
    assert("command" in session)
    assert("fileSystem" in session)
  })

  runs("Session Information", async () => {
    const session = await sessionOf(agb)
    const infoResult = await session.info()
    assert(infoResult.success, infoResult.errorMessage)
    const { resourceUrl, sessionId } = infoResult.data
    assert.strictEqual(sessionId, session.sessionId)
    // The session's page, on a host of its own.
    assert.match(new URL(resourceUrl).hostname, /^s-[0-9a-f]+\.localhost$/)
    assert.strictEqual(new URL(resourceUrl).port, new URL(agb.endpoint).port)

    // The local runtime has no desktop.
    for (const key of ["appId", "authCode", "ticket"]) assert.notProperty(infoResult.data, key)
  })

  runs("Session Creation Errors", async () => {
    const stranger = new AGB({ apiKey: "akm-not-the-key", endpoint: agb.endpoint })
    const params = new CreateSessionParams({ imageId: "agb-code-space-1" })
    const result = await stranger.create(params)
    await stranger.dispose()
    assert(!result.success)
    assert.match(result.errorMessage, /API key/)
    assert.notStrictEqual(result.requestId, "")
    assert.isUndefined(result.session)
  })

  runs("Module Operation Errors", async () => {
    const session = await sessionOf(agb)
    const result = await session.code.runCode("invalid python code", "python")
    assert(!result.success)
    assert.match(result.errorMessage, /SyntaxError/)
    assert(result.error._tag === "CodeExecutionError")
    assert.strictEqual(result.error.name, "SyntaxError")
    assert.strictEqual(result.result, "")
  })

  runs("1. Always Check Results", async () => {
    const session = await sessionOf(agb)
    const outputs: Array<string> = []
    for (const code of ["6 * 7", "1 / 0"]) {
      const result = await session.code.runCode(code, "python")
      outputs.push(result.success ? result.result : `Error: ${result.errorMessage}`)
    }
    assert.deepStrictEqual(outputs, ["42", "Error: python raised ZeroDivisionError: division by zero"])
  })

  runs("2. Session Lifecycle Management", async () => {
    let session: Session | undefined
    try {
      const result = await agb.create(new CreateSessionParams({ imageId: "agb-code-space-1" }))
      if (result.success) {
        session = result.session
        assert.strictEqual((await session.getStatus()).data, "RUNNING")
      }
    } finally {
      if (session !== undefined) await agb.delete(session)
    }
    assert(session !== undefined)
    const gone = await session.getStatus()
    assert(!gone.success)
    assert.strictEqual(gone.error._tag, "SessionLostError")
    assert.notInclude((await agb.list()).sessionIds ?? [], session.sessionId)
  })

  runs("3. Resource Management", async () => {
    const myOperation = (session: BaseSession) => session.code.runCode("print('Hello')", "python")
    const result = await agb.withSession(new CreateSessionParams({ imageId: "agb-code-space-1" }), myOperation)
    assert.strictEqual(result.result, "Hello\n")
  })
})
