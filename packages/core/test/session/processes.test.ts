/** Processes over sessions that are silent, cut what they print, or say nonsense. */
import { AgbTools, Command, type Process, ToolCall } from "@effect-agb/core"
import { assert, it } from "@effect/vitest"
import { Chunk, Duration, Effect, Encoding, Exit, Fiber, Option, Schema, Stream, TestClock } from "effect"

interface Request {
  readonly command: string
  readonly timeout: number
}

/** A session whose shell answers with what a function prints. */
const sessionOf = (print: (request: Request) => Effect.Effect<string>) => {
  const requests: Array<Request> = []
  const toolCall = ToolCall.make(({ args, timeout = Duration.zero }) =>
    Effect.suspend(() => {
      const request = { command: String(args["command"]), timeout: Duration.toSeconds(timeout) }
      requests.push(request)
      // What never waits would never end.
      assert.isBelow(requests.length, 500)
      return Effect.map(print(request), (stdout) => ({
        reply: {
          content: [{
            type: "text" as const,
            text: Schema.encodeSync(AgbTools.tools.shell.result)({ stdout, stderr: "", exit_code: 0 })
          }],
          isError: false
        },
        requestId: undefined
      }))
    })
  )
  return { requests, command: Command.make(toolCall) }
}

const state = "agb state 12 11 345 run\n"

const attached = ({ command }: ReturnType<typeof sessionOf>) => command.attach("job")

const offsetOf = ({ command }: Request, stream: "stdout" | "stderr") =>
  Number(new RegExp(`${stream}='(-?\\d+)'`).exec(command)?.[1])

/** What the script prints that reads the output: this text on standard output, nothing on standard error. */
const page = (request: Request, stdout = "", end = "-") => {
  const [at, errorAt] = [offsetOf(request, "stdout"), offsetOf(request, "stderr")]
  const blocks = Number(/blocks='(\d+)'/.exec(request.command)?.[1])
  const block = Math.floor(at / 4096) * 4096
  const part = at < stdout.length && at >= 0 ? stdout.slice(block, block + blocks * 4096) : ""
  const sizes = `${at < 0 ? -1 : stdout.length} ${Math.min(errorAt, 0)}`
  return `agb read ${sizes} ${end}\n${Encoding.encodeBase64(part)}\nagb part\nagb part\nagb done\n`
}

const isRead = ({ command }: Request) => command.includes("agb read")

it.effect("a process that is silent for an hour costs a request every 40 seconds", () =>
  Effect.gen(function*() {
    const session = sessionOf((request) =>
      isRead(request) ? Effect.delay(Effect.succeed(page(request)), "40 seconds") : Effect.succeed(state)
    )
    const process = yield* attached(session)
    const following = yield* Effect.fork(
      Effect.all([Stream.runDrain(process.logs()), process.exit], { concurrency: 2 })
    )
    yield* TestClock.adjust("1 hour")
    yield* Fiber.interrupt(following)
    assert.isAtMost(session.requests.length, 1 + 2 * 91)
    assert.isTrue(session.requests.every(({ timeout }) => timeout <= 60))
  }))

it.effect("a session that does not wait is asked once a second", () =>
  Effect.gen(function*() {
    const session = sessionOf((request) =>
      Effect.succeed(
        isRead(request) ? page(request) : request.command.includes("agb port") ? "agb port waiting\n" : state
      )
    )
    const process = yield* attached(session)
    const waits = [Stream.runDrain(process.logs()), process.exit, process.waitForPort(80)]
    const waiting = yield* Effect.fork(Effect.all(waits, { concurrency: "unbounded" }))
    yield* TestClock.adjust("1 minute")
    yield* Fiber.interrupt(waiting)
    assert.isAtMost(session.requests.length, 1 + 3 * 61)
  }))

it.effect("output that a session cuts is read in smaller parts", () =>
  Effect.gen(function*() {
    const all = Array.from({ length: 40_000 }, (_, index) => String.fromCharCode(97 + index % 26)).join("")
    const session = sessionOf((request) =>
      Effect.succeed(isRead(request) ? page(request, all, "0 - 0 1 -").slice(0, 20_000) : state)
    )
    const process = yield* attached(session)
    const read = yield* Effect.exit(Stream.runCollect(process.stdout))
    const chunks = Exit.isSuccess(read) ? Chunk.toReadonlyArray(read.value) : []
    assert.strictEqual(Buffer.concat(chunks).toString(), all)
  }))

const nonsense = [
  "",
  "agb",
  "agb read\nagb part\nagb part\nagb done\n",
  "agb read x y -\nagb part\nagb part\nagb done\n",
  "agb read 5 0 -\nagb part\nagb part\nagb done\n",
  "agb read 5 0 -\n*not base64*\nagb part\nagb part\nagb done\n",
  "agb read 0 0 zero - 0 1 -\nagb part\nagb part\nagb done\n",
  "agb read 0 0 0 - maybe 1 -\nagb part\nagb part\nagb done\n",
  "agb state\n",
  "agb stdin at\n",
  "agb item job 0 SIG\nagb done\n"
]

