/** What each failure of a call becomes, over real TCP: its type, what it says of itself, and how often it was tried. */
import { Agb, type AgbError, Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted } from "effect"
import * as Net from "node:net"
import { failsWith } from "../support/failsWith.js"
import {
  answers,
  type Fault,
  lostReply,
  lostRequest,
  type Point,
  rateLimited,
  refusal,
  silent,
  text,
  unavailable
} from "../support/faults.js"
import { type FaultServer, make } from "../support/faultServer.js"
import { commands, python } from "../support/programs.js"
import * as raw from "../support/rawReplies.js"

const imageId = "agb-code-space-1"

type Repeat = "read" | "idempotent" | "once"

/** A call of each class, and where the server is asked for it. */
const calls: Readonly<
  Record<Repeat, readonly [Point, (session: Session.Session) => Effect.Effect<unknown, AgbError.AgbError>]>
> = {
  read: ["getMcpResource", (session) => session.info],
  idempotent: ["refreshSessionIdleTime", (session) => session.keepAlive],
  once: ["run_code", ({ code }) => code.runCode(python.prints.code, "python")]
}

/** What a class of calls sees of a failure. `asked` counts the requests; three attempts are allowed. */
interface Expected {
  readonly tag: AgbError.AgbError["_tag"]
  readonly mayHaveHappened: boolean
  readonly retryable: boolean
  readonly asked: number
}

const seen = (tag: Expected["tag"], mayHaveHappened: boolean, retryable: boolean, asked: number): Expected => ({
  tag,
  mayHaveHappened,
  retryable,
  asked
})

const unknown = seen("ExecutionUnknownError", true, false, 1)

/** The network or the server failed, and nobody knows how far the call came. */
const doubtful = (tag: Expected["tag"]): Readonly<Record<Repeat, Expected>> => ({
  read: seen(tag, false, true, 3),
  idempotent: seen(tag, true, true, 3),
  once: unknown
})

const same = (expected: Expected): Readonly<Record<Repeat, Expected>> => ({
  read: expected,
  idempotent: expected,
  once: expected
})

const malformed: Readonly<Record<Repeat, Expected>> = {
  read: seen("MalformedResponseError", false, true, 3),
  idempotent: seen("MalformedResponseError", true, false, 1),
  once: unknown
}

const tooLarge: Readonly<Record<Repeat, Expected>> = {
  read: seen("LimitExceededError", false, false, 1),
  idempotent: seen("LimitExceededError", true, false, 1),
  once: unknown
}

const refused = (status: number, code: string, message: string) => answers("before", refusal(status, code, message))

type PerClass = Readonly<Record<Repeat, Expected>>

