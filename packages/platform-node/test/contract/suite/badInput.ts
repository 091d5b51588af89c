/** Arguments that are refused before anything is sent, by the name of the field. */
import { Agb, type AgbError, CreateSessionParams, Session } from "@effect-agb/core"
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { failsWith } from "../../support/failsWith.js"
import { type Backend, type Contract, imageId, type Test } from "./backend.js"

/** A value of a type that only plain JavaScript can pass. */
const untyped = <A>(value: unknown): A => value as A

type BadCall = readonly [
  title: string,
  field: string,
  call: (session: Session.Session, agb: Agb.Agb.Service) => Effect.Effect<unknown, AgbError.AgbError>
]

const params: ReadonlyArray<readonly [title: string, field: string, params: unknown]> = [
  ["no parameters", "request", undefined],
  ["no image", "imageId", {}],
  ["an empty image", "imageId", { imageId: "" }],
  ["a blank image", "imageId", { imageId: " \t" }],
  ["an image that is a number", "imageId", { imageId: 7 }],
  ["a blank label key", "labels", { imageId, labels: { " ": "x" } }],
  ["a blank label value", "labels", { imageId, labels: { key: "" } }],
  ["a label that is a number", "labels.key", { imageId, labels: { key: 1 } }],
  ["labels that are a list", "labels", { imageId, labels: ["x"] }],
  ["the SDK's own label", "labels", { imageId, labels: { "effect-agb-attempt": "x" } }],
  ["an idle time of nothing", "idleTimeout", { imageId, idleTimeout: 0 }],
  ["a negative idle time", "idleTimeout", { imageId, idleTimeout: -1000 }],
  ["an idle time of NaN", "idleTimeout", { imageId, idleTimeout: NaN }],
  ["an endless idle time", "idleTimeout", { imageId, idleTimeout: Infinity }],
  ["an idle time of two days", "idleTimeout", { imageId, idleTimeout: "2 days" }],
  ["an idle time in words", "idleTimeout", { imageId, idleTimeout: "soon" }],
  ["an empty policy", "policyId", { imageId, policyId: "" }],
  ["an idle time by another name", "idleReleaseTimeout", { imageId, idleReleaseTimeout: 60 }],
  ["contexts", "contextSyncs", { imageId, contextSyncs: [{ contextId: "c", path: "/tmp" }] }],
  ["an image with half a character", "imageId", { imageId: "agb-\ud83c" }],
  ["a label with half a character", "labels.key", { imageId, labels: { key: "\udf88" } }],
  ["a label name with half a character", "labels", { imageId, labels: { "\udf88": "x" } }]
]

const timeouts: ReadonlyArray<readonly [string, unknown]> = [
  ["zero", 0],
  ["negative", -5],
  ["NaN", NaN],
  ["endless", Infinity],
  ["of two days", "2 days"],
  ["in words", "soon"]
]

const codeCalls: ReadonlyArray<BadCall> = [
  ...timeouts.map(([name, timeout]): BadCall => [
    `runCode with a timeout that is ${name}`,
    "timeout",
    ({ code }) => code.runCode("1", "python", { timeout: untyped(timeout) })
  ]),
  [
    "runCodeStream of half a second in words",
    "timeout",
    ({ code }) => Stream.runDrain(code.runCodeStream("1", "python", { timeout: untyped("soon") }))
  ],
  ["runCodeStream in no language", "language", ({ code }) => Stream.runDrain(code.runCodeStream("1", ""))],
  ["runCodeStream without code", "code", ({ code }) => Stream.runDrain(code.runCodeStream("", "python"))],
  ["runCodeStream with half a character", "code", ({ code }) => Stream.runDrain(code.runCodeStream("'\ud83c'", "r"))],
  [
    "runCodeStream with a callback",
    "onStdout",
    ({ code }) => Stream.runDrain(code.runCodeStream("1", "python", untyped({ onStdout: () => {} })))
  ],
  ["runCode in a language that nobody knows", "language", ({ code }) => code.runCode("1", "cobol")],
  ["runCode in no language", "language", ({ code }) => code.runCode("1", "")],
  ["runCode in a language that is an object's own", "language", ({ code }) => code.runCode("1", "constructor")],
  ["runCode in a language that is no text", "language", ({ code }) => code.runCode("1", untyped(7))],
  ["runCode without code", "code", ({ code }) => code.runCode("", "python")],
  ["runCode with code that is no text", "code", ({ code }) => code.runCode(untyped({}), "python")],
  ["runCode with half a character", "code", ({ code }) => code.runCode("'\ud83c'", "python")],
  ["runCode with an unknown option", "timeoutS", ({ code }) => code.runCode("1", "python", untyped({ timeoutS: 5 }))],
  ["runCode with seconds for options", "options", ({ code }) => code.runCode("1", "python", untyped(60))]
]

