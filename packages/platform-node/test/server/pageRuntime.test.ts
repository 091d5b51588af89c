/** The runtime's page, its addresses and how long they work, pages that are slow or many, and the end of the server. */
import { Agb, Session } from "@effect-agb/core"
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Clock, Effect, Exit, Inspectable, Layer, Logger, LogLevel, Redacted, Scope } from "effect"
import * as Net from "node:net"
import { openPage, sendTo } from "../support/pageClient.js"
import { best, layerWith } from "../support/runtime.js"

const params = { imageId: "agb-code-space-1" }

const go = <A>(work: () => Promise<A>) => Effect.promise(work)

/** The machine's clock, set forward. */
const shifted = { millis: 0 }

const clock: Clock.Clock = Object.assign(Object.create(Clock.make()), {
  unsafeCurrentTimeMillis: () => Date.now() + shifted.millis,
  currentTimeMillis: Effect.sync(() => Date.now() + shifted.millis)
})

const lines: Array<string> = []

const logged = Layer.merge(
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ annotations, cause, message }) => {
      lines.push(Inspectable.stringifyCircular({ message, cause: String(cause), annotations: [...annotations] }))
    })
  ),
  Logger.minimumLogLevel(LogLevel.All)
)

const runtime = layerWith(best, { idleTimeout: "3 hours", server: { heartbeat: "10 minutes" } }).pipe(
  Layer.provideMerge(Layer.merge(logged, Layer.setClock(clock)))
)

const ask = (body: unknown, key?: string) =>
  Effect.gen(function*() {
    const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
    const { host, port } = new URL(endpoint)
    return yield* go(() =>
      sendTo(Number(port), host, "/pages", {
        method: "POST",
        headers: { authorization: `Bearer ${key ?? Redacted.value(apiKey)}`, "content-type": "application/json" },
        body: JSON.stringify(body)
      })
    )
  })