/** The last column is for clients that unpack replies. */
const table: ReadonlyArray<readonly [title: string, fault: Fault, expected: PerClass, unpacked?: PerClass]> = [
  ["500", refused(500, "InternalError", "no"), doubtful("ServerError")],
  ["503 after the work", unavailable("after"), doubtful("ServerError")],
  ["408", refused(408, "Timeout", "no"), doubtful("ServerError")],
  ["500 that speaks of a session", refused(500, "X", "session s-1 not found"), doubtful("ServerError")],
  ["a reset before the work", lostRequest, doubtful("TransportError")],
  ["a reset after the work", lostReply, doubtful("TransportError")],
  ["a close inside the header", raw.closedInHeader, doubtful("TransportError")],
  ["a close inside the body", raw.closedInBody, doubtful("TransportError")],
  ["a reset inside the header", raw.resetInHeader, doubtful("TransportError")],
  ["a reset inside the body", raw.resetInBody, doubtful("TransportError")],
  ["no HTTP", raw.garbage, doubtful("TransportError")],
  ["400", refused(400, "InvalidParameter", "no"), same(seen("RequestRejectedError", false, false, 1))],
  ["404 of something else", refused(404, "X.NotFound", "no"), same(seen("RequestRejectedError", false, false, 1))],
  ["a redirect", refused(302, "Found", "elsewhere"), same(seen("RequestRejectedError", false, false, 1))],
  ["401", refused(401, "InvalidApiKey", "no"), same(seen("AuthenticationError", false, false, 1))],
  ["403", refused(403, "Forbidden", "no"), same(seen("AuthenticationError", false, false, 1))],
  [
    "401 that speaks of a session",
    refused(401, "X", "session not found"),
    same(seen("AuthenticationError", false, false, 1))
  ],
  ["429", rateLimited(), same(seen("RateLimitedError", false, true, 3))],
  ["HTML", text("<html>welcome</html>"), malformed],
  ["an empty reply", text(""), malformed],
  ["half of a JSON text", text("{\"success\": tr", "application/json"), malformed],
  ["JSON that is no object", text("[1, 2]", "application/json"), malformed],
  ["null", text("null", "application/json"), malformed],
  ["an envelope without an outcome", text("{}", "application/json"), malformed],
  ["an HTML page with status 502", text("<html>bad gateway</html>", "text/html", 502), doubtful("ServerError")],
  ["a reply of a gibibyte", raw.gibibyte({ bytes: 0 }, false), tooLarge],
  ["a reply of a gibibyte in chunks", raw.gibibyte({ bytes: 0 }, true), tooLarge],
  ["a gzip bomb", raw.gzipBomb, malformed, tooLarge],
  ["invalid UTF-8", raw.invalidUtf8(200), malformed],
  ["invalid UTF-8 with status 502", raw.invalidUtf8(502), doubtful("ServerError")]
]

const withServer = <A, E>(body: (server: FaultServer) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* make()
    yield* body(server)
    assert.strictEqual(server.ledger.live, 0)
    assert.strictEqual(server.ledger.deleted.length, server.ledger.created.length)
  }))

const repeatable: ReadonlyArray<Point> = [
  "getMcpResource",
  "refreshSessionIdleTime",
  "write_file",
  "create_directory",
  "setLabel",
  "read_file"
]

/** The same table over the transport of Node and over the platform's client made of `fetch`. */
for (const transport of ["node", "fetch"] as const) {
  describe(`what a failure becomes, over ${transport}`, () => {
    for (const [title, fault, expected, unpacked = expected] of table) {
      it.live(title, () =>
        withServer((server) =>
          Effect.gen(function*() {
            const session = yield* Session.make({ imageId })
            for (const repeat of ["read", "idempotent", "once"] as const) {
              const [point, call] = calls[repeat]
              server.faults.always(point, fault)
              const error = yield* Effect.flip(call(session))
              const { _tag: tag, mayHaveHappened, retryable } = error
              assert.deepStrictEqual(
                { repeat, tag, mayHaveHappened, retryable, asked: server.ledger.count(point) },
                { repeat, ...(transport === "fetch" ? unpacked : expected)[repeat] },
                String(error)
              )
            }
            assert.strictEqual(yield* session.status, "RUNNING")
            assert.deepStrictEqual(yield* (yield* Agb.Agb).undeleted, [])
          }).pipe(Effect.scoped, Effect.provide(server[transport]({ maxResponseBytes: 2 ** 20 })))
        ))
    }
  })
}

