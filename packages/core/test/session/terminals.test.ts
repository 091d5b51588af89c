/** Terminals over sessions that are silent, cut what they print, say nonsense, or have no means for one. */
import { AgbTools, Terminal, ToolCall } from "@effect-agb/core"
import { assert, it } from "@effect/vitest"
import { Chunk, Duration, Effect, Encoding, Exit, Fiber, Schema, Stream, TestClock } from "effect"

interface Request {
  readonly words: ReadonlyArray<string>
  readonly timeout: number
}

/** A session whose terminals reply to each request with what a function prints. */
const sessionOf = (print: (request: Request) => Effect.Effect<string>, opening = "agb ready\n") => {
  const requests: Array<Request> = []
  const toolCall = ToolCall.make(({ args, timeout = Duration.zero }) =>
    Effect.suspend(() => {
      const command = String(args["command"])
      const words = /' '(\w[\w -]*)' '[^']*'$/.exec(command)?.[1]?.split(" ")
      const request = { words: words ?? [], timeout: Duration.toSeconds(timeout) }
      if (words !== undefined) requests.push(request)
      // What never waits would never end.
      assert.isBelow(requests.length, 250)
      const starts = command.includes("agb ready") ? opening : "agb state 12 11 345 run\n"
      return Effect.map(words === undefined ? Effect.succeed(starts) : print(request), (stdout) => ({
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
  return { requests, terminal: Terminal.make(toolCall) }
}

const printed = (words: string, text = "") => `agb ${words}\n${Encoding.encodeBase64(text)}\nagb done\n`

const open = ({ terminal }: ReturnType<typeof sessionOf>) => terminal.open("bash")

it.scoped("a terminal that is silent for an hour costs a request every 40 seconds", () =>
  Effect.gen(function*() {
    const session = sessionOf(({ words: [kind] }) =>
      Effect.delay(Effect.succeed(printed(kind === "read" ? "read 0 more" : "waiting")), "40 seconds")
    )
    const terminal = yield* open(session)
    const waits = [Stream.runDrain(terminal.output), terminal.exit]
    const waiting = yield* Effect.fork(Effect.all(waits, { concurrency: 2 }))
    yield* TestClock.adjust("1 hour")
    yield* Fiber.interrupt(waiting)
    assert.isAtMost(session.requests.length, 2 * 91)
    assert.isTrue(session.requests.every(({ timeout }) => timeout <= 60))
  }))

it.scoped("a session that does not wait is asked once a second", () =>
  Effect.gen(function*() {
    const session = sessionOf(({ words: [kind] }) =>
      Effect.succeed(printed(kind === "read" ? "read 0 more" : kind === "exit" ? "waiting" : "full"))
    )
    const terminal = yield* open(session)
    const waits = [Stream.runDrain(terminal.output), terminal.exit, terminal.write("x")]
    const waiting = yield* Effect.fork(Effect.all(waits, { concurrency: "unbounded" }))
    yield* TestClock.adjust("1 minute")
    yield* Fiber.interrupt(waiting)
    assert.isAtMost(session.requests.length, 3 * 62)
  }))

it.scoped("output that is cut off is asked for in smaller pieces, and none of it is lost", () =>
  Effect.gen(function*() {
    const all = Array.from({ length: 60_000 }, (_, index) => `${index} `).join("")
    const session = sessionOf(({ words: [kind, from, most] }) => {
      if (kind !== "read") return Effect.succeed(printed("ended 0 - 5"))
      const text = all.slice(Number(from), Number(from) + Number(most))
      const isLast = Number(from) + text.length === all.length
      return Effect.succeed(printed(`read ${text.length} ${isLast ? "ended 0 - 5" : "more"}`, text).slice(0, 100_000))
    })
    const terminal = yield* open(session)
    const pieces = yield* Stream.runCollect(Stream.decodeText(terminal.output))
    assert.strictEqual(Chunk.join(pieces, ""), all)
    assert.strictEqual((yield* terminal.exit).exitCode, 0)
  }))

it.scoped("what is written after a write of unknown outcome goes where the session says", () =>
  Effect.gen(function*() {
    let arrived = 0
    const session = sessionOf(({ words: [kind, , offset] }) => {
      if (kind === "at") return Effect.succeed(printed(`at ${arrived}`))
      if (Number(offset) !== arrived) return Effect.succeed(printed(`moved ${arrived}`))
      arrived += 3
      return arrived === 3 ? Effect.never : Effect.succeed(printed(`at ${arrived}`))
    })
    const terminal = yield* open(session)
    const interrupted = yield* Effect.fork(terminal.write("one"))
    yield* TestClock.adjust("1 second")
    yield* Fiber.interrupt(interrupted)
    for (const text of ["two", "six"]) assert.isTrue(Exit.isSuccess(yield* Effect.exit(terminal.write(text))))
    assert.strictEqual(arrived, 9)
    const writes = session.requests.filter(({ words }) => words[0] === "write").map(({ words }) => words[2])
    assert.deepStrictEqual(writes, ["0", "3", "6"])
  }))

it.scoped("nonsense is a malformed reply, and what is missing is named", () =>
  Effect.gen(function*() {
    const nonsense = [
      "",
      "agb\n\nagb done\n",
      "agb read 5 more\nYWJj\nagb done\n",
      printed("nothing 5 x"),
      "%\n%\nagb done\n"
    ]
    for (const text of nonsense) {
      const terminal = yield* open(sessionOf(() => Effect.succeed(text)))
      const calls = [
        Stream.runDrain(terminal.output),
        terminal.exit,
        terminal.write("x"),
        terminal.resize(1, 1),
        terminal.kill()
      ]
      const errors = yield* Effect.forEach(calls, Effect.flip)
      assert.deepStrictEqual([...new Set(errors.map(({ _tag }) => _tag))], ["MalformedResponseError"])
    }
    const none = sessionOf(() => Effect.succeed(""), "agb missing pseudo-terminals (Permission denied)\n")
    const missing = yield* Effect.flip(open(none))
    assert.deepInclude({ ...missing }, { _tag: "ProcessError", reason: "Unsupported" })
    assert.include(missing.message, "the session has no pseudo-terminals (Permission denied)")
    const broken = yield* Effect.flip(open(sessionOf(() => Effect.succeed(""), "agb failed\nTraceback\nboom\n")))
    assert.include(broken.message, "boom")
    const unknown = yield* open(sessionOf(() => Effect.succeed(printed("unknown"))))
    assert.deepInclude({ ...(yield* Effect.flip(unknown.kill("SIGNONSENSE"))) }, {
      _tag: "InvalidRequestError",
      field: "signal",
      given: "\"SIGNONSENSE\""
    })
    assert.strictEqual((yield* Effect.flip(unknown.resize(1, 1)))._tag, "MalformedResponseError")
    const lost = yield* open(sessionOf(() => Effect.succeed(printed("lost"))))
    assert.deepInclude({ ...(yield* Effect.flip(lost.exit)) }, { _tag: "ProcessError", reason: "Lost" })
  }))
