/** Where the compatible face takes its key and its endpoint from, in this process and in programs of their own. */
import { AGB as Promises } from "@effect-agb/platform-node/AgbPromise"
import {
  AGB,
  AGBError,
  APIError,
  AuthenticationError,
  Config,
  WsError,
  WsRemoteError
} from "@effect-agb/platform-node/compat"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { outputOf, spawnFixture } from "../../support/processes/children.js"
import { type Runtime, startRuntime } from "./localAgb.js"

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "agb-settings-"))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const thrownBy = (f: () => unknown): unknown => {
  try {
    f()
  } catch (error) {
    return error
  }
  return assert.fail("it threw nothing")
}

const names = ["AGB_API_KEY", "AGB_ENDPOINT", "AGB_TIMEOUT_MS"]

/** Runs with these variables alone. */
const withEnv = <A>(variables: Record<string, string>, f: () => A): A => {
  const before = names.map((name) => [name, process.env[name]] as const)
  for (const name of names) delete process.env[name]
  Object.assign(process.env, variables)
  try {
    return f()
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}

const envFile = async (text: string): Promise<string> => {
  const path = join(folder, `env-${Math.random()}`)
  await writeFile(path, text)
  return path
}

describe("the settings", () => {
  it("are those given, then those of the environment, then the key of the file", async () => {
    const file = await envFile("# a comment\nexport AGB_API_KEY=\"akm-file\"\nAGB_TIMEOUT_MS=7\n")
    withEnv({}, () => assert.strictEqual(new AGB({ envFile: file }).apiKey, "akm-file"))
    withEnv({ AGB_API_KEY: "akm-env", AGB_ENDPOINT: "http://localhost:9", AGB_TIMEOUT_MS: "5" }, () => {
      assert.strictEqual(new AGB({ envFile: file }).apiKey, "akm-env")
      assert.deepStrictEqual({ ...new AGB("akm-given").config }, { endpoint: "http://localhost:9", timeoutMs: 5 })
      const config = new Config({ endpoint: "http://localhost:8", timeoutMs: 6 })
      const agb = new AGB({ apiKey: "akm-given", config, envFile: file })
      assert.deepStrictEqual([agb.apiKey, agb.config], ["akm-given", config])
    })
    withEnv({}, () => assert.strictEqual(new AGB({ envFile: file, apiKey: " " }).config.timeoutMs, 60_000))
  })

  it("have no key: the error of the official SDK", () => {
    const error = withEnv({}, () => thrownBy(() => new AGB()))
    assert.instanceOf(error, AuthenticationError)
    assert.instanceOf(error, AGBError)
    assert.deepStrictEqual([error.name, error.message], [
      "AuthenticationError",
      "API key is required. Provide it as a parameter or set the AGB_API_KEY environment variable"
    ])
  })

  it("never have the endpoint of a file: it must not choose who gets the key", async () => {
    const file = await envFile("AGB_API_KEY=akm-file\nAGB_ENDPOINT=https://attacker.example\n")
    withEnv({}, () => assert.match(String(thrownBy(() => new AGB({ envFile: file }))), /AGB_ENDPOINT is not read from/))
    withEnv(
      { AGB_API_KEY: "akm-env" },
      () => assert.match(String(thrownBy(() => new AGB({ envFile: file }))), /AGB_ENDPOINT is not read from/)
    )
    withEnv(
      { AGB_ENDPOINT: "http://localhost:9" },
      () => assert.deepStrictEqual(new AGB({ envFile: file }).config.endpoint, "http://localhost:9")
    )
    const usual = await envFile("AGB_API_KEY=akm-file\nAGB_ENDPOINT=sdk-api.agb.cloud\n")
    withEnv({}, () => assert.strictEqual(new AGB({ envFile: usual }).config.endpoint, "https://sdk-api.agb.cloud"))
  })

  it("that are wrong or unknown are named", () => {
    const wrong: ReadonlyArray<readonly [unknown, RegExp]> = [
      [{ apiKey: "k", timeout: 5 }, /unknown option timeout/],
      [{ apiKey: "k", config: { url: "x" } }, /unknown option url/],
      [{ apiKey: "k", config: { endpoint: "http://example.com" } }, /endpoint/],
      [{ apiKey: "k", config: { timeoutMs: -1 } }, /timeoutMs/],
      [{ envFile: join("/nonexistent", ".env") }, /envFile cannot be read/],
      [{ envFile: "/" }, /envFile cannot be read/],
      [5, /options must be an object/]
    ]
    for (const [options, expected] of wrong) {
      const error = thrownBy(() => new AGB(options as never))
      assert.instanceOf(error, AGBError)
      assert.match(error.message, expected)
    }
  })

  it("may be an AGB of the promise API", async () => {
    const core = new Promises({ apiKey: "akm-shared", endpoint: "http://localhost:9" })
    assert.strictEqual(new AGB(core).apiKey, "akm-shared")
    await core.dispose()
  })
})

it("errors have the classes and the fields of the official SDK", () => {
  const error = new APIError("no", 500, { requestId: "r" })
  assert.deepStrictEqual([error.name, error.message, error.statusCode, error.extra], ["APIError", "no", 500, {
    requestId: "r"
  }])
  assert.instanceOf(new WsRemoteError("no"), WsError)
})

describe("a program of its own", () => {
  let runtime: Runtime

  beforeAll(async () => {
    runtime = await startRuntime()
  })

  afterAll(() => runtime?.stop())

  const run = async (cwd: string, env: Record<string, string> = {}) =>
    (await outputOf(await spawnFixture("compatExit.mts", { args: [cwd], env }))).trim()

  it("leaves its session to the idle time when it ends, as with the official SDK", async () => {
    const sessionId = await run(folder, { AGB_API_KEY: runtime.apiKey, AGB_ENDPOINT: runtime.endpoint })
    const { session } = await runtime.agb.get(sessionId)
    assert(session)
    await session.delete()
  })

  it("has the key of the file in its directory, and not of one in a parent", async () => {
    const here = await mkdtemp(join(folder, "here-"))
    await writeFile(join(here, ".env"), `AGB_API_KEY=${runtime.apiKey}\n`)
    const { session } = await runtime.agb.get(await run(here, { AGB_ENDPOINT: runtime.endpoint }))
    assert(session)
    await session.delete()
    await mkdir(join(here, "below"))
    assert.match(await run(join(here, "below"), { AGB_ENDPOINT: runtime.endpoint }), /^AuthenticationError/)
  })
})
