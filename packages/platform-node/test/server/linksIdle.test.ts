/** Who uses a link uses its session, by a clock of our own. */
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, TestClock } from "effect"
import { once } from "node:events"
import * as Net from "node:net"
import { best, none } from "../support/runtime.js"

/** Answers `/slow` once `/go` is asked for, and is silent after the head of `/stream`. */
const program = `
const held = []
require("node:http").createServer(({ url }, response) => {
  if (url === "/slow") return held.push(response)
  if (url === "/held") return response.end(String(held.length))
  if (url === "/go") for (const slow of held) slow.end("slow")
  if (url === "/stream") response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders()
  else response.end("served")
}).on("upgrade", (_, socket) => {
  socket.write("HTTP/1.1 101 x\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n")
  socket.pipe(socket)
}).listen(30100, () => require("node:fs").writeFileSync("ready", "ready"))
`

interface Reply {
  readonly data: { readonly sessionId: string; readonly url: string }
  readonly count: number
}

const client = ({ apiKey, endpoint }: { readonly apiKey: Redacted.Redacted; readonly endpoint: string }) => {
  const headers = { authorization: `Bearer ${Redacted.value(apiKey)}`, "content-type": "application/json" }
  const ask = (method: string, target: string, body?: object) =>
    Effect.promise(async () => {
      const init = body === undefined ? {} : { body: JSON.stringify(body) }
      return await (await fetch(`${endpoint}${target}`, { method, headers, ...init })).json() as Reply
    })
  return {
    create: Effect.map(ask("POST", "/mcp/createSession", { timeout: 60 }), ({ data }) => data.sessionId),
    call: (sessionId: string, name: string, args: object) => ask("POST", "/mcp", { sessionId, name, args }),
    link: (sessionId: string) =>
      Effect.map(ask("GET", `/internet/getLink?port=30100&sessionId=${sessionId}`), ({ data }) => new URL(data.url)),
    count: Effect.map(ask("GET", "/sdk/ListSession"), ({ count }) => count)
  }
}

const got = (url: URL) => Effect.promise(() => fetch(url).then((response) => response.text(), () => "nobody is there"))

/** A connection that went on in another protocol, and says what comes back. */
const upgraded = ({ host, pathname, port }: URL) =>
  Effect.gen(function*() {
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => Net.connect(Number(port), "127.0.0.1").on("error", () => {})),
      (socket) => Effect.sync(() => socket.destroy())
    )
    const closed = once(socket, "close").then(() => "the connection has ended")
    const say = (text: string) =>
      Effect.promise(async () => {
        socket.write(text)
        return String(await Promise.race([once(socket, "data"), closed]))
      })
    const head = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`
    assert.include(yield* say(head), " 101 ")
    return say
  })

/** Where there are no sockets at all there is nothing to link to. */
const isolation = best.level === "landlock" ? none : best

it.scoped("a link that is used keeps its session from idling, and a link alone does not", () =>
  Effect.gen(function*() {
    const { call, count, create, link } = client(yield* LocalAgb.make({ isolation, poolSize: 0 }))
    const [used, unused] = [yield* create, yield* create]
    yield* call(used, "write_file", { path: "/tmp/server.cjs", content: program })
    const command = "nohup node \"$TMPDIR/server.cjs\" >/dev/null 2>&1 & until test -s ready; do sleep 0.05; done"
    yield* call(used, "shell", { command, timeout_ms: 20_000 })
    const url = yield* link(used)
    yield* link(unused)
    for (let round = 0; round < 2; round++) {
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual(yield* got(url), "served")
    }
    assert.strictEqual(yield* count, 1)
    const say = yield* upgraded(url)
    for (let round = 0; round < 3; round++) {
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual(yield* say("still here"), "still here")
    }
    assert.strictEqual(yield* count, 1)
    yield* TestClock.adjust("70 seconds")
    assert.strictEqual(yield* count, 0)
  }))

it.scoped(
  "a session is not idle while an answer is awaited, but may be while an open stream is silent",
  () =>
    Effect.gen(function*() {
      const { call, count, create, link } = client(yield* LocalAgb.make({ isolation, poolSize: 0 }))
      const session = yield* create
      yield* call(session, "write_file", { path: "/tmp/server.cjs", content: program })
      const command = "nohup node \"$TMPDIR/server.cjs\" >/dev/null 2>&1 & until test -s ready; do sleep 0.05; done"
      yield* call(session, "shell", { command, timeout_ms: 20_000 })
      const url = yield* link(session)
      const slow = yield* Effect.fork(got(new URL("slow", url)))
      while ((yield* got(new URL("held", url))) !== "1") yield* Effect.yieldNow()
      for (let round = 0; round < 4; round++) yield* TestClock.adjust("40 seconds")
      assert.strictEqual(yield* count, 1)
      assert.strictEqual(yield* got(new URL("go", url)), "served")
      assert.strictEqual(yield* Fiber.join(slow), "slow")
      yield* Effect.promise(() => fetch(new URL("stream", url)))
      for (let round = 0; round < 2; round++) yield* TestClock.adjust("40 seconds")
      assert.strictEqual(yield* count, 0)
    })
)
