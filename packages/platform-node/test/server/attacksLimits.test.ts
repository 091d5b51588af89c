/** Too much of everything, from clients and from sessions: what is over a bound is cut, and the others are served. */
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Net from "node:net"
import { until } from "../support/processes/processes.js"
import { jsonOf, requestBytes, sendBytes, sendRequest } from "../support/rawHttp.js"
import { best, serverLayer } from "../support/runtime.js"

const apiKey = "akm-0c0ffee0-limits"

const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" }

interface Reply {
  readonly status: number
  readonly data: { readonly sessionId?: string; readonly content?: ReadonlyArray<{ readonly text: string }> }
}

const client = Effect.map(LocalAgb.LocalAgb, ({ endpoint }) => {
  const port = Number(new URL(endpoint).port)
  const post = (target: string, body: unknown): Effect.Effect<Reply> =>
    Effect.promise((signal) =>
      fetch(`${endpoint}${target}`, { method: "POST", headers, body: JSON.stringify(body), signal })
        .then(async (response) => ({ status: response.status, data: {}, ...(await response.json() as object) }))
    )
  const create = (body: object = {}) => post("/mcp/createSession?imageId=code_latest", body)
  const session = Effect.map(create(), ({ data }) => data.sessionId ?? "")
  const tool = (sessionId: string, name: string, args: object) =>
    Effect.map(post("/mcp", { sessionId, name, args }), ({ data }) => data.content?.[0]?.text ?? "")
  const shell = (sessionId: string, command: string, timeout = 20_000) =>
    tool(sessionId, "shell", { command, timeout_ms: timeout })
  const list = Effect.map(
    sendRequest(port, { target: "/sdk/ListSession?maxResults=50", headers }),
    (reply) => (jsonOf(reply) as { readonly count: number }).count
  )
  return { create, list, port, post, session, shell, tool }
})

const withServer = <A, E>(
  options: LocalAgb.Options,
  body: Effect.Effect<A, E, LocalAgb.LocalAgb>
) =>
  Effect.provide(
    body,
    Layer.provideMerge(
      serverLayer({ apiKey: Redacted.make(apiKey), ...options }),
      Logger.minimumLogLevel(LogLevel.None)
    )
  )

describe("sessions", () => {
  it.live("beyond the number that may be are refused with 429, and one that ends makes room", () =>
    withServer(
      { maxSessions: 2, poolSize: 0 },
      Effect.gen(function*() {
        const { create, list, post } = yield* client
        const statuses = yield* Effect.all(Array.from({ length: 6 }, () => create()), { concurrency: "unbounded" })
        assert.deepStrictEqual(statuses.map(({ status }) => status).sort(), [200, 200, 429, 429, 429, 429])
        assert.strictEqual(yield* list, 2)
        const { data } = statuses.find(({ status }) => status === 200)!
        assert.strictEqual((yield* post("/mcp/releaseSession", { sessionId: data.sessionId })).status, 200)
        assert.strictEqual((yield* create()).status, 200)
      })
    ))

  it.live("that nobody uses are released, and those at work are not", () =>
    withServer(
      { poolSize: 0 },
      Effect.gen(function*() {
        const { create, list, shell } = yield* client
        const busy = yield* create({ timeout: 3 })
        const working = yield* Effect.fork(shell(busy.data.sessionId ?? "", "sleep 8; echo done"))
        yield* Effect.all([create({ timeout: 1 }), create()])
        yield* Effect.repeat(Effect.delay(list, "100 millis"), { until: (left) => left <= 2, times: 100 })
        assert.strictEqual(yield* list, 2)
        assert.include(yield* working, "done")
      })
    ))
})

/** Descriptors that this process may have: each connection takes two, since client and server are one process. */
const descriptors = () => {
  const line = /^Max open files\s+(\S+)/m.exec(Fs.readFileSync("/proc/self/limits", "utf8"))
  return Number(line?.[1] === "unlimited" ? Infinity : line?.[1] ?? 0)
}

const crowd = 5000

