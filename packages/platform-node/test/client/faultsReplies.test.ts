/**
 * Replies of the wrong shape: every field of every reply missing, null or of another type. Whatever a server answers, a
 * call is a value or a typed error, never a defect, and a command without a readable result never ended with code 0.
 */
import { Agb, AgbError, Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Logger, Stream } from "effect"
import { type FakeAgb, make } from "../support/fakeAgb.js"
import { changed, type Point } from "../support/faults.js"
import { commands, python } from "../support/programs.js"
import { withVirtualClock } from "../support/virtualClock.js"

const imageId = "agb-code-space-1"

type Call = (session: Session.Session, agb: Agb.Agb.Service) => Effect.Effect<unknown, AgbError.AgbError, Agb.Agb>

const calls: ReadonlyArray<readonly [Point, Call]> = [
  ["createSession", () => Effect.scoped(Session.make({ imageId }))],
  ["getSession", ({ sessionId }, agb) => agb.attach(sessionId)],
  ["getSessionInfo", (session) => session.status],
  ["listSession", (_, agb) => Stream.runCollect(agb.list())],
  ["setLabel", (session) => session.setLabels({ key: "value" })],
  ["getLabel", (session) => session.getLabels],
  ["getMcpResource", (session) => session.info],
  ["refreshSessionIdleTime", (session) => session.keepAlive],
  ["listTools", (session) => session.listTools()],
  ["getLink", (session) => session.getLink()],
  ["run_code", ({ code }) => code.runCode(python.prints.code, "python")],
  ["shell", ({ command }) => command.executeCommand(commands.prints)],
  ["get_file_info", ({ fileSystem }) => fileSystem.getFileInfo("/tmp/a")],
  ["list_directory", ({ fileSystem }) => fileSystem.listDirectory("/tmp")],
  ["read_file", ({ fileSystem }) => fileSystem.readFile("/tmp/a")],
  ["read_multiple_files", ({ fileSystem }) => fileSystem.readMultipleFiles(["/tmp/a"])],
  ["search_files", ({ fileSystem }) => fileSystem.searchFiles("/tmp", "a")],
  ["write_file", ({ fileSystem }) => fileSystem.writeFile("/tmp/b", "b")],
  ["edit_file", ({ fileSystem }) => fileSystem.editFile("/tmp/a", [{ oldText: "a", newText: "a" }])],
  ["get_file_change", ({ fileSystem }) => fileSystem.getFileChange("/tmp")]
]

type Path = ReadonlyArray<string>

/** The path that leads into the JSON text of a tool's answer. */
const inText = ["data", "content", "0", "text"]

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const pathsOf = (value: unknown, at: Path = []): ReadonlyArray<Path> =>
  isObject(value)
    ? Object.entries(value).slice(0, 12).flatMap(([key, inner]) => [[...at, key], ...pathsOf(inner, [...at, key])])
    : []

const absent = Symbol("absent")

const strange = [absent, null, 7, -1, "text", "", true, [], {}, [null], { a: 1 }]

const replaced = (value: unknown, [key, ...rest]: Path, by: unknown): unknown => {
  if (key === undefined) return by
  const copy: unknown = Array.isArray(value) ? [...value] : { ...(value as object) }
  const object = copy as Record<string, unknown>
  if (rest.length === 0 && by === absent) delete object[key]
  else object[key] = replaced(object[key], rest, by)
  return copy
}

interface Mutation {
  readonly title: string
  readonly change: (body: string) => string
}

const mutations = (body: string): ReadonlyArray<Mutation> => {
  const reply: unknown = JSON.parse(body)
  const envelope = pathsOf(reply).flatMap((path) =>
    strange.map((by) => ({
      title: `${path.join(".")} = ${String(JSON.stringify(by))}`,
      change: (text: string) => JSON.stringify(replaced(JSON.parse(text), path, by))
    }))
  )
  const text = inText.reduce<unknown>((value, key) => isObject(value) ? value[key] : undefined, reply)
  const inner = typeof text === "string" ? parsed(text) : undefined
  const nested = pathsOf(inner).flatMap((path) =>
    strange.map((by) => ({
      title: `text: ${path.join(".")} = ${String(JSON.stringify(by))}`,
      change: (body: string) =>
        JSON.stringify(replaced(JSON.parse(body), inText, JSON.stringify(replaced(inner, path, by))))
    }))
  )
  return [...envelope, ...nested]
}

/** What the server answers when nothing is wrong. */
const goodReply = (fake: FakeAgb, point: Point, call: Effect.Effect<unknown, AgbError.AgbError, Agb.Agb>) =>
  Effect.gen(function*() {
    let body = ""
    fake.faults.always(point, changed((text) => body = text))
    yield* call
    return body
  })

const isTyped = (exit: Exit.Exit<unknown, AgbError.AgbError>): boolean =>
  Exit.isSuccess(exit) || Cause.isFailType(exit.cause) && AgbError.isAgbError(exit.cause.error)

const withFake = <A, E>(
  body: (fake: FakeAgb, session: Session.Session, agb: Agb.Agb.Service) => Effect.Effect<A, E, Agb.Agb>
) =>
  Effect.gen(function*() {
    const fake = yield* make()
    yield* Effect.scoped(Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const session = yield* Session.make({ imageId })
      yield* session.fileSystem.writeFile("/tmp/a", "a")
      yield* body(fake, session, agb)
      fake.faults.clear()
      assert.strictEqual(yield* session.status, "RUNNING")
    })).pipe(Effect.provide(fake.layer({ retry: { maxAttempts: 1 } })))
    assert.deepStrictEqual([fake.ledger.live, fake.ledger.idledOut], [0, []])
  }).pipe(Effect.scoped, withVirtualClock, Effect.provide(Logger.remove(Logger.defaultLogger)))

