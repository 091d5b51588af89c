/** Streamed runs over the WebSocket of a session, as foreign clients make them. */
import { assert, it, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import WebSocket from "ws"
import { best, languagesOf, serverLayer } from "../support/runtime.js"
import {
  type Frame,
  type FrameData,
  isLast,
  refusedHandshake,
  sessionOf,
  start,
  talk,
  talkTo,
  toolAnswer,
  wire,
  type WireSession
} from "../support/wire.js"

const session = Effect.flatMap(wire, ({ createSession }) => createSession)

const python = (code: string) => ({ language: "python", timeoutS: 30, code })
const javascript = (code: string) => ({ language: "javascript", timeoutS: 30, code })

const hasPython = (await languagesOf(best)).includes("python")

it.skipIf(hasPython)("not run here: calls in Python, which is not installed", () => {})

const text = (events: ReadonlyArray<FrameData>, stream: string) =>
  events.filter(({ eventType }) => eventType === stream).map(({ chunk }) => chunk).join("")

const once = Effect.flatMap(session, talkTo)

/** The file tools know the session's own directory as /tmp at every level, its programs as TMPDIR. */
const waitForGo = "import os, time\nwhile not os.path.exists(os.environ['TMPDIR'] + '/go'): time.sleep(0.01)"

layer(serverLayer(), { excludeTestServices: true })("the WebSocket of a session", (it) => {
  it.scoped.skipIf(!hasPython)("tells output and results in their order, and one end", () =>
    Effect.gen(function*() {
      const { call, frames } = yield* once
      const code =
        "import sys\nprint('out', flush=True)\nprint('err', file=sys.stderr)\ndisplay(1)\nprint('more')\n6 * 7"
      const events = yield* call("0123456789abcdef0123456789abcdef", python(code))
      assert.deepStrictEqual(events.map(({ seq }) => seq), events.map((_, index) => index + 1))
      assert.deepStrictEqual(events.filter(isLast).length, 1)
      assert.isTrue(events.every(({ method, mode }) => method === "run_code" && mode === "stream"))
      const said = events.map(({ chunk, eventType, result }) => [eventType, chunk ?? result?.mime["text/plain"]])
      assert.includeDeepMembers(said, [["stdout", "out\n"], ["stderr", "err\n"], ["stdout", "more\n"], [
        "result",
        "42"
      ]])
      assert.deepStrictEqual(
        events.filter(({ result }) => result !== undefined).map(({ result }) => result?.isMainResult),
        [false, true]
      )
      assert.deepInclude(events.at(-1), { phase: "end", status: "finished", executionCount: 1, executionError: null })
      assert.isTrue(frames.every(({ source, target }) => source === "wuying_codespace" && target === "SDK"))
    }))

  it.scoped.skipIf(!hasPython)("tells output while the code still runs", () =>
    Effect.gen(function*() {
      const current = yield* session
      const { callTool } = yield* wire
      const { send, until } = yield* talkTo(current)
      const wait = `print('begun', flush=True)\n${waitForGo}`
      send(start("a", python(wait)))
      yield* until((frames) => frames.some(({ data }) => data.chunk === "begun\n"))
      yield* callTool(current, "write_file", { path: "/tmp/go", content: "" })
      const frames = yield* until((frames) => frames.some(({ data }) => isLast(data)))
      assert.strictEqual(frames.at(-1)?.data.status, "finished")
    }))

  it.scoped.skipIf(!hasPython)("splits no character", () =>
    Effect.gen(function*() {
      const { call } = yield* once
      const code =
        "import os, time\nfor byte in 'naïve 🎈 日本'.encode():\n  os.write(1, bytes([byte]))\n  time.sleep(0.002)"
      const events = yield* call("a", python(code))
      assert.strictEqual(text(events, "stdout"), "naïve 🎈 日本")
      assert.isAbove(events.length, 4)
      const broken = yield* call("b", python("import os\n_ = os.write(1, b'\\xf0\\x9f')"))
      assert.strictEqual(text(broken, "stdout"), "\ufffd")
    }))

  it.scoped.skipIf(!hasPython)("ends a run whose code raised, with what it said before", () =>
    Effect.gen(function*() {
      const { call } = yield* once
      const events = yield* call("a", python("print('before')\n1 / 0"))
      assert.strictEqual(text(events, "stdout"), "before\n")
      assert.include(text(events, "stderr"), "ZeroDivisionError")
      assert.deepInclude(events.at(-1), {
        phase: "end",
        status: "failed",
        executionError: "ZeroDivisionError: division by zero"
      })
    }))

  it.scoped.skipIf(!hasPython)("ends a run that takes too long, and the next one works", () =>
    Effect.gen(function*() {
      const { call } = yield* once
      const events = yield* call("a", { language: "python", timeoutS: 1, code: "print('begun')\nwhile True: pass" })
      assert.strictEqual(text(events, "stdout"), "begun\n")
      assert.strictEqual(events.at(-1)?.status, "failed")
      assert.match(String(events.at(-1)?.executionError), /timeout/)
      assert.strictEqual((yield* call("b", python("1"))).at(-1)?.status, "finished")
    }))

  const refused: ReadonlyArray<readonly [string, object, object, RegExp]> = [
    [
      "a language it does not know",
      { language: "cobol", code: "1" },
      {},
      /params\.language must be python, javascript/
    ],
    ["no code", { language: "python" }, {}, /params\.code must be/],
    ["empty code", { language: "python", code: "" }, {}, /params\.code must be non-empty source code/],
    ["a time limit that is none", { ...python("1"), timeoutS: 0 }, {}, /params\.timeoutS must be/],
    ["another method", python("1"), { method: "shell" }, /method must be "run_code"/],
    ["another mode", python("1"), { mode: "batch" }, /mode must be "stream"/],
    ["no parameters", python("1"), { params: null }, /params must be an object/]
  ]

  it.scoped("names what it cannot run, and stays", () =>
    Effect.gen(function*() {
      const { call, frames, send, until } = yield* once
      for (const [title, params, data, message] of refused) {
        const [error, ...rest] = yield* call(title.replaceAll(" ", "-"), params, data)
        assert.deepStrictEqual(rest, [])
        assert.deepInclude(error, { phase: "error", code: "InvalidParameter" })
        assert.match(String(error?.error), message)
      }
      for (const [id, data] of [["number", 7], ["text", "no JSON"], ["nothing", {}]]) {
        send({ invocationId: id, source: "SDK", target: "x", data })
        yield* until((frames) => frames.some(({ invocationId }) => invocationId === id))
        assert.match(String(frames.at(-1)?.data.error), /data must be an object|method must be present/)
      }
      assert.strictEqual((yield* call("good", javascript("1"))).at(-1)?.status, "finished")
    }))

  it.scoped("ends a run that its client cancels, and only that one", () =>
    Effect.gen(function*() {
      const { send, until } = yield* once
      const said = (id: string) => (frames: ReadonlyArray<Frame>) =>
        frames.some(({ data, invocationId }) => invocationId === id && data.chunk === "begun\n")
      send(start("a", javascript("console.log('begun'); await new Promise(() => setTimeout(() => {}, 1e9))")))
      yield* until(said("a"))
      send({ invocationId: "none", source: "SDK", data: { cancel: true } })
      send({ invocationId: "a", source: "SDK", data: { cancel: "true" } })
      send({ invocationId: "a", source: "SDK", data: JSON.stringify({ cancel: true }) })
      const frames = yield* until((frames) => frames.some(({ data }) => isLast(data)))
      assert.deepInclude(frames.at(-1), { invocationId: "a", target: "SDK" })
      assert.deepInclude(frames.at(-1)?.data, { phase: "error", code: "Cancelled" })
      send(start("b", javascript("6 * 7")))
      const after = yield* until((frames) =>
        frames.some(({ data, invocationId }) => invocationId === "b" && isLast(data))
      )
      assert.strictEqual(after.at(-1)?.data.status, "finished")
    }))

  it.scoped("takes data as JSON text as well", () =>
    Effect.gen(function*() {
      const { send, until } = yield* once
      send({ ...start("a", {}), data: JSON.stringify(start("a", javascript("console.log(1)")).data) })
      const frames = yield* until((frames) => frames.some(({ data }) => isLast(data)))
      assert.strictEqual(text(frames.map(({ data }) => data), "stdout"), "1\n")
    }))

  it.scoped("takes a call whose id is its requestId, and null for a time limit", () =>
    Effect.gen(function*() {
      const { send, until } = yield* once
      const { invocationId, ...rest } = start("a", { ...javascript("console.log(1)"), timeoutS: null })
      send({ ...rest, requestId: invocationId })
      const frames = yield* until((frames) => frames.some(({ data }) => isLast(data)))
      assert.deepStrictEqual([...new Set(frames.map(({ invocationId }) => invocationId))], ["a"])
      assert.strictEqual(text(frames.map(({ data }) => data), "stdout"), "1\n")
    }))

  it.scoped.skipIf(!hasPython)("tells of a long error in frames that any client takes", () =>
    Effect.gen(function*() {
      const { call, socket } = yield* once
      const sizes: Array<number> = []
      socket.on("message", (data: Buffer) => sizes.push(data.length))
      const long = "'\\0' + '🎈' * 200_000 + '\\0' * 300_000"
      const events = yield* call("a", python(`raise ValueError(${long} + 'end')`))
      assert.isBelow(Math.max(...sizes), 2 ** 20)
      const said = text(events, "stderr")
      assert.isTrue(said.includes("🎈".repeat(200_000)) && said.includes("\0".repeat(300_000)), "all of it, unbroken")
      const { executionError, status } = events.at(-1) ?? {}
      assert.strictEqual(status, "failed")
      assert.match(String(executionError), /^ValueError: \0(🎈)+\n\[error truncated after \d+ characters\]$/u)
    }))

  it.scoped("ignores what is no call, pings of both kinds included", () =>
    Effect.gen(function*() {
      const { call, frames, send, socket } = yield* once
      const deep = `{"invocationId":"deep","data":${"[".repeat(100_000)}`
      for (const noise of [{ type: "ping" }, "no JSON", "[]", "7", "null", { data: {} }, { invocationId: 7 }, deep]) {
        send(noise)
      }
      const pong = Effect.async<string>((resume) => {
        socket.once("pong", (data) => resume(Effect.succeed(data.toString())))
        socket.ping("are you there")
      })
      assert.strictEqual(yield* pong, "are you there")
      assert.strictEqual((yield* call("a", javascript("1"))).at(-1)?.status, "finished")
      assert.isTrue(frames.every(({ invocationId }) => invocationId === "a"))
    }))

  it.scoped("listens no further to a client that takes no answers", () =>
    Effect.gen(function*() {
      const { send, socket, until } = yield* once
      socket.pause()
      let sent = 0
      const frame = () =>
        JSON.stringify({ invocationId: String(sent += 1).padStart(128, "0"), data: {}, padding: "x".repeat(1500) })
      const batch = Effect.async<void>((resume) => {
        for (let index = 1; index < 100; index += 1) send(frame())
        socket.send(frame(), () => resume(Effect.void))
      })
      const isTaken = Effect.map(Effect.timeoutOption(batch, "2 seconds"), Option.isSome)
      assert.isFalse(yield* Effect.repeat(isTaken, { while: (taken) => taken, times: 400 }))
      socket.resume()
      yield* until((frames) => frames.length === sent)
    }))

  it.scoped.skipIf(!hasPython)("runs many calls on one socket, a hundred begun at once", () =>
    Effect.gen(function*() {
      const { frames, send, until } = yield* once
      const ids = Array.from({ length: 100 }, (_, index) => `call-${index}`)
      for (const [index, id] of ids.entries()) {
        send(start(id, { language: index % 2 === 0 ? "python" : "javascript", code: `${index} + 1` }))
      }
      yield* until((frames) => frames.filter(({ data }) => isLast(data)).length === 100)
      const results = ids.map((id) =>
        frames.filter(({ invocationId }) => invocationId === id).map(({ data }) =>
          data.result?.mime["text/plain"] ?? data.status
        )
      )
      assert.deepStrictEqual(results, ids.map((_, index) => [String(index + 1), "finished"]))
    }))

  it.scoped.skipIf(!hasPython)("leaves a call alone when its id comes again", () =>
    Effect.gen(function*() {
      const current = yield* session
      const { callTool } = yield* wire
      const { frames, send, until } = yield* talkTo(current)
      send(start("a", python(`${waitForGo}\n'first'`)))
      send(start("a", python("'second'")))
      send({ invocationId: "a", source: "SDK", target: "wuying_codespace", data: { more: 1 } })
      yield* until((frames) => frames.length === 1)
      assert.strictEqual(frames[0]?.invocationId, undefined)
      assert.deepInclude(frames[0]?.data, { phase: "error", code: "DuplicateInvocation" })
      yield* callTool(current, "write_file", { path: "/tmp/go", content: "" })
      yield* until((frames) => frames.length === 3)
      assert.strictEqual(frames[1]?.data.result?.mime["text/plain"], "'first'")
      assert.strictEqual(frames[2]?.data.status, "finished")
    }))

  it.scoped.skipIf(!hasPython)(
    "ends the run of a client that is gone, and the session stays",
    () =>
      Effect.gen(function*() {
        const current = yield* session
        const { callTool } = yield* wire
        const { send, socket, until } = yield* talkTo(current)
        send(start("a", python("kept = 1\nprint('begun', flush=True)\nwhile True: pass")))
        yield* until((frames) => frames.length > 0)
        socket.terminate()
        const next = yield* callTool(current, "run_code", { code: "'next'", language: "python", timeout_s: 20 })
        assert.strictEqual(toolAnswer(next).value.executionError, null)
      })
  )

  it.scoped.skipIf(!hasPython)("tells of the end of its session, and closes", () =>
    Effect.gen(function*() {
      const current = yield* session
      const { release } = yield* wire
      const { closed, frames, send, until } = yield* talkTo(current)
      const idle = yield* talkTo(current)
      for (const id of ["a", "b"]) send(start(id, python("print('begun', flush=True)\nwhile True: pass")))
      yield* until((frames) => frames.length > 0)
      yield* release(current)
      assert.strictEqual((yield* closed).code, 1001)
      assert.strictEqual((yield* idle.closed).code, 1001)
      for (const id of ["a", "b"]) {
        const last = frames.filter(({ data, invocationId }) => invocationId === id && isLast(data))
        assert.deepStrictEqual(last.map(({ data }) => data.code), ["InvalidMcpSession.NotFound"])
      }
    }))

  it.scoped.skipIf(!hasPython)("tells of a sandbox that died", () =>
    Effect.gen(function*() {
      const { call, closed } = yield* once
      const kill = "import os\nos.kill(os.getppid(), 9)\nwhile True: pass"
      const events = yield* call("a", python(kill))
      assert.deepInclude(events.at(-1), { phase: "error", code: "InvalidMcpSession.NotFound" })
      assert.strictEqual((yield* closed).code, 1001)
    }))

  it.scoped("speaks text alone, uncompressed", () =>
    Effect.gen(function*() {
      const { closed, socket } = yield* once
      assert.strictEqual(socket.extensions, "")
      socket.send(Buffer.from(JSON.stringify(start("a", javascript("1")))), { binary: true })
      assert.strictEqual((yield* closed).code, 1003)
    }))

  const handshakes: ReadonlyArray<
    readonly [string, number, (session: WireSession, other: WireSession) => readonly [string, Record<string, string>]]
  > = [
    ["no token", 401, ({ wsUrl }) => [wsUrl, {}]],
    ["a wrong token", 401, ({ token, wsUrl }) => [wsUrl, { "X-Access-Token": `${token}x` }]],
    ["the token of another session", 401, ({ wsUrl }, { token }) => [`${wsUrl}?token=${token}`, {}]],
    ["an Origin", 403, ({ token, wsUrl }) => [wsUrl, { "X-Access-Token": token, origin: "http://localhost" }]],
    ["another Host", 403, ({ token, wsUrl }) => [wsUrl, { "X-Access-Token": token, host: "evil.example" }]],
    ["no such session", 404, ({ token, wsUrl }) => [`${wsUrl}x`, { "X-Access-Token": token }]],
    ["another path", 404, ({ token, wsUrl }) => [wsUrl.replace("/ws/", "/"), { "X-Access-Token": token }]]
  ]

  it.effect("refuses a handshake in an envelope", () =>
    Effect.gen(function*() {
      const { apiKey } = yield* wire
      const [mine, other] = yield* Effect.all([session, session])
      for (const [title, status, attempt] of handshakes) {
        const [url, headers] = attempt(mine, other)
        const refused = yield* refusedHandshake(url, { authorization: `Bearer ${apiKey}`, ...headers })
        assert.deepStrictEqual([title, refused.status], [title, status])
        assert.deepInclude(refused.json, { success: false, httpStatusCode: status })
        assert.isNotEmpty(refused.json?.requestId)
      }
    }))

  it.scoped("takes the token in the address as well", () =>
    Effect.gen(function*() {
      const { token, wsUrl } = yield* session
      const { call } = yield* talk(`${wsUrl}?token=${token}`)
      assert.strictEqual((yield* call("a", javascript("1"))).at(-1)?.status, "finished")
    }))
})

const small = {
  server: {
    frameBytes: 4096,
    socketsPerSession: 2,
    callsPerSocket: 2,
    unsentBytes: 65_536,
    heartbeat: "250 millis"
  }
} as const

const flood = "import os\ndone = 0\nwhile True:\n  done += os.write(1, b'x' * 65536)\n" +
  "  with open(os.environ['TMPDIR'] + '/done', 'w') as file: _ = file.write(str(done))"

layer(serverLayer(small), { excludeTestServices: true })("a WebSocket of a small server", (it) => {
  it.scoped("closes with 1009 after a message that is too large", () =>
    Effect.gen(function*() {
      const { closed, send } = yield* once
      send(start("a", javascript("#".repeat(5000))))
      assert.strictEqual((yield* closed).code, 1009)
    }))

  it.scoped("is refused when the session has too many", () =>
    Effect.gen(function*() {
      const current = yield* session
      yield* talkTo(current)
      const second = yield* talkTo(current)
      const refused = yield* refusedHandshake(current.wsUrl, { "X-Access-Token": current.token })
      assert.strictEqual(refused.status, 429)
      second.socket.terminate()
      const isFree = Effect.map(
        refusedHandshake(current.wsUrl, { "X-Access-Token": current.token }),
        ({ status }) => status === 101
      )
      assert.isTrue(yield* Effect.repeat(Effect.delay(isFree, "20 millis"), { until: (free) => free, times: 100 }))
    }))

  it.scoped.skipIf(!hasPython)("keeps a session that is at work from being idle", () =>
    Effect.gen(function*() {
      const { post } = yield* wire
      const current = sessionOf(yield* post("/mcp/createSession?imageId=agb-browser-use-1", { timeout: 1 }))
      const { call } = yield* talkTo(current)
      const events = yield* call("a", python("import time\nfor _ in range(5):\n  time.sleep(0.6)\n  print('on')"))
      assert.strictEqual(events.at(-1)?.status, "finished")
    }))

  it.scoped.skipIf(!hasPython)("refuses a call when too many run", () =>
    Effect.gen(function*() {
      const { call, send } = yield* once
      for (const id of ["a", "b"]) send(start(id, python("while True: pass")))
      assert.deepInclude((yield* call("c", python("1")))[0], { phase: "error", code: "Throttling.Calls" })
    }))

  it.scoped("outlives many heartbeats while its client answers them", () =>
    Effect.gen(function*() {
      const { call, socket } = yield* once
      yield* Effect.async<void>((resume) => {
        let pings = 0
        socket.on("ping", () => (pings += 1) === 4 && resume(Effect.void))
      })
      assert.strictEqual((yield* call("a", javascript("1"))).at(-1)?.status, "finished")
    }))

  it.scoped("is cut when its client gives no sign of life", () =>
    Effect.gen(function*() {
      const { token, wsUrl } = yield* session
      const silent = new WebSocket(wsUrl, { headers: { "X-Access-Token": token }, autoPong: false })
      const code = yield* Effect.async<number>((resume) => {
        silent.once("close", (code) => resume(Effect.succeed(code)))
      })
      assert.strictEqual(code, 1006)
    }))
})

const patient = { server: { unsentBytes: 65_536, heartbeat: "1 second" } } as const

layer(serverLayer(patient), { excludeTestServices: true })("a WebSocket with a slow reader", (it) => {
  it.scoped.skipIf(!hasPython)(
    "holds a flood back until its reader is cut, and frees what it held",
    () =>
      Effect.gen(function*() {
        const current = yield* session
        const { callTool } = yield* wire
        const { send, socket, until } = yield* talkTo(current)
        const before = process.memoryUsage().rss
        send(start("a", { language: "python", timeoutS: 600, code: flood }))
        yield* until((frames) => frames.length > 0)
        socket.pause()
        // Waits for the kernel, which is busy until the reader is cut.
        const next = yield* callTool(current, "run_code", { code: "'next'", language: "python", timeout_s: 20 })
        assert.strictEqual(toolAnswer(next).value.executionError, null)
        const written = toolAnswer(yield* callTool(current, "read_file", { path: "/tmp/done" })).text
        assert.isBelow(Number(written), 32 * 2 ** 20)
        assert.isBelow(process.memoryUsage().rss - before, 128 * 2 ** 20)
      })
  )
})