const commandCalls: ReadonlyArray<BadCall> = [
  ...timeouts.map(([name, timeout]): BadCall => [
    `executeCommand with a timeout that is ${name}`,
    "timeout",
    ({ command }) => command.executeCommand("true", { timeout: untyped(timeout) })
  ]),
  ["an empty command", "command", ({ command }) => command.executeCommand("")],
  ["a blank command", "command", ({ command }) => command.executeCommand(" \n")],
  ["a command with NUL", "command", ({ command }) => command.executeCommand("true\0false")],
  ["a command that is no text", "command", ({ command }) => command.executeCommand(untyped(["true"]))],
  ["a relative directory", "cwd", ({ command }) => command.executeCommand("true", { cwd: "tmp" })],
  ["a directory with NUL", "cwd", ({ command }) => command.executeCommand("true", { cwd: "/tmp\0" })],
  [
    "a variable that is a number",
    "envs.A",
    ({ command }) => command.executeCommand("true", { envs: { A: untyped(1) } })
  ],
  [
    "a variable that is missing",
    "envs.A",
    ({ command }) => command.executeCommand("true", { envs: { A: untyped(undefined) } })
  ],
  ["a variable with NUL", "envs", ({ command }) => command.executeCommand("true", { envs: { A: "x\0y" } })],
  ["a variable without a name", "envs", ({ command }) => command.executeCommand("true", { envs: { "": "x" } })],
  ["a name with =", "envs", ({ command }) => command.executeCommand("true", { envs: { "A=B": "x" } })],
  [
    "an exit code of 256",
    "acceptExitCodes",
    ({ command }) => command.executeCommand("true", { acceptExitCodes: [256] })
  ],
  [
    "an exit code of 0.5",
    "acceptExitCodes",
    ({ command }) => command.executeCommand("true", { acceptExitCodes: [0.5] })
  ],
  [
    "exit codes that are no list",
    "acceptExitCodes",
    ({ command }) => command.executeCommand("true", { acceptExitCodes: untyped(0) })
  ],
  ["an unknown option", "timeoutMs", ({ command }) => command.executeCommand("true", untyped({ timeoutMs: 5000 }))],
  [
    "an unknown option without a value",
    "environment",
    ({ command }) => command.executeCommand("true", untyped({ environment: undefined }))
  ],
  ["milliseconds for options", "options", ({ command }) => command.executeCommand("true", untyped(5000))],
  [
    "half a character in a variable",
    "envs.A",
    ({ command }) => command.executeCommand("true", { envs: { A: "\ud83c" } })
  ],
  ["half a character in a directory", "cwd", ({ command }) => command.executeCommand("true", { cwd: "/tmp/\ud83c" })]
]

const badPaths = [
  ["relative", "tmp/a"],
  ["half a character", "/tmp/\ud83c"],
  ["empty", ""],
  ["with NUL", "/tmp/a\0b"],
  ["too long", `/${"a".repeat(5000)}`]
]

