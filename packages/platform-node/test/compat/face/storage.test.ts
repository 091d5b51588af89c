/** Contexts and transfers in the manner of the official SDK, on the local runtime. */
import { type AGB, Context, ContextSync, newSyncPolicy, type Session } from "@effect-agb/platform-node/compat"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { randomBytes, randomUUID } from "node:crypto"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { namesOf, type Runtime, sessionOf, startRuntime } from "./localAgb.js"

let runtime: Runtime
let agb: AGB

beforeAll(async () => {
  runtime = await startRuntime()
  agb = runtime.agb
})

afterAll(() => runtime?.stop())

const contextOf = async (): Promise<Context> => {
  const { context, errorMessage } = await agb.context.create(`face ${randomUUID()}`)
  assert(context, errorMessage)
  return context
}

describe("agb.context", () => {
  it("is created, found, renamed, listed and deleted", async () => {
    const context = await contextOf()
    assert.strictEqual((await agb.context.get(context.name, true)).context?.id, context.id)
    assert.strictEqual((await agb.context.get(undefined, false, undefined, context.id)).context?.name, context.name)
    assert.include((await agb.context.list({ maxResults: 100 })).contexts.map(({ id }) => id), context.id)
    context.name = `${context.name} renamed`
    const updated = await agb.context.update(context)
    assert.deepStrictEqual(updated.data, { context_id: context.id })
    assert.strictEqual((await agb.context.get(context.name)).context?.id, context.id)
    const cleared = await agb.context.clear(context.id, 60, 2)
    assert.deepStrictEqual({ ...cleared, requestId: "" }, { requestId: "", success: true, state: "available" })
    assert.strictEqual((await agb.context.clearAsync(context.id)).state, "clearing")
    assert.isNotEmpty((await agb.context.getClearStatus(context.id)).state ?? "")
    assert.deepStrictEqual((await agb.context.delete(context)).data, { context_id: context.id })
    assert.strictEqual((await agb.context.get(undefined, false, undefined, context.id)).success, false)
    assert.strictEqual((await agb.context.clear("invalid-context-id-12345")).success, false)
  })

  it("has files, by presigned URLs that are not printed", async () => {
    const { id } = await contextOf()
    const upload = await agb.context.getFileUploadUrl(id, "/tmp/a.txt")
    assert.notInclude(inspect(upload) + JSON.stringify(upload), upload.url)
    assert.strictEqual((await fetch(upload.url, { method: "PUT", body: "text" })).status, 200)
    const { files } = await agb.context.listFiles(id, "/tmp")
    assert.deepStrictEqual(files.map(({ name, size }) => [name, size]), [["a.txt", 4]])
    assert.deepStrictEqual(namesOf(files[0] ?? {}), [
      ...["createdTime", "fileId", "modifiedTime", "name", "path", "size", "status", "type"]
    ])
    const download = await agb.context.getFileDownloadUrl(id, "/tmp/a.txt")
    assert.strictEqual(await (await fetch(download.url)).text(), "text")
    assert.strictEqual((await agb.context.deleteFile(id, "/tmp/a.txt")).data, true)
    assert.deepStrictEqual((await agb.context.listFiles(id, "/tmp")).files, [])
    await agb.context.delete(new Context(id, ""))
  })
})

describe("session.context", () => {
  it("saves a directory that the next session finds, with a policy and without", async () => {
    const context = await contextOf()
    const path = "/tmp/kept"
    for (const policy of [newSyncPolicy(), undefined]) {
      const session = await sessionOf(agb, { contextSync: [new ContextSync(context.id, path, policy)] })
      await session.command.execute("mkdir -p kept", 10_000, "/tmp")
      const content = String(policy === undefined)
      assert((await session.file.write(`${path}/a.txt`, content)).success)
      const outcomes: Array<boolean> = []
      const synced = await session.context.sync(context.id, path, "upload", 150, 1500, (ok) => void outcomes.push(ok))
      assert.deepStrictEqual([namesOf(synced), outcomes], [["requestId", "success"], [true]])
      const { items } = await session.context.info(context.id, path, "upload")
      assert.deepStrictEqual(items.map(({ contextId, status }) => [contextId, status]), [[context.id, "Success"]])
      assert((await agb.delete(session, true)).success)
      const next = await sessionOf(agb, { contextSync: [ContextSync.new(context.id, path)] })
      assert.strictEqual((await next.file.read(`${path}/a.txt`)).content, content)
      await next.delete()
    }
    await agb.context.delete(context)
  })
})

