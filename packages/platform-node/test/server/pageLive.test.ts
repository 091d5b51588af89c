/** What a page is told of its session, while it happens and of what has happened. */
import { Agb, Session } from "@effect-agb/core"
import { assert, layer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { Json, LiveSocket, OpenPage } from "../support/pageClient.js"
import { openPage } from "../support/pageClient.js"
import { best, layerWith } from "../support/runtime.js"

const params = { imageId: "agb-code-space-1" }

const go = <A>(work: () => Promise<A>) => Effect.promise(work)

const pageOf = (session: Session.Session) =>
  Effect.flatMap(session.info, ({ resourceUrl }) => go(() => openPage(resourceUrl)))

const liveOf = (page: OpenPage, from?: number) =>
  Effect.gen(function*() {
    const live = yield* go(() => page.live(from))
    yield* Effect.addFinalizer(() => Effect.sync(() => live.socket.terminate()))
    return live
  })

const hello = (live: LiveSocket) => go(() => live.next(({ type }) => type === "hello"))

/** An entry, once it has begun, by its title. */
const began = (live: LiveSocket, title: string | RegExp) =>
  Effect.map(
    go(() => live.next((frame) => frame["type"] === "entry" && String(frame["entry"].title).match(title) !== null)),
    (frame): Json => frame["entry"]
  )

/** An entry, once it is told as something: by itself, or to a page that was behind. */
const told = (live: LiveSocket, title: string, isSo: (entry: Json) => boolean) => {
  const entryOf = ({ entries = [], entry }: Json): Json | undefined =>
    [entry, ...entries].find((one: Json | undefined) => one?.["title"] === title && isSo(one))
  return Effect.map(go(() => live.next((frame) => entryOf(frame) !== undefined)), (frame) => entryOf(frame) as Json)
}

const ended = (live: LiveSocket, id: string) =>
  go(() => live.next((frame) => frame["type"] === "end" && frame["id"] === id))

const outputOf = (frames: ReadonlyArray<Json>, id: string, stream: string) =>
  frames.filter((frame) => frame["type"] === "output" && frame["id"] === id && frame["stream"] === stream)
    .map(({ text }) => text).join("")

const textOf = (outputs: ReadonlyArray<Json>, name: string) =>
  outputs.filter(({ stream }) => stream === name).map(({ text }) => text).join("")

layer(layerWith(best), { excludeTestServices: true })("a session's page", (it) => {
  it.scoped("tells what has run before it was opened: code, commands and files, with their outcome", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      yield* session.command.executeCommand("echo out; echo err >&2; exit 3", { acceptExitCodes: [3], cwd: "/tmp" })
      yield* session.code.runCode("print('hello')\n6 * 7", "python")
      yield* Effect.ignore(session.code.runCode("print('x')\nraise ValueError('no')", "python"))
      yield* session.fileSystem.writeFile("/tmp/a.txt", "abc")
      yield* Effect.ignore(session.fileSystem.readFile("/tmp/none.txt"))
      const live = yield* liveOf(yield* pageOf(session))
      const { dropped, entries, isReset, session: view } = yield* hello(live)
      assert.isTrue(isReset)
      assert.strictEqual(dropped, 0)
      assert.strictEqual(view.sessionId, session.sessionId)
      const [command, code, failed, written, missing] = entries as ReadonlyArray<Json>
      assert.deepInclude(command, {
        kind: "command",
        title: "echo out; echo err >&2; exit 3",
        cwd: "/tmp",
        state: "failed",
        exitCode: 3,
        by: "client"
      })
      assert.deepStrictEqual(command?.["outputs"], [
        { stream: "stdout", text: "out\n" },
        { stream: "stderr", text: "err\n" }
      ])
      assert.match(command?.["requestId"], /^[\dA-F-]{36}$/)
      assert.deepInclude(code, { kind: "code", language: "python", state: "succeeded", error: null })
      assert.deepStrictEqual(code?.["results"], [
        { mime: { "text/plain": "42" }, isMain: true, omitted: [], frame: null }
      ])
      assert.strictEqual(failed?.["state"], "failed")
      assert.deepInclude(failed?.["error"], { name: "ValueError", message: "no" })
      assert.include(failed?.["error"].traceback, "ValueError")
      assert.deepStrictEqual(failed?.["outputs"], [{ stream: "stdout", text: "x\n" }])
      assert.deepInclude(written, { kind: "file", title: "Write /tmp/a.txt", path: "/tmp/a.txt", text: "abc" })
      assert.deepInclude(missing, { title: "Read /tmp/none.txt", state: "failed" })
      assert.include(missing?.["error"].message, "ENOENT")
    }))

  it.scoped("tells what a command and code print while they run, in the order in which they do", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const live = yield* liveOf(yield* pageOf(session))
      yield* hello(live)
      // The command waits for the page to have seen what it has printed.
      yield* Effect.fork(
        session.command.executeCommand("echo one; until [ -e go ]; do sleep 0.02; done; echo two >&2; echo three")
      )
      const { id } = yield* began(live, /^echo one/)
      yield* go(() =>
        live.next((frame) => frame["type"] === "output" && frame["id"] === id && frame["text"] === "one\n")
      )
      assert.isUndefined(live.frames.find((frame) => frame["type"] === "end" && frame["id"] === id))
      yield* session.fileSystem.writeFile("/home/user/go", "")
      const end = yield* ended(live, id)
      assert.deepInclude(end, { state: "succeeded", exitCode: 0 })
      assert.isAtLeast(end["durationMs"], 1)
      const printed = live.frames.filter((frame) => frame["type"] === "output" && frame["id"] === id)
      assert.deepStrictEqual(printed.map(({ text }) => text), ["one\n", "two\n", "three\n"])
      const code = yield* session.code.runCode("import sys\nprint('ä' * 10)\nsys.stderr.write('b')\n1 / 0", "python")
        .pipe(
          Effect.ignore,
          Effect.zipRight(began(live, /^import sys/))
        )
      const failed = yield* ended(live, code["id"])
      assert.strictEqual(outputOf(live.frames, code["id"], "stdout"), `${"ä".repeat(10)}\n`)
      assert.strictEqual(failed["error"].name, "ZeroDivisionError")
    }))

  it.scoped("tells much at once in few messages", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const live = yield* liveOf(yield* pageOf(session))
      yield* hello(live)
      let messages = 0
      live.socket.on("message", () => messages++)
      const before = live.frames.length
      yield* Effect.forEach(Array.from({ length: 100 }), (_, index) => session.fileSystem.exists(`/tmp/${index}`), {
        concurrency: "unbounded",
        discard: true
      })
      yield* go(() => live.next((frame) => frame["type"] === "end" && frame["id"] === "e100"))
      assert.isAtLeast(live.frames.length - before, 200)
      assert.isBelow(messages, 100)
    }))

  it.scoped("tells the results of a streamed run as they come, and of a run as a whole at its end", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const live = yield* liveOf(yield* pageOf(session))
      yield* hello(live)
      const source = "from IPython.display import display, HTML\ndisplay(HTML('<b>1</b>'))\nprint('x')\n'last'"
      yield* Stream.runDrain(session.code.runCodeStream(source, "python"))
      const { id } = yield* began(live, /^from IPython/)
      const end = yield* ended(live, id)
      assert.isUndefined(end["results"])
      const results = live.frames.filter((frame) => frame["type"] === "result" && frame["id"] === id)
      assert.deepStrictEqual(results.map(({ result }) => result.mime["text/html"] ?? result.mime["text/plain"]), [
        "<b>1</b>",
        "'last'"
      ])
      assert.strictEqual(results[0]?.["result"].frame, `/frames/${id}-0`)
      yield* session.code.runCode(`${source} + 'whole'`, "python")
      const whole = yield* go(() => live.next((frame) => frame["type"] === "end" && frame["results"] !== undefined))
      assert.deepStrictEqual(whole["results"].map((result: Json) => result["frame"]), [
        `/frames/${whole["id"]}-0`,
        null
      ])
    }))

  it.scoped("serves what a session displays as HTML to a frame of no origin", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const page = yield* pageOf(session)
      const html = "<script>parent.document.title = 'x'</script>"
      yield* session.code.runCode(`from IPython.display import HTML\nHTML(${JSON.stringify(html)})`, "python")
      const framed = yield* go(() => page.get("/frames/e1-0"))
      assert.strictEqual(framed.status, 200)
      assert.include(framed.text, html)
      const csp = String(framed.headers["content-security-policy"])
      assert.match(csp, /^sandbox allow-scripts; default-src 'none'; /)
      assert.notInclude(csp, "allow-same-origin")
      assert.include(csp, "connect-src 'none'")
      assert.include(csp, `frame-ancestors http://${page.host}`)
      assert.strictEqual(framed.headers["content-type"], "text/html; charset=utf-8")
      assert.strictEqual((yield* go(() => page.get("/frames/e1-1"))).status, 404)
      // And the document that becomes what a page sends it.
      const sent = yield* go(() => page.get("/frames/sent"))
      assert.strictEqual(sent.headers["content-security-policy"], csp)
    }))

  it.scoped("tells what the SDK's scripts do, not how, and leaves out what only looks", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const process = yield* session.command.startDetached("echo \"it's up\"; sleep 60", { key: "server" })
      yield* process.waitForLog(/up/)
      yield* process.kill("SIGUSR1")
      yield* process.stop
      yield* session.command.listProcesses
      yield* session.fileSystem.writeFile("/tmp/a.txt", "abc")
      yield* session.fileSystem.copy("/tmp/a.txt", "/tmp/b.txt")
      yield* session.fileSystem.remove("/tmp/b.txt")
      yield* Effect.scoped(session.terminal.open("cat"))
      yield* session.metrics
      const live = yield* liveOf(yield* pageOf(session))
      const { entries } = yield* hello(live)
      assert.deepStrictEqual((entries as ReadonlyArray<Json>).map(({ kind, title }) => `${kind}: ${title}`), [
        "process: Start the process server: echo \"it's up\"; sleep 60",
        "process: Send SIGUSR1 to the process server",
        "process: End the process server",
        "file: Write /tmp/a.txt",
        "file: Copy /tmp/a.txt",
        "file: Delete /tmp/b.txt",
        "process: Open a terminal: cat",
        "process: End a process"
      ])
      for (const { error, outputs, title } of entries) {
        assert.deepStrictEqual({ error, outputs }, { error: null, outputs: [] }, title)
      }
    }))

  it.scoped("goes on after a lost connection in the middle of a run", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const page = yield* pageOf(session)
      const [first, other] = [yield* liveOf(page), yield* liveOf(page)]
      yield* hello(first)
      yield* session.command.executeCommand("echo before")
      const wait = (name: string) => `until [ -e ${name} ]; do sleep 0.02; done`
      yield* Effect.fork(
        session.command.executeCommand(`echo one; ${wait("go")}; echo two; ${wait("on")}; echo three`)
      )
      const { id } = yield* began(first, /^echo one/)
      const printed = (live: LiveSocket, text: string) =>
        go(() => live.next((frame) => frame["type"] === "output" && frame["id"] === id && frame["text"] === text))
      const { seq } = yield* printed(first, "one\n")
      first.socket.terminate()
      yield* go(() => first.closed)
      yield* session.fileSystem.writeFile("/home/user/go", "")
      yield* printed(other, "two\n")
      const second = yield* liveOf(page, seq)
      const { entries, isReset, seq: from } = yield* hello(second)
      // What has changed since, and no more.
      assert.isFalse(isReset)
      assert.deepStrictEqual((entries as ReadonlyArray<Json>).map(({ kind }) => kind), ["command", "file"])
      assert.strictEqual(textOf(entries[0].outputs, "stdout"), "one\ntwo\n")
      yield* session.fileSystem.writeFile("/home/user/on", "")
      yield* ended(second, id)
      assert.strictEqual(outputOf(second.frames, id, "stdout"), "three\n")
      const numbers = second.frames.flatMap((frame) =>
        frame["type"] === "hello" || frame["seq"] === undefined ? [] : [frame["seq"]]
      )
      assert.deepStrictEqual(numbers, numbers.map((_, index) => from + 1 + index))
      // A reload gets everything.
      const third = yield* liveOf(page)
      const { entries: all } = yield* hello(third)
      const entry = (all as ReadonlyArray<Json>).find((entry) => entry["id"] === id)
      assert.strictEqual(textOf(entry?.["outputs"], "stdout"), "one\ntwo\nthree\n")
      const unknown = yield* liveOf(page, 1_000_000)
      assert.isTrue((yield* hello(unknown))["isReset"])
    }))

  it.scoped("keeps a bounded number of entries, the newest, and says how many it has forgotten", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const calls = 2000
      yield* Effect.forEach(
        Array.from({ length: calls }),
        (_, index) => session.fileSystem.exists(`/tmp/${index}`),
        { concurrency: 16, discard: true }
      )
      const live = yield* liveOf(yield* pageOf(session))
      const { dropped, entries } = yield* hello(live)
      assert.lengthOf(entries, 500)
      assert.strictEqual(dropped, calls - 500)
    }))

  it.scoped("keeps the newest of much output, and no more of a result than fits", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      yield* session.command.executeCommand("seq 100000")
      yield* session.code.runCode("'x' * 3_000_000", "python")
      yield* session.code.runCode("'y' * 6_000_000", "python")
      yield* Stream.runDrain(session.code.runCodeStream("'z' * 6_000_000", "python"))
      const live = yield* liveOf(yield* pageOf(session))
      const { entries } = yield* hello(live)
      const [, unread, large, streamed] = entries as ReadonlyArray<Json>
      // Long replies are read by a thread, and told when they are.
      assert.deepStrictEqual(unread?.["results"], [])
      const printed = yield* told(live, "seq 100000", ({ outputs }) => outputs.length > 0)
      const kept = yield* told(live, "'x' * 3_000_000", ({ results }) => results.length > 0)
      const text = textOf(printed["outputs"], "stdout")
      assert.isTrue(text.endsWith("99999\n100000\n"), text.slice(-100))
      assert.isAtMost(text.length, 256 * 1024)
      assert.strictEqual(text.length + printed["omittedBytes"], 588_895)
      assert.strictEqual(kept["results"][0].mime["text/plain"].length, 3_000_002)
      assert.deepStrictEqual(large?.["results"], [])
      assert.isAtLeast(large?.["omittedBytes"], 6_000_000)
      const [omitted] = streamed?.["results"][0].omitted ?? []
      assert.strictEqual(omitted?.mime, "*/*")
      assert.isAtLeast(omitted?.bytes, 6_000_000)
    }))

  it.scoped("tells how the session is used, and does not use it", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const page = yield* pageOf(session)
      const live = yield* liveOf(page)
      const metrics = yield* go(() => live.next(({ type }) => type === "metrics"))
      for (const name of ["at", "memoryBytes", "memoryLimitBytes", "diskBytes", "diskLimitBytes"]) {
        assert.isAbove(metrics[name], -1, name)
      }
      const idle = yield* go(() => live.next(({ type }) => type === "idle"))
      assert.isAtMost(idle["secondsLeft"], 300)
      for (const path of ["/", "/api/session", "/api/files?path=/", "/api/file?path=/etc/hostname", "/api/processes"]) {
        yield* go(() => page.get(path))
      }
      const again = yield* liveOf(page)
      assert.deepStrictEqual((yield* hello(again))["entries"], [])
    }))
})