const connected = (port: number) =>
  Effect.promise(async () => {
    const socket = Net.connect(port, "127.0.0.1")
    socket.on("error", () => {})
    await Promise.race([once(socket, "connect"), once(socket, "close")]).catch(() => {})
    return socket
  })

describe.skipIf(process.platform !== "linux")("connections", () => {
  it.live.skipIf(descriptors() < 2 * crowd + 500)(
    "5,000 at once: those over the bound are cut, and the next is served",
    () =>
      withServer(
        { poolSize: 0 },
        Effect.gen(function*() {
          const { create, list, port } = yield* client
          const sockets = yield* Effect.all(Array.from({ length: crowd }, () => connected(port)), { concurrency: 100 })
          const isOpen = ({ closed, destroyed }: Net.Socket) => !closed && !destroyed
          for (const socket of sockets) socket.resume()
          assert.isTrue(
            yield* until(() => sockets.filter(isOpen).length <= 4096),
            "more than 4096 connections are open"
          )
          for (const socket of sockets) socket.destroy()
          yield* Effect.repeat(list, { until: (count) => count === 0, times: 3 })
          assert.strictEqual((yield* create()).status, 200)
        })
      )
  )
})

const quick = { headers: "400 millis", body: "400 millis", idle: "400 millis", stall: "400 millis" } as const

const head = (port: number, rest: string) => `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${rest}`

const authorized = `Authorization: Bearer ${apiKey}\r\nContent-Type: application/json\r\n`

/** Whether the server ends the connection on which this is written, a byte at a time once the first part is sent. */
const isCut = (port: number, start: string, drip: string) =>
  Effect.promise(() =>
    new Promise<boolean>((resolve) => {
      const socket = Net.connect(port, "127.0.0.1")
      const dripping = setInterval(() => socket.write(drip), 60)
      const finish = (cut: boolean) => () => {
        clearInterval(dripping)
        clearTimeout(patience)
        socket.destroy()
        resolve(cut)
      }
      const patience = setTimeout(finish(false), 4000)
      socket.on("error", () => {})
      socket.on("close", finish(true))
      socket.on("end", finish(true))
      socket.resume()
      socket.write(start)
    })
  )