layer(runtime, { excludeTestServices: true })("the runtime", (it) => {
  it.scoped("gives addresses of pages to those who have the key", () =>
    Effect.gen(function*() {
      const { sessionId } = yield* Session.make(params)
      assert.strictEqual((yield* ask({ access: "steer" }, "akm-wrong")).status, 401)
      assert.strictEqual((yield* ask({ access: "all" })).status, 400)
      assert.strictEqual((yield* ask({ sessionId: "s-none", access: "read" })).status, 404)
      const { endpoint } = yield* LocalAgb.LocalAgb
      const { host, port } = new URL(endpoint)
      assert.strictEqual((yield* go(() => sendTo(Number(port), host, "/pages", { method: "POST" }))).status, 401)
      const reply = yield* ask({ sessionId, access: "read" })
      const page = yield* go(() => openPage(reply.json<{ url: string }>().url))
      assert.strictEqual(page.host.split(".")[0], sessionId)
      assert.strictEqual((yield* go(() => page.get("/api/session"))).json()["access"], "read")
    }))

  it.scoped("lists its sessions on a page of its own, as they come and go", () =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const { pageUrl } = yield* LocalAgb.LocalAgb
      const page = yield* go(async () => openPage(await Effect.runPromise(pageUrl)))
      assert.match(page.host, /^runtime\.localhost:\d+$/)
      assert.include((yield* go(() => page.get("/"))).text, "<meta name=\"agb-page\" content=\"runtime\">")
      const live = yield* go(() => page.live())
      const first = yield* go(() => live.next(({ type }) => type === "runtime"))
      assert.isArray(first["languages"])
      const { sessionId } = yield* agb.create({ ...params, labels: { name: "of the list" } })
      const seen = yield* go(() =>
        live.next(({ sessions }) => sessions.some((one: { sessionId: string }) => one.sessionId === sessionId))
      )
      const entry = seen["sessions"].find((one: { sessionId: string }) => one.sessionId === sessionId)
      assert.deepInclude(entry, { labels: { name: "of the list" }, running: 0 })
      const made = yield* go(() => page.send("POST", "/api/addresses", { sessionId, access: "steer" }))
      const session = yield* go(() => openPage(made.json<{ url: string }>().url))
      assert.include((yield* go(() => session.get("/"))).text, "<meta name=\"agb-page\" content=\"session\">")
      // The cookie of the list does not open a session.
      const stolen = yield* go(() =>
        sendTo(Number(page.host.split(":")[1]), session.host, "/api/session", { headers: { cookie: page.cookie } })
      )
      assert.strictEqual(stolen.status, 404)
      assert.strictEqual((yield* go(() => page.get("/api/session"))).status, 404)
      const before = live.frames.length
      yield* agb.delete(sessionId)
      yield* go(() =>
        live.next((frame) =>
          live.frames.indexOf(frame) >= before &&
          !frame["sessions"].some((one: { sessionId: string }) => one.sessionId === sessionId)
        )
      )
      live.socket.terminate()
      const reading = yield* ask({ access: "read" })
      const reader = yield* go(() => openPage(reading.json<{ url: string }>().url))
      const other = yield* Session.make(params)
      const steer = { sessionId: other.sessionId, access: "steer" }
      assert.strictEqual((yield* go(() => reader.send("POST", "/api/addresses", steer))).status, 403)
      assert.strictEqual(
        (yield* go(() => reader.send("POST", "/api/addresses", { ...steer, access: "read" }))).status,
        200
      )
    }))

  it.scoped("forgets an address after half an hour, and a cookie after half a day", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ ...params, idleTimeout: "20 hours" })
      const unused = session.resourceUrl
      const page = yield* go(async () => openPage(await Effect.runPromise(ownUrl(session))))
      const spare = yield* ownUrl(session)
      shifted.millis += 29 * 60_000
      yield* go(() => openPage(spare))
      shifted.millis += 2 * 60_000
      const { host, pathname, port, search } = new URL(unused)
      assert.strictEqual((yield* go(() => sendTo(Number(port), host, `${pathname}${search}`))).status, 404)
      assert.strictEqual((yield* go(() => page.get("/api/session"))).status, 200)
      shifted.millis += 12 * 60 * 60_000
      assert.strictEqual((yield* go(() => page.get("/api/session"))).status, 404)
    }))

  it.scoped("writes no code, no cookie and no path of a page into its log", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const page = yield* go(() => openPage(session.resourceUrl))
      yield* go(() => page.get("/api/file?path=/tmp/a-secret-path"))
      const { pageUrl } = yield* LocalAgb.LocalAgb
      const url = yield* pageUrl
      yield* go(() => openPage(url))
      const secrets = [
        new URL(session.resourceUrl).searchParams.get("authcode") ?? "?",
        new URL(url).searchParams.get("authcode") ?? "?",
        page.cookie.split("=")[1] ?? "?",
        "a-secret-path"
      ]
      const all = lines.join("\n")
      assert.include(all, "\"page\"")
      for (const secret of secrets) assert.notInclude(all, secret)
    }))

  it.scoped(
    "drops what a page does not read, and tells it what it has missed once it reads again",
    () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        const page = yield* go(async () => openPage(await Effect.runPromise(ownUrl(session))))
        const slow = yield* go(() => page.live())
        yield* go(() => slow.next(({ type }) => type === "hello"))
        slow.socket.pause()
        const [attentive, other] = [yield* go(() => page.live()), session]
        for (let round = 0; round < 24; round++) {
          yield* other.code.runCode(`'${round % 10}' * 500_000`, "python")
        }
        yield* other.command.executeCommand("echo last")
        yield* go(() => attentive.next(({ entry }) => entry?.title === "echo last"))
        assert.isBelow(slow.frames.length, 60)
        slow.socket.resume()
        const isNew = (frame: Record<string, unknown>) =>
          frame["type"] === "hello" && frame["isReset"] === false && Number(frame["seq"]) > 40
        const { entries } = yield* go(() => slow.next(isNew))
        assert.strictEqual(entries.at(-1).title, "echo last")
        for (const { socket } of [slow, attentive]) socket.terminate()
      }),
    240_000
  )
})

const ownUrl = (session: Session.Session) => Effect.map(Effect.orDie(session.info), ({ resourceUrl }) => resourceUrl)

describe("a server that stops", () => {
  it.live("closes the pages that are open, and does not wait for them", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const server = yield* Scope.extend(LocalAgb.make({ isolation: best, poolSize: 0 }), scope)
      const page = yield* go(async () => openPage(await Effect.runPromise(server.pageUrl)))
      const live = yield* go(() => page.live())
      yield* go(() => live.next(({ type }) => type === "runtime"))
      // One that has gone to sleep.
      const port = Number(new URL(server.endpoint).port)
      const asleep = Net.connect(port, "127.0.0.1")
      asleep.on("error", () => {})
      yield* Scope.close(scope, Exit.void)
      assert.include([1001, 1006], (yield* go(() => live.closed)).code)
    }))
})