layer(layerWith(best, { idleTimeout: "3 seconds" }), { excludeTestServices: true })("a page that is open", (it) => {
  it.scoped("does not keep the session from ending when it is idle", () =>
    Effect.gen(function*() {
      const { client } = yield* Agb.Agb
      const { sessionId, resourceUrl = "" } = yield* client.createSession({ imageId: params.imageId })
      assert.isString(sessionId)
      const page = yield* go(() => openPage(resourceUrl))
      const live = yield* liveOf(page)
      yield* hello(live)
      const asking = yield* Effect.fork(
        Effect.forever(Effect.zipRight(go(() => page.get("/api/processes")), Effect.sleep("200 millis")))
      )
      const { reason } = yield* go(() => live.next(({ type }) => type === "ended"))
      assert.strictEqual(reason, "it was not used for its idle timeout")
      asking.unsafeInterruptAsFork(asking.id())
    }))
})

const mebibyte = 2 ** 20

const collect = () => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
}

/** What the process holds in memory, without what it could give back. */
const heldBytes = (): number => {
  collect()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

layer(layerWith(best, { limits: { outputBytes: 16 * mebibyte }, server: { heartbeat: "10 minutes" } }), {
  excludeTestServices: true
})("a flood of output", (it) => {
  it.scoped("holds nothing up where a page sleeps, and takes no memory", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const page = yield* pageOf(session)
      const [asleep, awake] = [yield* liveOf(page), yield* liveOf(page)]
      yield* hello(asleep)
      asleep.socket.pause()
      // What this test would keep of it.
      awake.socket.on("message", () => awake.frames.splice(0, awake.frames.length - 10))
      yield* session.code.runCode("1", "python")
      const before = heldBytes()
      const flood = "for n in range(15 * 1024): print('%08d' % n + 'x' * 1015)"
      for (let runs = 0; runs < 5; runs++) yield* Stream.runDrain(session.code.runCodeStream(flood, "python"))
      yield* Stream.runDrain(session.code.runCodeStream("print('the last line')", "python"))
      // As output, or to a page that was behind with its entry.
      const isTold = ({ entries = [], text }: Json) =>
        text === "the last line\n" ||
        entries.some(({ outputs }: Json) => textOf(outputs, "stdout") === "the last line\n")
      yield* go(() => awake.next(isTold))
      // What is still on its way is garbage soon.
      const held = yield* Effect.sync(() => heldBytes() - before).pipe(
        Effect.delay("100 millis"),
        Effect.repeat({ until: (bytes) => bytes < 24 * mebibyte, times: 100 })
      )
      assert.isBelow(held, 24 * mebibyte)
      asleep.socket.resume()
      yield* go(() => asleep.next(isTold))
      assert.isBelow(asleep.frames.length, 1000)
    }), 240_000)
})