it.effect.each(nonsense)("nonsense is an error, never an outcome: %j", (text) =>
  Effect.gen(function*() {
    const session = sessionOf(({ command }) => Effect.succeed(/agb (?:state|unstarted)/.test(command) ? state : text))
    const process: Process.Process = yield* attached(session)
    const attempts: ReadonlyArray<Effect.Effect<unknown, Process.ProcessFailure>> = [
      process.exit,
      Stream.runDrain(process.logs()),
      process.waitForPort(80),
      process.kill(),
      Stream.run(Stream.make(Uint8Array.of(1)), process.stdin)
    ]
    for (const attempt of attempts) {
      const error = yield* Effect.flip(attempt)
      assert.include(["MalformedResponseError", "ProcessError"], error._tag)
    }
  }))

it.effect("bad input is refused before anything is sent", () =>
  Effect.gen(function*() {
    const session = sessionOf(() => Effect.succeed(state))
    const { command } = session
    const process = yield* attached(session)
    const before = session.requests.length
    const scoped = (options: object, text = "true") => Effect.scoped(command.start(text, options))
    const detached = (options: object) => command.startDetached("true", options as Process.StartDetachedOptions)
    const attempts: ReadonlyArray<readonly [string, Effect.Effect<unknown, Process.AttachError>]> = [
      ["command", scoped({}, " ")],
      ["command", scoped({}, "a\ud800")],
      ["timeout", scoped({ timeout: -1 })],
      ["cwd", scoped({ cwd: "relative" })],
      ["envs", scoped({ envs: { "A=": "b" } })],
      ["envs.A", scoped({ envs: { A: "\udfff" } })],
      ["stdin", scoped({ stdin: true })],
      ["env", scoped({ env: {} })],
      ["key", detached({})],
      ["key", detached({ key: "../up" })],
      ["key", detached({ key: ".hidden" })],
      ["key", detached({ key: "k".repeat(129) })],
      ["key", command.attach("a b")],
      ["from.stdout", Stream.runDrain(process.logs({ stdout: -1, stderr: 0 }))],
      ["from.stderr", Stream.runDrain(process.logs({ stdout: 0, stderr: 0.5 }))],
      ["signal", process.kill("TERM")],
      ["signal", process.kill("SIGTERM; true")],
      ["port", process.waitForPort(0)],
      ["port", process.waitForPort(65_536)],
      ["pattern", process.waitForLog("text" as unknown as RegExp)]
    ]
    for (const [field, attempt] of attempts) {
      const refused = yield* Effect.match(attempt, {
        onFailure: (error) => error._tag === "InvalidRequestError" ? error.field : error._tag,
        onSuccess: () => "nothing"
      })
      assert.strictEqual(refused, field)
    }
    assert.strictEqual(session.requests.length, before)
  }))

it.effect("a streamed command that could not be started fails as a command does", () =>
  Effect.gen(function*() {
    const failure = (text: string) =>
      Command.make(ToolCall.make(() =>
        Effect.succeed({ reply: { content: [{ type: "text", text }], isError: true }, requestId: undefined })
      ))
    const refusing = failure("ENOENT: No such file or directory: cwd /nowhere")
    const error = yield* Effect.flip(Stream.runDrain(refusing.executeCommandStream("true", { cwd: "/nowhere" })))
    const expected = yield* Effect.flip(refusing.executeCommand("true", { cwd: "/nowhere" }))
    assert(error._tag === "ToolError" && expected._tag === "ToolError")
    assert.deepStrictEqual(
      [error.operation, error.tool, error.detail],
      ["Command.executeCommandStream", expected.tool, expected.detail]
    )
  }))

it.effect("a streamed command whose start was not answered may have run, which is said once", () =>
  Effect.gen(function*() {
    const { command } = sessionOf(() => Effect.succeed("agb nonsense\n"))
    const error = yield* Effect.flip(Stream.runDrain(command.executeCommandStream("true")))
    assert.strictEqual(error._tag, "ExecutionUnknownError")
    assert.strictEqual(error.message.split("may have run").length, 2)
  }))

it.effect("an end that is known says code, signal, limit, memory and duration", () =>
  Effect.gen(function*() {
    const ended = (end: string) =>
      Effect.flatMap(
        attached(
          sessionOf((request) => Effect.succeed(isRead(request) ? page(request, "", end) : state))
        ),
        ({ exit }) => exit
      )
    assert.deepStrictEqual(yield* ended("137 KILL 1 250 1"), {
      exitCode: 137,
      signal: Option.some("SIGKILL"),
      timedOut: true,
      outOfMemory: Option.some(true),
      duration: Duration.seconds(2.5)
    })
    assert.isUndefined(Option.getOrUndefined((yield* ended("0 - 0 0 -")).outOfMemory))
    const error = yield* Effect.flip(ended("lost"))
    assert.strictEqual(error._tag === "ProcessError" ? error.reason : "", "Lost")
  }))
