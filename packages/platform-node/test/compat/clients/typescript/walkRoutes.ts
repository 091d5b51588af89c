/** The link of a session, its WebSocket, and the way into it from outside. */
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { Session } from "./agb.js"
import { type Json, sleep } from "./api.js"
import { bad, good, until, Walk } from "./report.js"
import { Stream } from "./stream.js"

export const walk = new Walk()

walk.observes(["Link route", "the route is chosen per call"], async (agb, plain) => {
  const browser = good(await agb.create({ imageId: "agb-browser-use-1" }))
  const restored = good(await agb.get(browser.sessionId))
  for (const session of [browser, restored]) {
    const result = await session.execute("echo link", 10_000)
    assert.deepEqual([result.stdout, result.requestId.startsWith("link-")], ["link\n", true])
  }
  good(await browser.file.write("/tmp/l.txt", "via link"))
  assert.equal(good(await browser.file.read("/tmp/l.txt")), "via link")
  assert.match(bad(await browser.callMcpTool("read_file", { path: "/tmp/nope" })), /nope/)
  assert.equal((await browser.callMcpTool("page_use_navigate", { url: "u" })).requestId.startsWith("link-"), false)
  const stranger = new Session(agb, good(await agb.getSession(browser.sessionId)), "", "t-another")
  assert.equal(bad(await stranger.callMcpTool("shell", { command: "true" })), "HTTP request failed with code: 401")
  assert.equal((await plain.execute("true", 10_000)).requestId.startsWith("link-"), false)
  await browser.delete()
})

walk.observes(["Streaming"], async (_agb, session) => {
  const told: Array<readonly [string, number]> = []
  const code = "import time\nprint('one', flush=True)\ntime.sleep(1)\nprint('two', flush=True)\n6 * 7"
  const result = await session.code.run(code, "python", 60, {
    streamBeta: true,
    onStdout: (chunk) => told.push([chunk, Date.now()])
  })
  assert.ok(result.success, result.errorMessage)
  assert.equal(told.map(([chunk]) => chunk).join(""), "one\ntwo\n")
  assert.ok((told.at(-1)?.[1] ?? 0) - (told[0]?.[1] ?? 0) >= 800, "they arrive when they are printed")
  assert.deepEqual(result.results.map((item) => item["text/plain"]), ["42"])
})

walk.observes(["streams: errors, timeouts and many at once"], async (_agb, session) => {
  const streamed = (code: string, language = "python", timeoutS = 60) =>
    session.code.run(code, language, timeoutS, { streamBeta: true })
  assert.match(bad(await streamed("1 / 0")), /division by zero/)
  const late = await streamed("print('begun', flush=True)\nimport time\ntime.sleep(30)", "python", 1)
  assert.match(bad(late), /timeout/)
  assert.deepEqual(late.logs.stdout, ["begun\n"])
  const both = await Promise.all([streamed("print('hi')"), streamed("console.log('hi')", "javascript")])
  assert.deepEqual(both.map(({ logs }) => logs.stdout.join("")), ["hi\n", "hi\n"])
})

walk.observes(["Cancel"], async (_agb, session) => {
  const stream = await session.code.connect()
  const file = `/tmp/cancelled-${randomUUID()}`
  const code = `import time\nprint('begun', flush=True)\ntime.sleep(0.5)\nopen('${file}', 'w').close()`
  const events: Array<Json> = []
  const handle = stream.callStream(
    session.code.target,
    session.code.request(code, "python", 60),
    (data) => events.push(data)
  )
  await until(() => events.length > 0)
  handle.cancel()
  await assert.rejects(handle.waitEnd(), { name: "WsCancelledError" })
  await until(async () => (await session.file.info(file)).success)
  await until(() => stream.unclaimed.some(({ invocationId }) => invocationId === handle.invocationId))
})

walk.observes(["WebSocket on browser image"], async (agb) => {
  const browser = good(await agb.create({ imageId: "agb-browser-use-1" }))
  const events: Array<Json> = []
  const stream = await browser.code.connect()
  const handle = stream.callStream(
    browser.code.target,
    browser.code.request("x=1", "python", 60),
    (data) => events.push(data)
  )
  assert.equal((await handle.waitEnd())["status"], "finished")
  await sleep(200)
  assert.deepEqual([events, stream.unclaimed], [[], []], "one end frame and nothing else")
  await browser.delete()
})

walk.observes(["heartbeat: text frames need no answer"], async (_agb, session) => {
  const stream = new Stream(session.wsUrl, session.token, 50)
  await stream.opened
  await sleep(500)
  assert.deepEqual([stream.states, stream.unclaimed], [["RECONNECTING", "OPEN"], []])
  stream.close()
})

walk.observes(["a lost connection fails what is pending and is made anew"], async (_agb, session) => {
  const stream = new Stream(session.wsUrl, session.token)
  await stream.opened
  const { request, target } = session.code
  const pending = stream.callStream(target, request("import time; time.sleep(3)", "python", 60), () => undefined)
  stream.lose()
  await assert.rejects(pending.waitEnd(), { name: "WsConnectionClosedError" })
  await until(() => stream.states.filter((state) => state === "OPEN").length === 2)
  assert.deepEqual(stream.states, ["RECONNECTING", "OPEN", "CLOSED", "RECONNECTING", "OPEN"])
  const again = stream.callStream(target, request("print('again')", "python", 60), () => undefined)
  assert.equal((await again.waitEnd())["status"], "finished")
  stream.close()
})

walk.observes(["a WebSocket needs the session's token"], async (_agb, session) => {
  await assert.rejects(new Stream(session.wsUrl, "t-another").opened, /401/)
})

walk.observes(["links into a session"], async (_agb, session) => {
  const code = "const http = require('node:http')\n" +
    "const server = http.createServer((_, response) => response.end('served')).listen(30101); 0"
  const started = await session.code.run(code, "javascript")
  assert.ok(started.success, started.errorMessage)
  const { url } = good(await session.getLink("https", 30101))
  assert.equal(await until(async () => (await fetch(url)).text()), "served")
  bad(await session.getLink("https", 8080))
})
