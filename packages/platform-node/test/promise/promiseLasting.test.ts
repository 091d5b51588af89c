/** What lasts between calls of the promise face: processes, pools, resumed sessions, ports; and files of this machine. */
import { AGB, saveAs, type Session } from "@effect-agb/platform-node/AgbPromise"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { randomBytes } from "node:crypto"
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { best, none } from "../support/runtime.js"

const imageId = "agb-code-space-1"

const sessionOf = async (agb: AGB): Promise<Session> => {
  const created = await agb.create({ imageId })
  assert(created.success, created.errorMessage)
  return created.session
}

const rejectionOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => assert.fail("it did not reject"), (error: unknown) => error)

const until = async (condition: () => boolean | Promise<boolean>, title: string): Promise<void> => {
  for (let tries = 0; !await condition(); tries += 1) {
    assert(tries < 250, title)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const agb = AGB.local({ isolation: best, poolSize: 1 })
let session: Session

beforeAll(async () => {
  session = await sessionOf(agb)
})

afterAll(() => agb.dispose())

const isRunning = async ({ command }: Session, key: string): Promise<boolean> => {
  const { data = [] } = await command.listProcesses()
  return data.some((process) => process.key === key && process.exit === undefined)
}

describe("a process that is started", () => {
  it("ends when it is disposed of", async () => {
    const started = await session.command.start("echo begun; sleep 600")
    assert(started.success, started.errorMessage)
    const { key } = started.process
    {
      await using process = started.process
      assert.strictEqual((await process.waitForLog(/begun/)).success, true)
      assert.isTrue(await isRunning(session, key))
    }
    assert.isFalse(await isRunning(session, key))
    const refused = await session.command.start("true", { key: "k" } as never)
    assert.strictEqual(refused.error?._tag, "InvalidRequestError")
  })
})

describe("a file", () => {
  it("is written and read by requests whose ids are told", async () => {
    const { fileSystem } = session
    const path = "/tmp/told"
    const results = [
      await fileSystem.writeFile(path, Uint8Array.of(1, 2)),
      await fileSystem.readFileBytes(path),
      await fileSystem.readFile(path)
    ]
    for (const { errorMessage, requestId } of results) assert.match(requestId, /^[\dA-F-]{36}$/, errorMessage)
    assert.strictEqual(new Set(results.map(({ requestId }) => requestId)).size, results.length)
  })
})

describe("a session of an owner", () => {
  it("is found again, resumed and left alone", async () => {
    const params = { imageId, idleTimeout: "1 minute" } as const
    const ensured = await agb.ensure("promises", params)
    assert(ensured.success, ensured.errorMessage)
    const again = await agb.ensure("promises", params)
    assert.strictEqual(again.data?.sessionId, ensured.data.sessionId)
    const resumed = await agb.resume(JSON.parse(JSON.stringify(ensured.data)))
    assert(resumed.success, resumed.errorMessage)
    {
      await using session = resumed.session
      assert.strictEqual((await session.command.executeCommand("echo here")).output, "here\n")
    }
    assert.strictEqual((await resumed.session.getStatus()).data, "RUNNING")
    assert.deepStrictEqual({ ...resumed.session.ref }, { ...ensured.data })
    assert.deepStrictEqual((await agb.undeleted()).data, [])
    assert((await agb.delete(resumed.session)).success)
    assert.strictEqual((await agb.resume(ensured.data)).error?._tag, "SessionLostError")
    for (const wrong of [{ sessionId: 5, imageId }, {}, null]) {
      assert.strictEqual((await agb.resume(wrong as never)).error?._tag, "InvalidRequestError")
    }
    assert.strictEqual((await agb.ensure(" ", params)).error?._tag, "InvalidRequestError")
  })
})

describe("a pool", () => {
  it("lends sessions, one for each borrower, and takes none back from one that threw", async () => {
    const resets: Array<string> = []
    const opened = await agb.pool({
      session: { imageId },
      max: 2,
      health: async (session) => (await session.getStatus()).success,
      reset: async (session) => void resets.push(session.sessionId)
    })
    assert(opened.success, opened.errorMessage)
    const { pool } = opened
    const ids = await Promise.all([1, 2, 3].map((n) =>
      pool.withSession(async ({ code, sessionId }) => {
        assert.strictEqual((await code.runCode(`${n} * 2`, "javascript")).result, String(n * 2))
        return sessionId
      })
    ))
    assert.isAtMost(new Set(ids).size, 2)
    await until(() => resets.length === 3, "it is not reset")
    const error = new Error("of the borrower")
    let lost = ""
    const rejected = pool.withSession((session) => {
      lost = session.sessionId
      throw error
    })
    assert.strictEqual(await rejectionOf(rejected), error)
    const others = await Promise.all([1, 2].map(() =>
      pool.withSession(async ({ getStatus: _, sessionId }) => {
        await new Promise((resolve) => setTimeout(resolve, 50))
        return sessionId
      })
    ))
    assert.notInclude(others, lost)
    assert.isAtMost((await pool.stats()).data?.size ?? 99, 3)
    await pool.close()
    const listed = (await agb.list()).sessionIds ?? []
    for (const id of [...ids, ...others]) assert.notInclude(listed, id)
    const refused = await rejectionOf(pool.withSession(() => {}))
    assert.match(String(refused), /^Error: Failed to borrow a session/)
  })

  it("ends the wait of a borrower whose signal aborts, and refuses wrong options by name", async () => {
    const opened = await agb.pool({ session: { imageId }, max: 1 })
    assert(opened.success, opened.errorMessage)
    await using pool = opened.pool
    await pool.withSession(async () => {
      const stop = new AbortController()
      const waiting = rejectionOf(pool.withSession(() => {}, { signal: stop.signal }))
      await until(async () => (await pool.stats()).data?.waiting === 1, "nobody waits")
      const reason = new Error("enough")
      stop.abort(reason)
      assert.strictEqual(await waiting, reason)
    })
    const wrong: ReadonlyArray<readonly [object, string]> = [
      [{ session: { imageId }, max: 0 }, "max"],
      [{ session: { imageId }, max: 1, maxWait: 5 }, "maxWait"],
      [{ session: { imageId }, max: 1, maxWaitMs: -5 }, "maxWaitMs"],
      [{ session: { imageId }, max: 1, health: true }, "health"]
    ]
    for (const [options, field] of wrong) {
      const { error } = await agb.pool(options as never)
      assert(error?._tag === "InvalidRequestError")
      assert.strictEqual(error.field, field)
    }
  })
})

describe("a port of a session", () => {
  /** Where there are no sockets at all there is nothing to lead to. */
  const linked = AGB.local({ isolation: best.level === "landlock" ? none : best, poolSize: 0 })
  afterAll(() => linked.dispose())

  it("is one of this machine until it is closed, or with its AGB", async () => {
    const session = await sessionOf(linked)
    const server = "require('http').createServer((_, response) => response.end('served')).listen(30100); 0"
    assert((await session.code.runCode(server, "javascript")).success)
    const opened = await linked.forward(session, 30_100)
    assert(opened.success, opened.errorMessage)
    assert.strictEqual(await (await fetch(opened.data.url)).text(), "served")
    await opened.data.close()
    await rejectionOf(fetch(opened.data.url))
    const again = await linked.forward(session, 30_100, { localPort: opened.data.port })
    assert(again.success, again.errorMessage)
    assert.strictEqual((await linked.forward(session, 8080)).success, false)
    assert.strictEqual(
      (await linked.forward(session, 30_100, { host: "x" } as never)).error?._tag,
      "InvalidRequestError"
    )
    await linked.dispose()
    await rejectionOf(fetch(again.data.url))
  })
})

describe("files", () => {
  let folder: string
  let home: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "agb-transfers-"))
    home = ((await session.command.executeCommand("pwd")).output ?? "").trim()
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it("are moved both ways with their permissions, and the progress is told", async () => {
    const bytes = randomBytes(3_000_000)
    await mkdir(join(folder, "up", "deep"), { recursive: true })
    await writeFile(join(folder, "up", "a.bin"), bytes)
    await writeFile(join(folder, "up", "deep", "run.sh"), "#!/bin/sh\n", { mode: 0o755 })
    let last = { files: 0, totalFiles: -1, bytes: 0 }
    for await (const progress of agb.upload(session, join(folder, "up"), `${home}/up`)) last = progress
    assert.deepInclude(last, { files: 2, totalFiles: 2, bytes: bytes.length + 10 })
    for await (const progress of agb.download(session, `${home}/up`, join(folder, "down"), { verify: "checksum" })) {
      last = progress
    }
    assert.strictEqual(last.files, 2)
    assert.deepStrictEqual(await readFile(join(folder, "down", "a.bin")), bytes)
    assert.strictEqual((await stat(join(folder, "down", "deep", "run.sh"))).mode & 0o777, 0o755)
    assert.deepStrictEqual(await readdir(join(folder, "down")), ["a.bin", "deep"])
  })

  it("are made of what a run displays", async () => {
    const run = await session.code.runCode("[1, 2]", "javascript")
    const [item] = run.results
    assert(item !== undefined)
    assert.deepInclude(await saveAs(item, join(folder, "value")), { success: true, data: join(folder, "value.txt") })
    assert.strictEqual(await readFile(join(folder, "value.txt"), "utf8"), "[ 1, 2 ]")
    const nowhere = await saveAs(item, join(folder, "nowhere", "value"))
    assert.deepInclude(nowhere.error, { _tag: "FileNotFoundError", operation: "RichResult.saveAs" })
    assert.deepInclude((await saveAs(null as never, "x")).error, { _tag: "InvalidRequestError", field: "item" })
    assert.deepInclude((await saveAs(item, "")).error, { _tag: "InvalidRequestError", field: "path" })
  })

  it("that are missing, or options that are unknown, are thrown errors", async () => {
    const firstOf = (items: AsyncIterableIterator<unknown>) => rejectionOf(items.next())
    const missing = await firstOf(agb.upload(session, join(folder, "nowhere"), `${home}/x`))
    assert.deepInclude(missing, { _tag: "FileNotFoundError", path: join(folder, "nowhere") })
    const absent = await firstOf(agb.download(session, `${home}/nowhere`, join(folder, "x")))
    assert.propertyVal(absent, "_tag", "FileNotFoundError")
    const unwritable = await firstOf(agb.download(session, `${home}/up/a.bin`, join(folder, "up", "a.bin", "x")))
    assert.deepInclude(unwritable, { _tag: "FileError", reason: "NotDirectory" })
    const wrong = await firstOf(agb.upload(session, folder, `${home}/x`, { overwrite: true } as never))
    assert.deepInclude(wrong, { _tag: "InvalidRequestError", field: "overwrite" })
    const reason = new Error("enough")
    const aborted = agb.upload(session, join(folder, "up"), `${home}/y`, { signal: AbortSignal.abort(reason) })
    assert.strictEqual(await firstOf(aborted), reason)
  })
})

it("the disposal ends what is left of all of it", async () => {
  const other = AGB.local({ isolation: best, poolSize: 0 })
  const session = await sessionOf(other)
  const started = await session.command.start("sleep 600")
  const opened = await other.pool({ session: { imageId }, max: 1, min: 1 })
  assert(started.success && opened.success)
  await other.dispose()
  await opened.pool.close()
  await started.process[Symbol.asyncDispose]()
  assert.match(String(await rejectionOf(opened.pool.withSession(() => {}))), /disposed/)
})