const pathCalls = badPaths.flatMap(([name = "", path = ""]): ReadonlyArray<BadCall> => [
  [`createDirectory, ${name}`, "path", ({ fileSystem }) => fileSystem.createDirectory(path)],
  [`deleteFile, ${name}`, "path", ({ fileSystem }) => fileSystem.deleteFile(path)],
  [`editFile, ${name}`, "path", ({ fileSystem }) => fileSystem.editFile(path, [{ oldText: "a", newText: "b" }])],
  [`getFileInfo, ${name}`, "path", ({ fileSystem }) => fileSystem.getFileInfo(path)],
  [`listDirectory, ${name}`, "path", ({ fileSystem }) => fileSystem.listDirectory(path)],
  [`moveFile from, ${name}`, "source", ({ fileSystem }) => fileSystem.moveFile(path, "/tmp/b")],
  [`moveFile to, ${name}`, "destination", ({ fileSystem }) => fileSystem.moveFile("/tmp/a", path)],
  [`readFile, ${name}`, "path", ({ fileSystem }) => fileSystem.readFile(path)],
  [`readFileStream, ${name}`, "path", ({ fileSystem }) => Stream.runDrain(fileSystem.readFileStream(path))],
  [`readMultipleFiles, ${name}`, "paths.1", ({ fileSystem }) => fileSystem.readMultipleFiles(["/tmp/a", path])],
  [`searchFiles, ${name}`, "path", ({ fileSystem }) => fileSystem.searchFiles(path, "*")],
  [`writeFile, ${name}`, "path", ({ fileSystem }) => fileSystem.writeFile(path, "x")],
  [`getFileChange, ${name}`, "path", ({ fileSystem }) => fileSystem.getFileChange(path)],
  [`watchDirectory, ${name}`, "path", ({ fileSystem }) => Stream.runDrain(fileSystem.watchDirectory(path))]
])

const fileCalls: ReadonlyArray<BadCall> = [
  ...pathCalls,
  ["a path that is no text", "path", ({ fileSystem }) => fileSystem.readFile(untyped(null))],
  ["no edits", "edits", ({ fileSystem }) => fileSystem.editFile("/tmp/a", [])],
  [
    "an edit of nothing",
    "edits.0.oldText",
    ({ fileSystem }) => fileSystem.editFile("/tmp/a", [{ oldText: "", newText: "b" }])
  ],
  ["content that is no text", "content", ({ fileSystem }) => fileSystem.writeFile("/tmp/a", untyped(7))],
  ["content with half a character", "content", ({ fileSystem }) => fileSystem.writeFile("/tmp/a", "\udf88")],
  [
    "content with half a character far behind",
    "content",
    ({ fileSystem }) => fileSystem.writeFile("/tmp/a", `${"a".repeat(60_000)}\udf88`)
  ],
  [
    "a mode that does not exist",
    "mode",
    ({ fileSystem }) => fileSystem.writeFile("/tmp/a", "x", { mode: untyped("truncate") })
  ],
  ["bytes by an option", "format", ({ fileSystem }) => fileSystem.readFile("/tmp/a", untyped({ format: "bytes" }))],
  ["bytes in words", "options", ({ fileSystem }) => fileSystem.readFileBytes("/tmp/a", untyped("bytes"))],
  ["a callback", "options", ({ fileSystem }) => Stream.runDrain(fileSystem.watchDirectory("/tmp", untyped(() => {})))],
  [
    "a callback by an option",
    "callback",
    ({ fileSystem }) => Stream.runDrain(fileSystem.watchDirectory("/tmp", untyped({ callback: () => {} })))
  ],
  ["an encoding", "encoding", ({ fileSystem }) => fileSystem.writeFile("/tmp/a", "x", untyped({ encoding: "utf8" }))],
  ["a depth", "recursive", ({ fileSystem }) => fileSystem.searchFiles("/tmp", "*", untyped({ recursive: true }))],
  [
    "a dry run by another name",
    "dry_run",
    ({ fileSystem }) => fileSystem.editFile("/tmp/a", [{ oldText: "a", newText: "b" }], untyped({ dry_run: true }))
  ],
  [
    "an edit of every occurrence",
    "edits.0.replaceAll",
    ({ fileSystem }) => fileSystem.editFile("/tmp/a", untyped([{ oldText: "a", newText: "b", replaceAll: true }]))
  ],
  ["half a character in a pattern", "pattern", ({ fileSystem }) => fileSystem.searchFiles("/tmp", "*\ud83c")],
  ["a blank pattern", "pattern", ({ fileSystem }) => fileSystem.searchFiles("/tmp", " ")],
  ...[-1, NaN, 0.5].map((maxBytes): BadCall => [
    `a limit of ${maxBytes}`,
    "maxBytes",
    ({ fileSystem }) => fileSystem.readFile("/tmp/a", { maxBytes })
  ]),
  ...[0, -1, NaN].map((interval): BadCall => [
    `an interval of ${interval}`,
    "interval",
    ({ fileSystem }) => Stream.runDrain(fileSystem.watchDirectory("/tmp", { interval }))
  ])
]

