/** The API key and the tokens of sessions stay where they belong: in no log, error, span, dump or sandbox. */
import { Agb, type AgbError, type AgbTools, Session } from "@effect-agb/core"
import { secrets } from "@effect-agb/core/AgbTest"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Logger, LogLevel, Option, Redacted, Stream, Tracer } from "effect"
import { inspect } from "node:util"
import { apiKey } from "../support/fakeAgb.js"
import { answers, changed, type Fault, lostReply, type Point, refusal, text, unavailable } from "../support/faults.js"
import { type FaultServer, make } from "../support/faultServer.js"
import { commands, python } from "../support/programs.js"
import * as raw from "../support/rawReplies.js"
import { layerWith, runtimes } from "../support/runtime.js"

const imageId = "agb-code-space-1"

/** Half a key is a leak too. */
const forbidden = [apiKey.slice(0, 14), ...Object.values(secrets)]

const assertClean = (what: string, dump: string) => {
  for (const secret of forbidden) assert.isFalse(dump.includes(secret), `${what}: ${dump.slice(0, 2000)}`)
}

/** Everything that anybody could print of a value. */
const dumps = (value: unknown): string =>
  [
    String(value),
    JSON.stringify(value),
    inspect(value),
    inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    value instanceof Error ? value.stack : "",
    Exit.isExit(value) && Exit.isFailure(value) ? Cause.pretty(value.cause, { renderErrorCause: true }) : ""
  ].join("\n")

/** A tracer that keeps everything it is told. */
const recorder = () => {
  const told: Array<string> = []
  const span = (
    ...[name, parent, context, links, startTime, kind]: Parameters<Tracer.Tracer["span"]>
  ): Tracer.Span => ({
    _tag: "Span",
    name,
    spanId: "s",
    traceId: "t",
    parent,
    context,
    links,
    kind,
    sampled: true,
    status: { _tag: "Started", startTime },
    attributes: new Map(),
    attribute: (key, value) => void told.push(`${name} ${key} ${dumps(value)}`),
    event: (event, _time, attributes) => void told.push(`${name} ${event} ${dumps(attributes)}`),
    addLinks: (more) => void told.push(dumps(more.map(({ attributes }) => attributes))),
    end: (_time, exit) => void told.push(`${name} ${Exit.isFailure(exit) ? dumps(exit) : ""}`)
  })
  return { told, tracer: Tracer.make({ span, context: (f) => f() }) }
}

/** Servers that repeat what they were sent, in every way in which a reply can fail. */
const faults: Readonly<Record<string, Fault>> = {
  "401 with the key": answers("before", refusal(401, "InvalidApiKey", `the key ${apiKey} is wrong`)),
  "400 with the key": answers("before", refusal(400, `Bad-${apiKey}`, `Bearer ${apiKey} was sent`)),
  "500 with the key": answers("before", refusal(500, apiKey, `stack: authorization: Bearer ${apiKey}`)),
  "404 with the key": answers("before", refusal(404, "X", `session ${apiKey} not found`)),
  "HTML with the key": text(`<html>authorization: Bearer ${apiKey}</html>`, "text/html", 502),
  "HTML with the key at the edge": text(`${"x".repeat(184)}${apiKey}`, "text/html", 502),
  "a long text with the key at the edge": text(`${"x".repeat(484)}${apiKey}`, "text/html", 502),
  "a field with the key": changed((body) => body.replace(/"(data|sessionId)":/, `"$1":"${apiKey}","x":`)),
  "a record with the key as a key": changed((body) =>
    body.replace(/"data":.*$/, `"data":{"labels":{"${apiKey}":7},"sessionId":"s-1","content":[{"${apiKey}":1}]}}`)
  ),
  "a tool that failed with the key": changed((body) =>
    body.replace(/"content":.*$/, `"content":[{"type":"text","text":"${apiKey}"}],"isError":true}}`)
  ),
  "no JSON, with the key": text(`{"data": "${apiKey}`, "application/json"),
  "a redirect with the key": answers("before", { status: 302, headers: { location: `/?key=${apiKey}` }, body: "" }),
  "an envelope with a header of the key": answers("before", {
    status: 429,
    headers: { "retry-after": apiKey, "x-request-id": apiKey },
    body: ""
  }),
  "no reply": lostReply,
  "no HTTP": raw.garbage,
  "an endless reply": raw.gibibyte({ bytes: 0 }, true)
}

const points: ReadonlyArray<Point> = [
  "createSession",
  "getMcpResource",
  "run_code",
  "shell",
  "read_file",
  "setLabel",
  "getLabel",
  "releaseSessionAsync"
]