describe("session.file", () => {
  let folder: string
  let session: Session

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "agb-face-"))
    session = await sessionOf(agb)
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it("moves files both ways", async () => {
    const path = await session.file.transferPath()
    assert(path !== null)
    const bytes = randomBytes(300_000)
    await writeFile(join(folder, "up"), bytes)
    const told: Array<number> = []
    const sent = await session.file.upload(join(folder, "up"), `${path}/moved`, {
      progressCallback: (bytes) => void told.push(bytes)
    })
    assert(sent.success, sent.errorMessage)
    assert.deepStrictEqual(namesOf(sent), [
      ...["bytesSent", "etag", "httpStatus", "path", "requestIdSync", "requestIdUploadUrl", "success"]
    ])
    assert.match(sent.etag ?? "", /^"[0-9A-F]{8,}"$/)
    assert.include([200, 201, 204], sent.httpStatus)
    assert.deepStrictEqual([sent.bytesSent, told.at(-1), sent.path], [300_000, 300_000, `${path}/moved`])
    const read = await session.file.read(`${path}/moved`, { format: "bytes" })
    assert.deepStrictEqual(Buffer.from(read.content), bytes)

    const local = join(folder, "down")
    const received = await session.file.download(`${path}/moved`, local)
    assert(received.success, received.errorMessage)
    assert.deepStrictEqual([received.bytesReceived, received.localPath], [300_000, local])
    assert.deepStrictEqual(namesOf(received), [
      ...["bytesReceived", "httpStatus", "localPath", "path", "requestIdDownloadUrl", "requestIdSync", "success"]
    ])
    assert.notStrictEqual(received.requestIdDownloadUrl, received.requestIdSync)
    assert.isNotEmpty(received.requestIdDownloadUrl)
    assert.deepStrictEqual(await readFile(local), bytes)
    // The transfers are none of the contexts that are saved, of a session that was found again neither.
    const found = (await agb.get(session.sessionId)).session
    for (const one of [session, found]) {
      const saved = await one?.context.sync(undefined, undefined, "upload", 10, 1000)
      assert.isTrue(saved?.success, saved?.errorMessage)
    }
    const kept = await session.file.download(`${path}/moved`, local, { overwrite: false })
    assert.match(kept.errorMessage ?? "", /already exists/)
    assert.deepStrictEqual((await readdir(folder)).sort(), ["down", "up"])
  })

  it("leaves nothing half done, and says what is missing or unknown", async () => {
    const path = await session.file.transferPath()
    const missing = await session.file.download(`${path}/missing`, join(folder, "missing"))
    assert.strictEqual(missing.success, false)
    assert.notInclude(await readdir(folder), "missing")
    assert.deepStrictEqual((await readdir(folder)).filter((name) => name.endsWith(".part")), [])
    const nowhere = await session.file.upload(join(folder, "nowhere"), `${path}/x`)
    assert.match(nowhere.errorMessage ?? "", /^Local file not found/)
    const local = join(folder, "typed")
    await writeFile(local, "text")
    const typed = await session.file.upload(local, `${path}/x`, { contentType: "text/plain" })
    assert(typed.success, typed.errorMessage)
    const wrong = await session.file.upload(local, `${path}/x`, { contentType: "text/plain\r\nx: y" })
    assert.match(wrong.errorMessage ?? "", /contentType/)
  })
})