const sessionCalls: ReadonlyArray<BadCall> = [
  ["attach to an empty id", "sessionId", (_, agb) => agb.attach("")],
  ["attach to a blank id", "sessionId", (_, agb) => agb.attach("  ")],
  ["delete of an empty id", "sessionId", (_, agb) => agb.delete("")],
  ["list by a blank label", "labels", (_, agb) => Stream.runDrain(agb.list({ "": "x" }))],
  ["no labels", "labels", (session) => session.setLabels({})],
  ["a blank label", "labels", (session) => session.setLabels({ " ": "x" })],
  ...[0, -1, 65_536, 70_000, NaN, 30_100.5].map((port): BadCall => [
    `a link to port ${port}`,
    "port",
    (session) => session.getLink({ port })
  ]),
  ["a link over a blank protocol", "protocolType", (session) => session.getLink({ protocolType: " " })],
  ["the tools of a blank image", "imageId", (session) => session.listTools(" ")],
  ["attach to half a character", "sessionId", (_, agb) => agb.attach("s-\ud83c")],
  ["delete of half a character", "sessionId", (_, agb) => agb.delete("s-\ud83c")],
  ["list by half a character", "labels.a", (_, agb) => Stream.runDrain(agb.list({ a: "\ud83c" }))],
  ["a link over half a character", "protocolType", (session) => session.getLink({ protocolType: "\ud83c" })],
  ["a link with an unknown option", "protocol", (session) => session.getLink(untyped({ protocol: "https" }))],
  ["the tools of half an image", "imageId", (session) => session.listTools("\ud83c")],
  [
    "a tool with an unknown option",
    "readTimeout",
    (session) => session.callTool("shell", {}, untyped({ readTimeout: 5 }))
  ],
  ["a tool with half a character", "command.0", (session) => session.callTool("shell", { command: ["\ud83c"] })],
  [
    "an endpoint with an unknown field",
    "isAll",
    (session) => session.client.listSession(untyped({ labels: {}, isAll: true }))
  ],
  [
    "an endpoint with an unknown option",
    "signal",
    (session) => session.client.listSession({}, untyped({ signal: AbortSignal.abort() }))
  ],
  ["a tool without a name", "name", (session) => session.callTool("", {})],
  ["a tool with a timeout of NaN", "timeout", (session) => session.callTool("shell", {}, { timeout: NaN })]
]

const creation = (test: Test, { requests }: Backend) =>
  test("create refuses bad parameters by name, and no session is made", () =>
    Effect.gen(function*() {
      const before = requests?.()
      for (const [title, field, value] of params) {
        const error = yield* failsWith(Session.make(untyped(value)), "InvalidRequestError", title)
        assert.strictEqual(error.field, field, title)
        if (typeof value !== "object") continue
        const made = Session.make(new CreateSessionParams.CreateSessionParams(untyped(value)))
        assert.strictEqual((yield* failsWith(made, "InvalidRequestError")).field, field, title)
      }
      assert.strictEqual(requests?.(), before)
    }))

const group = (test: Test, { requests }: Backend, title: string, calls: ReadonlyArray<BadCall>) =>
  test(`${title}: bad arguments are refused by name, and nothing is sent`, () =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const session = yield* Session.make({ imageId })
      const before = requests?.()
      for (const [title, field, call] of calls) {
        const error = yield* failsWith(call(session, agb), "InvalidRequestError", title)
        const { mayHaveHappened, retryable } = error
        assert.deepStrictEqual([title, error.field, mayHaveHappened, retryable], [title, field, false, false])
      }
      assert.strictEqual(requests?.(), before)
      assert.deepStrictEqual(yield* agb.undeleted, [])
      assert.strictEqual(yield* session.status, "RUNNING")
    }))

export const badInput: Contract = (test, backend) => {
  creation(test, backend)
  group(test, backend, "sessions", sessionCalls)
  group(test, backend, "code", codeCalls)
  group(test, backend, "commands", commandCalls)
  group(test, backend, "files", fileCalls)
}