describe("a reply with one field changed", () => {
  for (const [point, call] of calls) {
    it.live(`of ${point} is a value or a typed error`, () =>
      withFake((fake, session, agb) =>
        Effect.gen(function*() {
          const body = yield* goodReply(fake, point, call(session, agb))
          const all = mutations(body)
          assert.isAbove(all.length, 20)
          for (const { change, title } of all) {
            // A server that makes up another session's id cannot be seen through.
            if (point === "createSession" && title === "data.sessionId = \"text\"") continue
            fake.faults.always(point, changed(change))
            const exit = yield* Effect.exit(call(session, agb))
            assert.isTrue(isTyped(exit), `${title}: ${String(exit)}`)
            if (point === "shell" && title.startsWith("text: exit_code")) {
              assert.isTrue(Exit.isFailure(exit), `${title}: ${String(exit)}`)
            }
          }
        })
      ))
  }
})

describe("a command whose result is not JSON", () => {
  const texts = [
    "",
    " ",
    "done",
    "0",
    "\"0\"",
    "null",
    "true",
    "[]",
    "{}",
    "{\"exit_code\": 0}",
    "{\"exit_code\": \"0\"}"
  ]
  for (const isError of [false, true]) {
    it.live(`never ended with code 0${isError ? ", as a tool error" : ""}`, () =>
      withFake((fake, { command }) =>
        Effect.gen(function*() {
          for (const text of texts) {
            const reply = { requestId: "r", success: true, data: { content: [{ type: "text", text }], isError } }
            fake.faults.always("shell", changed(() => JSON.stringify(reply)))
            const exit = yield* Effect.exit(command.executeCommand(commands.prints))
            assert.isTrue(Exit.isFailure(exit) && isTyped(exit), `${text}: ${String(exit)}`)
          }
          fake.faults.always("shell", changed(() => JSON.stringify({ success: true, data: { content: [] } })))
          assert.isTrue(Exit.isFailure(yield* Effect.exit(command.executeCommand(commands.prints))))
        })
      ))
  }
})

describe("a reply that is nested 100,000 deep", () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000)
  const deepObject = "{\"a\":".repeat(100_000) + "1" + "}".repeat(100_000)
  const answer = (content: string) => `{"requestId":"r","success":true,"data":{"content":[${content}],"isError":false}}`
  const text = (inner: string) => answer(JSON.stringify({ type: "text", text: inner }))
  const replies: ReadonlyArray<readonly [title: string, Point, body: string]> = [
    ["as a whole", "getMcpResource", deep],
    ["as data", "getMcpResource", `{"success":true,"data":${deepObject}}`],
    ["as labels", "getLabel", `{"success":true,"data":{"labels":${deepObject}}}`],
    ["as labels in text", "getLabel", `{"success":true,"data":{"labels":${JSON.stringify(deepObject)}}}`],
    ["as tools", "listTools", `{"success":true,"data":${deep}}`],
    ["as the schema of a tool", "listTools", `{"success":true,"data":[{"name":"x","inputSchema":${deepObject}}]}`],
    ["in a field that nobody reads", "getMcpResource", `{"success":true,"data":{},"x":${deep}}`],
    ["as content", "run_code", answer(deep)],
    ["as data of content", "run_code", answer(`{"type":"other","data":${deep}}`)],
    ["as text", "run_code", text(deep)],
    ["as a result of code", "run_code", text(`{"result":[${deep}],"stdout":[],"stderr":[],"executionError":null}`)],
    [
      "as the value of a type",
      "run_code",
      text(`{"result":[{"application/json":${deepObject}}],"executionError":null}`)
    ],
    ["as a result of a command", "shell", text(deepObject)],
    ["as changes", "get_file_change", text(deep)]
  ]
  for (const [title, point, body] of replies) {
    it.live(`${title} is a value or a typed error`, () =>
      withFake((fake, session, agb) =>
        Effect.gen(function*() {
          fake.faults.always(point, changed(() => body))
          const call = calls.find(([name]) => name === point)?.[1] ?? (() => Effect.void)
          const exit = yield* Effect.exit(call(session, agb))
          if (!isTyped(exit)) assert.fail(String(exit).slice(0, 500))
        })
      ))
  }
})

describe("a reply that reaches for prototypes", () => {
  it.live("changes no object", () =>
    withFake((fake, session) =>
      Effect.gen(function*() {
        const evil =
          "{\"__proto__\":{\"polluted\":true},\"constructor\":{\"prototype\":{\"polluted\":true}},\"a\":\"b\"}"
        for (const labels of [evil, JSON.stringify(evil)]) {
          fake.faults.always(
            "getLabel",
            changed(() => `{"success":true,"data":{"labels":${labels}},"__proto__":{"x":1}}`)
          )
          const exit = yield* Effect.exit(session.getLabels)
          assert.isTrue(isTyped(exit))
          if (Exit.isSuccess(exit)) assert.isUndefined((exit.value as Record<string, unknown>)["polluted"])
        }
        const result = "{\"result\":[{\"__proto__\":{\"polluted\":true},\"text/plain\":\"x\"}],\"executionError\":null}"
        const content = JSON.stringify({ content: [{ type: "text", text: result }], isError: false })
        fake.faults.always("run_code", changed(() => `{"success":true,"data":${content}}`))
        const run = yield* session.code.runCode(python.prints.code, "python")
        assert.isUndefined((run.results[0]?.data as Record<string, unknown>)["polluted"])
        assert.isUndefined(({} as Record<string, unknown>)["polluted"])
      })
    ))
})