describe("repeating", () => {
  const passing = { "503": unavailable("after"), reset: lostReply, "early reset": lostRequest, close: raw.closedInBody }
  for (const [title, fault] of Object.entries(passing)) {
    it.live(`a failure that passes is not seen by calls that may be repeated: ${title}`, () =>
      withServer((server) =>
        Effect.gen(function*() {
          const session = yield* Session.make({ imageId })
          for (const point of repeatable) server.faults.next(point, fault, fault)
          yield* session.info
          yield* session.keepAlive
          yield* session.fileSystem.writeFile("/tmp/a", "text")
          yield* session.fileSystem.createDirectory("/tmp/d")
          yield* session.setLabels({ key: "value" })
          assert.strictEqual(yield* session.fileSystem.readFile("/tmp/a"), "text")
          for (const point of repeatable) assert.strictEqual(server.ledger.count(point), 3, point)
        }).pipe(Effect.scoped, Effect.provide(server.node()))
      ))
  }

  it.live("characters that are split over chunks arrive whole", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const { code, fileSystem } = yield* Session.make({ imageId })
        server.faults.always("run_code", raw.bytewise)
        const run = yield* code.runCode(python.unicode.code, "python")
        assert.strictEqual(run.text, "'naïve 🎈 日本'")
        const text = "naïve 🎈 日本".repeat(20)
        server.faults.always("read_multiple_files", raw.bytewise)
        yield* fileSystem.writeFile("/tmp/naïve 🎈", text)
        assert.deepStrictEqual([...yield* fileSystem.readMultipleFiles(["/tmp/naïve 🎈"])], [["/tmp/naïve 🎈", text]])
      }).pipe(Effect.scoped, Effect.provide(server.node()))
    ))

  it.live("interim replies that nobody asked for are skipped", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const { code, fileSystem } = yield* Session.make({ imageId })
        for (const bytewise of [false, true]) {
          server.faults.always("run_code", raw.continued(bytewise))
          const run = code.runCode(python.unicode.code, "python")
          const text = yield* Effect.match(run, { onFailure: String, onSuccess: ({ text }) => text })
          assert.strictEqual(text, "'naïve 🎈 日本'")
        }
        assert.strictEqual(server.ledger.count("run_code"), 2)
        yield* fileSystem.writeFile("/tmp/a", "text")
        assert.strictEqual(yield* fileSystem.readFile("/tmp/a"), "text")
      }).pipe(Effect.scoped, Effect.provide(server.node()))
    ))

  for (const transport of ["node", "fetch"] as const) {
    it.live(`a byte order mark before a reply is ignored, over ${transport}`, () =>
      withServer((server) =>
        Effect.gen(function*() {
          const { code } = yield* Session.make({ imageId })
          server.faults.always("run_code", raw.marked)
          assert.strictEqual((yield* code.runCode(python.unicode.code, "python")).text, "'naïve 🎈 日本'")
        }).pipe(Effect.scoped, Effect.provide(server[transport]()))
      ))
  }

  it.live("what may have happened is never done twice", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const { code, command, fileSystem } = yield* Session.make({ imageId })
        yield* fileSystem.writeFile("/tmp/a", "a")
        const once: ReadonlyArray<readonly [Point, Effect.Effect<unknown, AgbError.AgbError>]> = [
          ["run_code", code.runCode(python.keeps.code, "python")],
          ["shell", command.executeCommand(commands.prints)],
          ["write_file", fileSystem.writeFile("/tmp/a", "b", { mode: "append" })],
          ["write_file", fileSystem.writeFile("/tmp/new", "b", { mode: "create_new" })],
          ["edit_file", fileSystem.editFile("/tmp/a", [{ oldText: "a", newText: "aa" }])],
          ["move_file", fileSystem.moveFile("/tmp/a", "/tmp/moved")]
        ]
        for (const [point, call] of once) {
          for (const fault of [lostReply, unavailable("after"), text("<html>")]) {
            const before = server.ledger.count(point)
            server.faults.always(point, fault)
            const error = yield* Effect.flip(call)
            assert.isTrue(error.mayHaveHappened || error._tag === "FileNotFoundError", `${point}: ${error}`)
            assert.strictEqual(server.ledger.count(point), before + 1, point)
            server.faults.clear()
          }
        }
      }).pipe(Effect.scoped, Effect.provide(server.node()))
    ))

  it.live("a server that says nothing, or a byte now and then, is given up in time", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const { sessionId } = yield* Session.make({ imageId })
        const impatient = yield* Layer.build(server.node({ timeout: "200 millis" }))
        const session = yield* Effect.retry(Session.attach(sessionId), { times: 100 }).pipe(Effect.provide(impatient))
        for (const fault of [silent("before"), silent("after"), raw.dripping(5)]) {
          server.faults.always("getMcpResource", fault)
          const error = yield* failsWith(session.info, "TransportError")
          assert.deepStrictEqual([error.reason, error.mayHaveHappened, error.retryable], ["Timeout", false, true])
          server.faults.always("refreshSessionIdleTime", fault)
          assert.isTrue((yield* failsWith(session.keepAlive, "TransportError")).mayHaveHappened)
        }
      }).pipe(Effect.scoped, Effect.provide(server.node()))
    ))
})