const workload = (
  server: FaultServer,
  fault: Fault
): Effect.Effect<ReadonlyArray<unknown>, AgbError.AgbError, Agb.Agb> =>
  Effect.scoped(Effect.gen(function*() {
    const agb = yield* Agb.Agb
    const session = yield* Session.make({ imageId, labels: { purpose: "secrets" } })
    for (const point of points) server.faults.always(point, fault)
    const exits: ReadonlyArray<Exit.Exit<unknown, AgbError.AgbError>> = yield* Effect.all([
      Effect.exit(Effect.scoped(Session.make({ imageId }))),
      Effect.exit(session.info),
      Effect.exit(session.code.runCode(python.prints.code, "python")),
      Effect.exit(session.command.executeCommand(commands.prints)),
      Effect.exit(session.setLabels({ key: "value" })),
      Effect.exit(session.getLabels),
      Effect.exit(agb.delete(session.sessionId)),
      Effect.exit(Stream.runDrain(agb.list({ purpose: "secrets" })))
    ])
    server.faults.clear()
    const errors = exits.filter(Exit.isFailure).flatMap(({ cause }) => [cause, Cause.squash(cause)])
    return [...exits, ...errors]
  }))

const collectingLogger = (lines: Array<string>) =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ annotations, cause, message, spans }) => {
      lines.push(dumps(message), dumps([...annotations]), dumps(cause), dumps([...spans]))
    })
  )

describe("whatever fails", () => {
  for (const [title, fault] of Object.entries(faults)) {
    it.live(`${title}: no error, log line or span shows a secret`, () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* make()
        const lines: Array<string> = []
        const { told, tracer } = recorder()
        const results = yield* workload(server, fault).pipe(
          Effect.provide(
            server.node({ deleteBudget: "300 millis", maxResponseBytes: 2 ** 20, retry: { maxAttempts: 1 } })
          ),
          Effect.withTracer(tracer),
          Effect.provide(Layer.merge(collectingLogger(lines), Logger.minimumLogLevel(LogLevel.All)))
        )
        for (const result of results) assertClean("a result", dumps(result))
        for (const line of lines) assertClean("a log line", line)
        for (const fact of told) assertClean("a span", fact)
        assert.isAbove(told.length, 10)
      })))
  }

  it.live("a server that cannot be reached: no secret in the error", () =>
    Effect.gen(function*() {
      const layer = NodeAgb.layer({ apiKey, endpoint: "http://127.0.0.1:1", retry: { maxAttempts: 1 } })
      const exit = yield* Effect.exit(Effect.provide(Effect.scoped(Session.make({ imageId })), layer))
      assert.isTrue(Exit.isFailure(exit))
      assertClean("the exit", dumps(exit))
    }))

  it.live("a key that is not acceptable is not shown", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(NodeAgb.layer({ apiKey: `${apiKey}\n` }))))
      assert.isTrue(Exit.isFailure(exit))
      assertClean("the exit", dumps(exit))
    }))
})

const loggers = [Logger.stringLogger, Logger.logfmtLogger, Logger.jsonLogger]

/** What the loggers of Effect make of a value, as a message and as an annotation. */
const logged = (value: unknown): string => {
  const lines: Array<string> = []
  for (const logger of loggers) {
    const write = Logger.map(logger, (line) => void lines.push(line))
    const log = Effect.log(value).pipe(
      Effect.annotateLogs({ value }),
      Effect.provide(Logger.replace(Logger.defaultLogger, write))
    )
    Effect.runSync(log)
  }
  return lines.join("\n")
}

