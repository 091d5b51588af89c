/** The promise face and the process around it: its end, its ports, its environment. */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import { AGB } from "@effect-agb/platform-node/AgbPromise"
import { assert, describe, it } from "@effect/vitest"
import { mkdtemp, rm } from "node:fs/promises"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { outputOf, spawnFixture } from "../support/processes/children.js"
import { best } from "../support/runtime.js"

const minute = 60_000

const thrownBy = (f: () => unknown): unknown => {
  try {
    f()
  } catch (error) {
    return error
  }
  return assert.fail("it threw nothing")
}

describe("a process whose work is done ends by itself", () => {
  for (const isolation of new Set([best.level, "none"])) {
    it(`with a session and a runtime left (isolation ${isolation})`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "agb-left-"))
      const child = await spawnFixture("promiseExit.mts", { args: [isolation], env: { TMPDIR: folder } })
      assert.strictEqual(await outputOf(child).finally(() => rm(folder, { recursive: true })), "done\n")
    }, minute)
  }

  it("after the disposal", async () => {
    const child = await spawnFixture("promiseExit.mts", { args: [best.level, "dispose"] })
    assert.strictEqual(await outputOf(child), "done\n")
  }, minute)
})

describe("AGB on Node", () => {
  it("takes a key, settings or the environment", () => {
    const { env } = process
    const { AGB_API_KEY: before } = env
    env.AGB_API_KEY = "akm-environment"
    assert.strictEqual(new AGB().apiKey, "akm-environment")
    assert.strictEqual(new AGB("akm-text").apiKey, "akm-text")
    const agb = new AGB({ apiKey: "akm-settings", endpoint: "http://localhost:9", timeoutMs: 5 })
    assert.deepStrictEqual([agb.apiKey, agb.endpoint, agb.timeoutMs], ["akm-settings", "http://localhost:9", 5])
    delete env.AGB_API_KEY
    const error = thrownBy(() => new AGB({}))
    if (before !== undefined) env.AGB_API_KEY = before
    assert(error instanceof ConfigurationError)
    assert.strictEqual(error.field, "AGB_API_KEY")
    for (const wrong of [null, 5, []]) {
      assert(thrownBy(() => new AGB(wrong as never)) instanceof ConfigurationError)
      assert(thrownBy(() => AGB.local(wrong as never)) instanceof ConfigurationError)
    }
  })

  it("answers that nobody is there", async () => {
    const agb = new AGB({ apiKey: "akm-key", endpoint: "http://127.0.0.1:1" })
    const result = await agb.create({ imageId: "agb-code-space-1" })
    assert.strictEqual(result.error?._tag, "TransportError")
    assert(result.error?.retryable)
    assert(!result.error?.mayHaveHappened)
    await agb.dispose()
  })

  it("says why the local runtime does not start, and starts it when it can", async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    const agb = AGB.local({ port, isolation: best })
    const refused = await agb.create({ imageId: "agb-code-space-1" })
    assert(refused.error?._tag === "RuntimeUnavailableError")
    assert.strictEqual(refused.error.reason, "LocalServerError")
    assert.match(refused.errorMessage ?? "", /choose another port/)
    const wrong = await AGB.local({ poolSize: -1 }).create({ imageId: "agb-code-space-1" })
    assert(wrong.error?._tag === "ConfigurationError")
    assert.strictEqual(wrong.error.field, "poolSize")
    await new Promise((resolve) => server.close(resolve))
    const created = await agb.create({ imageId: "agb-code-space-1" })
    assert(created.success, created.errorMessage)
    assert.strictEqual(agb.endpoint, `http://127.0.0.1:${port}`)
    assert.match(agb.apiKey, /^akm-/)
    await agb.dispose()
  })

  it("aborts creates and runs on the local runtime", async () => {
    await using agb = AGB.local({ isolation: best })
    const reason = new Error("enough")
    const rejectionOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error)
    for (const delay of [0, 1, 5, 20]) {
      const stop = new AbortController()
      const created = agb.create({ imageId: "agb-code-space-1" }, { signal: stop.signal })
      setTimeout(() => stop.abort(reason), delay)
      const outcome = await created.catch((error: unknown) => error)
      assert(outcome === reason || (outcome as { success: boolean }).success, String(outcome))
      if (outcome !== reason) await agb.delete((outcome as { session: { sessionId: string } }).session.sessionId)
    }
    const session = await agb.create({ imageId: "agb-code-space-1" })
    assert(session.success, session.errorMessage)
    const { code, command } = session.session
    const signal = AbortSignal.timeout(200)
    assert.strictEqual(await rejectionOf(code.runCode("for (;;) {}", "javascript", 300, { signal })), signal.reason)
    const stop = AbortSignal.timeout(200)
    assert.strictEqual(await rejectionOf(command.executeCommand("sleep 60", 60_000, { signal: stop })), stop.reason)
    assert.strictEqual((await code.runCode("6 * 7", "javascript")).result, "42")
    const events: Array<unknown> = []
    for await (const event of command.executeCommandStream("echo out; exit 3", 30_000, { acceptExitCodes: [3] })) {
      events.push(event._tag === "Exited" ? [event.exitCode, event.signal, event.timedOut] : event)
    }
    assert.deepStrictEqual(events, [{ _tag: "Stdout", text: "out\n" }, [3, undefined, false]])
    const refused = await rejectionOf(command.executeCommandStream("exit 3").next())
    assert.deepInclude(refused, { _tag: "CommandExitError", exitCode: 3 })
    for (let tries = 0; (await agb.list()).totalCount !== 1; tries += 1) {
      assert(tries < 100, "an aborted create left a session")
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }, minute)
})