describe("a session that is gone", () => {
  it.live("fails every call in flight and every later one, without asking again", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const session = yield* Session.make({ imageId })
        server.faults.always("run_code", silent("before"))
        const running = yield* Effect.fork(
          failsWith(session.code.runCode(python.prints.code, "python"), "SessionLostError")
        )
        yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => server.ledger.count("run_code") === 1 })
        yield* session.client.releaseSession({ sessionId: session.sessionId })
        const asked = yield* failsWith(session.keepAlive, "SessionLostError")
        assert.deepStrictEqual([asked.reason, asked.retryable], ["NotFound", false])
        const inFlight = yield* running
        assert.deepStrictEqual([inFlight.reason, inFlight.mayHaveHappened], ["NotFound", true])
        const later = yield* failsWith(session.command.executeCommand(commands.prints), "SessionLostError")
        assert.deepStrictEqual([later.reason, later.mayHaveHappened], ["NotFound", false])
        assert.strictEqual(server.ledger.count("shell"), 0)
      }).pipe(Effect.scoped, Effect.provide(server.node()))
    ))
})

/** A port on which nobody listens. */
const closedPort = Effect.async<number>((resume) => {
  const server = Net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as Net.AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

const neverSent = (title: string, endpoint: Effect.Effect<string>) =>
  it.live(`${title}: nothing was sent, and everything may be made again`, () =>
    Effect.gen(function*() {
      const layer = NodeAgb.layer({
        apiKey: "akm-x",
        endpoint: yield* endpoint,
        timeout: "5 seconds",
        retry: { maxAttempts: 2, baseDelay: Duration.millis(1) }
      })
      const errors = yield* Effect.gen(function*() {
        const agb = yield* Agb.Agb
        const session = agb.attach("s-1")
        return yield* Effect.all([
          failsWith(Effect.scoped(Session.make({ imageId })), "TransportError"),
          failsWith(session, "TransportError"),
          failsWith(agb.client.callTool({ sessionId: "s-1", name: "run_code", args: {} }), "TransportError")
        ])
      }).pipe(Effect.provide(layer))
      for (const { detail, mayHaveHappened, reason, retryable } of errors) {
        assert.deepStrictEqual({ mayHaveHappened, reason, retryable }, {
          mayHaveHappened: false,
          reason: "Unreachable",
          retryable: true
        }, detail)
      }
    }))

describe("a server that cannot be reached", () => {
  neverSent("a refused connection", Effect.map(closedPort, (port) => `http://127.0.0.1:${port}`))
  neverSent("an unknown host", Effect.succeed("https://agb.invalid"))

  it.scopedLive("no TLS where TLS belongs: nothing was sent, and everything may be made again", () =>
    Effect.gen(function*() {
      const server = yield* make()
      const error = yield* failsWith(Effect.scoped(Session.make({ imageId })), "TransportError").pipe(
        Effect.provide(server.node({ endpoint: `https://127.0.0.1:${server.port}` }))
      )
      assert.deepStrictEqual([error.reason, error.mayHaveHappened, server.ledger.requests.length], [
        "Unreachable",
        false,
        0
      ], error.detail)
    }))

  it.live("run_code and create are made again when the server comes up", () =>
    Effect.gen(function*() {
      const port = yield* closedPort
      const layer = NodeAgb.layer({
        apiKey: "akm-x",
        endpoint: `http://127.0.0.1:${port}`,
        retry: { maxAttempts: 20, baseDelay: Duration.millis(200), maxDelay: Duration.millis(200) }
      })
      const late = Effect.acquireRelease(
        Effect.delay(
          Effect.sync(() =>
            Net.createServer((socket) => socket.once("data", () => socket.resetAndDestroy())).listen(port, "127.0.0.1")
          ),
          "100 millis"
        ),
        (server) => Effect.sync(() => server.close())
      )
      yield* Effect.forkScoped(late)
      const error = yield* failsWith(
        Effect.flatMap(
          Agb.Agb,
          ({ client }) => client.callTool({ sessionId: "s-1", name: "run_code", args: {} })
        ),
        "TransportError"
      ).pipe(Effect.provide(layer))
      assert.deepStrictEqual([error.reason, error.mayHaveHappened], ["Interrupted", true])
    }).pipe(Effect.scoped))
})

describe("an endless reply", () => {
  for (const chunked of [false, true]) {
    it.live(`is not read to its end${chunked ? ", in chunks" : ""}`, () =>
      withServer((server) =>
        Effect.gen(function*() {
          const session = yield* Session.make({ imageId })
          const written = { bytes: 0 }
          server.faults.always("getMcpResource", raw.gibibyte(written, chunked))
          const error = yield* failsWith(session.info, "LimitExceededError")
          assert.strictEqual(error.limit, 2 ** 20)
          yield* session.status
          assert.isBelow(written.bytes, 2 ** 26)
        }).pipe(Effect.scoped, Effect.provide(server.node({ maxResponseBytes: 2 ** 20 })))
      ))
  }
})

describe("another origin", () => {
  for (const transport of ["node", "fetch"] as const) {
    it.live(`is never followed to, and never sees the key, over ${transport}`, () =>
      withServer((server) =>
        Effect.scoped(Effect.gen(function*() {
          const other = yield* make()
          const session = yield* Session.make({ imageId })
          const headers = { location: `${other.endpoint}/mcp/getMcpResource` }
          for (const status of [301, 302, 303, 307, 308]) {
            server.faults.always("getMcpResource", answers("before", { status, headers, body: "" }))
            const error = yield* failsWith(session.info, "RequestRejectedError")
            assert.strictEqual(error.status, status)
          }
          assert.strictEqual(other.connections(), 0)
          for (const { authorization } of server.headers) {
            assert.strictEqual(authorization, `Bearer ${Redacted.value(session.apiKey)}`)
          }
        })).pipe(Effect.provide(server[transport]()))
      ))
  }
})

describe("a configuration that is wrong", () => {
  const wrong: ReadonlyArray<readonly [string, Parameters<typeof NodeAgb.layer>[0]]> = [
    ["apiKey", { apiKey: "" }],
    ["apiKey", { apiKey: "two words" }],
    ["apiKey", { apiKey: "line\nbreak" }],
    ["apiKey", { apiKey: undefined as never }],
    ["endpoint", { apiKey: "k", endpoint: "" }],
    ["endpoint", { apiKey: "k", endpoint: "http://agb.example" }],
    ["endpoint", { apiKey: "k", endpoint: "ftp://127.0.0.1" }],
    ["endpoint", { apiKey: "k", endpoint: "https://user:pass@agb.example" }],
    ["endpoint", { apiKey: "k", endpoint: "https://agb.example/?x=1" }],
    ["endpoint", { apiKey: "k", endpoint: "http://127.0.0.1.agb.example" }],
    ["timeout", { apiKey: "k", timeout: 0 }],
    ["timeout", { apiKey: "k", timeout: -1 }],
    ["timeout", { apiKey: "k", timeout: Infinity }],
    ["timeout", { apiKey: "k", timeout: NaN }],
    ["deleteBudget", { apiKey: "k", deleteBudget: 0 }],
    ["retry.maxAttempts", { apiKey: "k", retry: { maxAttempts: 0 } }],
    ["maxResponseBytes", { apiKey: "k", maxResponseBytes: NaN }]
  ]
  it.effect("is an error that names the field", () =>
    Effect.gen(function*() {
      for (const [field, options] of wrong) {
        const error = yield* failsWith(Effect.scoped(Layer.build(NodeAgb.layer(options))), "ConfigurationError", field)
        assert.strictEqual(error.field, field)
        assert.deepStrictEqual([error.mayHaveHappened, error.retryable], [false, false])
      }
    }))
})