describe("what can be printed", () => {
  it.live("services, sessions and their answers show no secret, and give it to who asks", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* make()
      yield* Effect.gen(function*() {
        const agb = yield* Agb.Agb
        const session = yield* Session.make({ imageId })
        const info = yield* session.info
        const { sessionId } = session
        const replies = yield* Effect.all([
          agb.client.getSession({ sessionId }),
          agb.client.getMcpResource({ sessionId })
        ])
        for (const value of [agb, agb.client, agb.client.config, session, info, ...replies, session.apiKey]) {
          for (const printed of [value, { ...value }, [value], Option.some(value)]) {
            assertClean("a value", dumps(printed))
            assertClean("a log line", logged(printed))
          }
        }
        for (const { resourceUrl } of [session, info, ...replies]) assert.include(resourceUrl, secrets.access)
        assert.include(inspect(session), "resourceUrl: '<redacted>'")
        const { authCode, connectionProperties, ticket } = Option.getOrThrow(info.desktop)
        assert.strictEqual(connectionProperties, secrets.connection)
        assert.strictEqual(Redacted.value(session.apiKey), apiKey)
        assert.strictEqual(Redacted.value(authCode ?? Redacted.make("")), secrets.authCode)
        assert.strictEqual(Redacted.value(ticket ?? Redacted.make("")), secrets.ticket)
      }).pipe(Effect.provide(server.node()))
    })))

  it.live("the key travels in one header, never in a URL or a body", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* make()
      server.faults.next("getMcpResource", unavailable("before"))
      yield* Session.use({ imageId }, (session) => session.info).pipe(Effect.provide(server.node()))
      for (const { authorization, ...others } of server.headers) {
        assert.strictEqual(authorization, `Bearer ${apiKey}`)
        assertClean("the other headers", JSON.stringify(others))
      }
      for (const { body, query } of server.received) assertClean("a request", `${query.toString()} ${body}`)
    })))
})

describe("the words of a server", () => {
  /** A second line of a log, commands to a terminal, and text that reads backwards. */
  const evil = "a\r\nERROR forged\u001b[2J\u009b1m\u202egnp.exe\u2066\u2028\u0000"
  const forbidden = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/

  const evils: Readonly<Record<string, Fault>> = {
    "a refusal": answers("before", refusal(400, `Bad${evil}`, evil, { "x-request-id": "r" })),
    "a failure": answers("before", refusal(500, evil, evil)),
    "a page": text(evil, "text/html", 502),
    "a tool that failed": changed((body) =>
      body.replace(/"content":.*$/, `"content":[{"type":"text","text":${JSON.stringify(evil)}}],"isError":true}}`)
    )
  }

  for (const [title, fault] of Object.entries(evils)) {
    it.live(`${title}: stay on their line, and command no terminal`, () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* make()
        const lines: Array<string> = []
        const logger = Logger.replace(
          Logger.defaultLogger,
          Logger.map(Logger.logfmtLogger, (line) => void lines.push(line))
        )
        const results = yield* workload(server, fault).pipe(
          Effect.provide(server.node({ deleteBudget: "300 millis", retry: { maxAttempts: 1 } })),
          Effect.provide(Layer.merge(logger, Logger.minimumLogLevel(LogLevel.All)))
        )
        const errors = results.filter((result): result is AgbError.AgbError => result instanceof Error)
        assert.isAbove(errors.length, 1)
        for (const error of errors) {
          assert.notMatch(error.message, /[\n]/)
          for (const words of [error.message, ...Object.values(error)]) {
            if (typeof words === "string") assert.notMatch(words, forbidden)
          }
        }
        for (const line of lines) assert.notMatch(line, /\n|[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/)
      })))
  }
})

describe("sandboxed code", () => {
  const environments = { python: "import os; str(dict(os.environ))", javascript: "JSON.stringify(process.env)" }
  const everything = "env; cat /proc/self/environ; tr '\\0' '\\n' < /proc/$PPID/cmdline"
  const everybody = `${everything}; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null`

  for (const { isolation, name } of runtimes) {
    it.live(`sees no key and no variable of this process (${name})`, () =>
      Effect.gen(function*() {
        const runtime = yield* LocalAgb.LocalAgb
        const { code, command } = yield* Session.make({ imageId })
        const visible = isolation.level === "namespaces" ? everybody : everything
        const shell = yield* command.executeCommand(visible, { acceptExitCodes: [0, 1], timeout: "2 minutes" })
        const runs = yield* Effect.forEach(
          Object.entries(environments).filter(([language]) =>
            runtime.languages.includes(language as AgbTools.Language)
          ),
          ([language, program]) => code.runCode(program, language)
        )
        const seen = [shell.output, ...runs.map(({ text }) => text)].join("\n")
        assert.include(seen, "PATH")
        for (const secret of ["environment-secret", Redacted.value(runtime.apiKey), "AGB_API_KEY"]) {
          assert.notInclude(seen, secret)
        }
      }).pipe(Effect.scoped, Effect.provide(layerWith(isolation)), withEnvironment))
  }
})

const withEnvironment = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      process.env.AGB_API_KEY = "environment-secret"
      process.env.DATABASE_URL = "postgres://environment-secret"
    }),
    () => effect,
    () =>
      Effect.sync(() => {
        delete process.env.AGB_API_KEY
        delete process.env.DATABASE_URL
      })
  )
