/** Sessions and contexts: made, found, kept, labelled, listed, ended. */
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { AGB, type CreateParams } from "./agb.js"
import { bad, good, until, Walk } from "./report.js"

export const walk = new Walk()

const imageId = "agb-code-space-1"

const made = async (agb: AGB, params: Partial<CreateParams> = {}) => good(await agb.create({ imageId, ...params }))

walk.observes(["getSession", "info, status and link"], async (agb, session) => {
  const found = await agb.getSession(session.sessionId)
  const data = good(found)
  assert.equal(found.status, 200)
  assert.ok(["ok", ""].includes(found.code))
  for (const text of [data.sessionId, data.appInstanceId, data.resourceId]) assert.ok(text)
  assert.match(data.resourceUrl ?? "", /resourceId=/)
  assert.equal(good(await agb.get(session.sessionId)).wsUrl, session.wsUrl)
  assert.equal(good(await session.getStatus()).status, "RUNNING")
  assert.match(String(good(await session.info())["resourceUrl"]), /resourceId=/)
})

walk.observes(
  ["get on deleted / unknown id", "Deleted session", "Second delete", "delete polls until it is gone"],
  async (agb) => {
    const session = await made(agb)
    good(await session.delete())
    for (const id of [session.sessionId, "session-nonexistent-12345", " "]) bad(await agb.get(id))
    bad(await session.code.run("1", "python"))
    bad(await session.file.write("/tmp/x", "x"))
    assert.ok((await session.delete()).requestId)
  }
)

walk.observes(["Labels"], async (agb) => {
  const of = randomUUID()
  const session = await made(agb, { labels: { of, owner: "team a" } })
  assert.deepEqual(await session.getLabels(), { of, owner: "team a" })
  assert.deepEqual(good(await agb.list({ of })), [session.sessionId])
  good(await session.setLabels({ of, owner: "b & c + d" }))
  assert.deepEqual(await session.getLabels(), { of, owner: "b & c + d" })
  await session.delete()
})

walk.observes(["List", "paging walks from token to token"], async (agb) => {
  const labels = { of: randomUUID() }
  const sessions = [await made(agb, { labels }), await made(agb, { labels }), await made(agb, { labels })]
  const pages = [await agb.list(labels, 1, 2), await agb.list(labels, 2, 2)]
  assert.deepEqual(pages.map(({ envelope }) => envelope["count"]), [3, 3])
  assert.deepEqual(new Set(pages.flatMap(good)), new Set(sessions.map(({ sessionId }) => sessionId)))
  bad(await agb.list(labels, 9, 2))
  bad(await agb.list(labels, 0))
  for (const session of sessions) await session.delete()
  const none = await agb.list(labels)
  assert.deepEqual([good(none), none.envelope["count"]], [[], 0])
})

walk.observes(["keepAlive"], async (agb) => {
  const [kept, watched] = [await made(agb, { idleReleaseTimeout: 3 }), await made(agb, { idleReleaseTimeout: 3 })]
  await until(async () => good(await kept.keepAlive()) === undefined && !(await watched.getStatus()).success, 20_000)
  good(await kept.getStatus())
  await kept.delete()
})

walk.observes(["an idle time of 0 is the default"], async (agb) => {
  const session = await made(agb, { idleReleaseTimeout: 0 })
  good(await session.getStatus())
  await session.delete()
})

walk.observes(["listTools", "Unknown tool", "Metrics"], async (_agb, session) => {
  const names = (await session.listMcpTools()).map(({ name }) => name)
  for (const name of ["shell", "run_code", "read_file", "write_file"]) assert.ok(names.includes(name), name)
  bad(await session.callMcpTool("non_existent_tool_12345", {}))
  const metrics = JSON.parse(good(await session.callMcpTool("get_metrics", {}))) as Record<string, unknown>
  for (const name of ["cpu_count", "mem_total", "disk_total"]) assert.equal(typeof metrics[name], "number", name)
})

walk.observes(["Contexts"], async (agb) => {
  const { id, name } = good(await agb.context.create(`walk ${randomUUID()}`))
  assert.equal(good(await agb.context.create(name)).id, id)
  assert.ok(good(await agb.context.list(100)).some((context) => context.id === id))
  good(await agb.context.update(id, `${name} renamed`))
  assert.equal(good(await agb.context.get(undefined, false, id)).name, `${name} renamed`)
  assert.ok(await agb.context.clear(id, 100))
  good(await agb.context.clearAsync(id))
  good(await agb.context.delete(id))
  bad(await agb.context.get(undefined, false, id))
  bad(await agb.context.clearAsync("invalid-context-id-12345"))
})

walk.observes(["Presigned URLs"], async (agb) => {
  const { id } = good(await agb.context.create(`walk ${randomUUID()}`))
  const body = new Uint8Array(100_000).map((_, index) => index * 7)
  const sent = await fetch(good(await agb.context.uploadUrl(id, "/tmp/a.bin")).url, { method: "PUT", body })
  assert.equal(sent.status, 200)
  const received = await fetch(good(await agb.context.downloadUrl(id, "/tmp/a.bin")).url)
  assert.deepEqual(new Uint8Array(await received.arrayBuffer()), body)
  assert.deepEqual(good(await agb.context.listFiles(id, "/tmp")).map(({ size }) => size), [100_000])
  good(await agb.context.listFiles(id))
  good(await agb.context.deleteFile(id, "/tmp/a.bin"))
  assert.deepEqual(good(await agb.context.listFiles(id, "/tmp")), [])
  await agb.context.delete(id)
})

walk.observes(["bad key"], async (_agb, session) => {
  const stranger = new AGB("akm-99999999-0000-0000-0000-000000000000")
  bad(await stranger.create({ imageId }))
  assert.equal((await stranger.getSession(session.sessionId)).status, 401)
})

walk.observes(["browser and desktop tools say that they are missing"], async (agb, session) => {
  const query = { sessionId: session.sessionId }
  const persistentPath = "/tmp/agb_browser_data"
  bad(await agb.api.post("/browser/init", {}, { ...query, persistentPath, browserOption: "{}" }))
  bad(await agb.api.post("/internet/getCdpLink", {}, query))
  bad(await session.callMcpTool("page_use_navigate", { url: "https://example.com" }))
  bad(await session.callMcpTool("click_mouse", { x: 1, y: 2, button: "left" }))
  good(await session.getStatus())
})