describe("a client", () => {
  const slow = {
    "says nothing": ["", ""],
    "sends its headers a byte at a time": ["head", "x"],
    "sends no end of its headers": ["head", ""],
    "sends its body a byte at a time": ["body", " "],
    "sends half of its body": ["body", ""],
    "sends no chunk": ["chunks", ""],
    "sends its chunks a byte at a time": ["chunks", "1\r\n \r\n"],
    "asks for nothing more": ["whole", ""]
  } as const

  const starts = (port: number) => ({
    "": "",
    head: head(port, "X-Slow: "),
    body: head(port, `${authorized}Content-Length: 100000\r\n\r\n{`),
    chunks: head(port, `${authorized}Transfer-Encoding: chunked\r\n\r\n`),
    whole: head(port, `${authorized}Content-Length: 2\r\n\r\n{}`)
  })

  it.live("that is slow or only half open is cut", () =>
    withServer(
      { poolSize: 0, server: quick },
      Effect.gen(function*() {
        const { create, port } = yield* client
        const cut = yield* Effect.all(
          Object.entries(slow).map(([title, [start, drip]]) =>
            Effect.map(isCut(port, starts(port)[start], drip), (cut) => [title, cut])
          ),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(cut.filter(([, isCut]) => isCut === false), [])
        assert.strictEqual((yield* create()).status, 200)
      })
    ))

  it.live("that shows no key makes room for the next", () =>
    withServer(
      { poolSize: 0, server: { unauthenticatedConnections: 20, connections: 1000, headers: "20 seconds" } },
      Effect.gen(function*() {
        const { list, port } = yield* client
        const sockets = yield* Effect.all(Array.from({ length: 90 }, () => connected(port)))
        for (const socket of sockets) socket.resume()
        assert.isTrue(yield* until(() => sockets.filter(({ closed }) => !closed).length <= 20))
        assert.strictEqual(yield* list, 0)
        for (const socket of sockets) socket.destroy()
      })
    ))

  it.live("that waits for as many replies as it may is refused more, and gets those in their order", () =>
    withServer(
      { poolSize: 0, server: { requestsPerConnection: 2 } },
      Effect.gen(function*() {
        const { port, session } = yield* client
        const args = { command: "sleep 0.2; echo done" }
        const body = JSON.stringify({ sessionId: yield* session, name: "shell", args })
        const request = (connection: string) =>
          requestBytes(port, { method: "POST", target: "/mcp", headers: { ...headers, connection }, body })
        const staying = Array.from({ length: 4 }, () => request("keep-alive")).flat()
        const { statuses } = yield* sendBytes(port, [...staying, ...request("close")])
        assert.deepStrictEqual(statuses, [200, 200, 429, 429, 429])
      })
    ))

  it.live("beyond the number of connections is cut at once", () =>
    withServer(
      { poolSize: 0, server: { unauthenticatedConnections: 1000, connections: 30 } },
      Effect.gen(function*() {
        const { port } = yield* client
        const sockets = yield* Effect.all(Array.from({ length: 90 }, () => connected(port)))
        for (const socket of sockets) socket.resume()
        assert.isTrue(yield* until(() => sockets.filter(({ closed }) => !closed).length <= 30))
        for (const socket of sockets) socket.destroy()
      })
    ))
})

const hostile: ReadonlyArray<string> = [
  "bomb() { bomb | bomb & }; bomb; sleep 30",
  "node -e 'const all = []; for (;;) all.push(Buffer.alloc(16e6, 1))'; sleep 30",
  "yes & yes >&2 & cat /dev/zero",
  "while :; do head -c 4000000 /dev/zero > $HOME/$RANDOM || rm -f $HOME/*; done",
  "for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; sleep 30"
]

describe.skipIf(best.level === "none")("a neighbour", () => {
  it.live("is answered while two other sessions do their worst", () =>
    withServer(
      { poolSize: 0, limits: { processes: 64, memoryBytes: 128 * 2 ** 20, workspaceBytes: 8 * 2 ** 20 } },
      Effect.gen(function*() {
        const { list, session, shell, tool } = yield* client
        const [neighbour, one, other] = yield* Effect.all([session, session, session])
        const attacks = [one, other].flatMap((id) => hostile.map((command) => shell(id, command, 6000)))
        const attacking = yield* Effect.fork(Effect.all(attacks, { concurrency: "unbounded" }))
        for (let round = 0; round < 8; round++) {
          assert.include(yield* shell(neighbour, `echo round ${round}`), `round ${round}`)
          yield* tool(neighbour, "write_file", { path: "/tmp/kept", content: `round ${round}` })
          assert.strictEqual(yield* tool(neighbour, "read_file", { path: "/tmp/kept" }), `round ${round}`)
          assert.isAtLeast(yield* list, 1)
        }
        yield* attacking
        assert.include(yield* shell(neighbour, "echo at last"), "at last")
      })
    ))

  it.live("cannot be reached by another session, nor can the server", () =>
    withServer(
      { poolSize: 0 },
      Effect.gen(function*() {
        const { port, session, shell } = yield* client
        const [listener, hostile] = yield* Effect.all([session, session])
        const serve = "require(\"http\").createServer((_, r) => r.end(\"reached\")).listen(30100, \"0.0.0.0\")"
        yield* shell(listener, `node -e '${serve}' >/dev/null 2>&1 & sleep 0.5`)
        assert.include(yield* shell(listener, fetching(30100)), "reached")
        assert.include(yield* shell(hostile, fetching(30100)), "not connected")
        assert.include(yield* shell(hostile, fetching(port)), "not connected")
      })
    ))
})

const fetching = (port: number) =>
  `node -e 'fetch("http://127.0.0.1:${port}/").then((it) => it.text(), () => "not connected").then(console.log)'`
