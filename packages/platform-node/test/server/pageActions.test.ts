/** What a person does with a session on its page: code, commands, files, processes, a terminal, and its end. */
import { Agb, Session } from "@effect-agb/core"
import { assert, layer } from "@effect/vitest"
import { Chunk, Effect, Stream } from "effect"
import { setTimeout as sleep } from "node:timers/promises"
import { type Json, type LiveSocket, liveSocket, type OpenPage, openPage } from "../support/pageClient.js"
import { best, layerWith } from "../support/runtime.js"

const params = { imageId: "agb-code-space-1" }

const go = <A>(work: () => Promise<A>) => Effect.promise(work)

const pageOf = (session: Session.Session) => go(() => openPage(session.resourceUrl))

const liveOf = (page: OpenPage) =>
  Effect.gen(function*() {
    const live = yield* go(() => page.live())
    yield* Effect.addFinalizer(() => Effect.sync(() => live.socket.terminate()))
    yield* go(() => live.next(({ type }) => type === "hello"))
    return live
  })

const ended = (live: LiveSocket, id: string) =>
  go(() => live.next((frame) => frame["type"] === "end" && frame["id"] === id))

const terminalOf = (page: OpenPage) =>
  Effect.gen(function*() {
    const port = Number(page.host.split(":")[1])
    const headers = { cookie: page.cookie, origin: `http://${page.host}` }
    const terminal = yield* go(() => liveSocket(port, page.host, "/api/terminal?columns=70&rows=20", headers))
    yield* Effect.addFinalizer(() => Effect.sync(() => terminal.socket.terminate()))
    const screen = () => Buffer.concat(terminal.frames.map(({ bytes }) => bytes as Buffer)).toString()
    return { ...terminal, shows: (text: string) => go(() => terminal.next(() => screen().includes(text))), screen }
  })

const until = async <A>(ask: () => Promise<A>, isGood: (answer: A) => boolean): Promise<A> => {
  for (;;) {
    const answer = await ask()
    if (isGood(answer)) return answer
    await sleep(50)
  }
}

layer(layerWith(best), { excludeTestServices: true })("on a session's page", (it) => {
  it.scoped("code runs in the kernel of the client, and a command beside it", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      yield* session.code.runCode("x = 41", "python")
      const page = yield* pageOf(session)
      const live = yield* liveOf(page)
      const run = yield* go(() => page.send("POST", "/api/run", { language: "python", code: "x += 1\nx" }))
      assert.strictEqual(run.status, 202)
      const { id } = run.json<{ id: string }>()
      yield* ended(live, id)
      const begun = live.frames.find((frame) => frame["type"] === "entry" && frame["entry"].id === id)
      assert.deepInclude(begun?.["entry"], { by: "page", kind: "code", language: "python" })
      const result = live.frames.find((frame) => frame["type"] === "result" && frame["id"] === id)
      assert.deepStrictEqual(result?.["result"].mime, { "text/plain": "42" })
      assert.strictEqual((yield* session.code.runCode("x", "python")).text, "42")
      const command = yield* go(() => page.send("POST", "/api/command", { command: "pwd; exit 4", cwd: "/tmp" }))
      const end = yield* ended(live, command.json<{ id: string }>().id)
      assert.strictEqual(end["exitCode"], 4)
      const unknown = yield* go(() => page.send("POST", "/api/run", { language: "cobol", code: "" }))
      assert.strictEqual(unknown.status, 400)
    }))

  it.scoped("files are listed, read, written with their parents, and deleted, whatever their names", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const page = yield* pageOf(session)
      const name = "Ünï \"q\" 100% ☃.bin"
      const target = `/api/file?path=${encodeURIComponent(`/tmp/new/deep/${name}`)}`
      const content = Buffer.alloc(3_000_000, "agb")
      assert.deepStrictEqual((yield* go(() => page.send("PUT", target, content))).json(), { size: content.length })
      yield* session.command.executeCommand("ln -s /etc/hostname link; mkdir folder", { cwd: "/tmp/new" })
      const listed = (yield* go(() => page.get("/api/files?path=/tmp/new"))).json()
      assert.deepStrictEqual(listed["entries"].map((entry: Json) => [entry["name"], entry["type"]]), [
        ["deep", "directory"],
        ["folder", "directory"],
        ["link", "symlink"]
      ])
      const deep = (yield* go(() => page.get("/api/files?path=/tmp/new/deep"))).json()["entries"][0]
      assert.deepInclude(deep, { name, type: "file", size: content.length })
      assert.closeTo(deep.modifiedAt, Date.now(), 600_000)
      const read = yield* go(() => page.get(`${target}&download=1`))
      assert.isTrue(read.bytes.equals(content))
      assert.strictEqual(read.headers["x-file-size"], String(content.length))
      const disposition = read.headers["content-disposition"] ?? ""
      assert.match(disposition, /^attachment; filename="[\w.-]+"; filename\*=UTF-8''/)
      assert.strictEqual(decodeURIComponent(disposition.split("''")[1] ?? ""), name)
      const part = yield* go(() => page.get(`${target}&limit=10`))
      assert.strictEqual(part.text, "agbagbagba")
      assert.strictEqual(part.headers["x-file-size"], String(content.length))
      assert.strictEqual((yield* go(() => page.send("DELETE", "/api/file?path=/tmp/new"))).status, 200)
      assert.isFalse(yield* session.fileSystem.exists("/tmp/new"))
      assert.strictEqual((yield* go(() => page.get(target))).status, 404)
      assert.strictEqual((yield* go(() => page.get("/api/files?path=/nowhere"))).status, 404)
      assert.strictEqual((yield* go(() => page.get("/api/file?path=/tmp"))).status, 409)
      const live = yield* go(() => page.live())
      const { entries } = yield* go(() => live.next(({ type }) => type === "hello"))
      live.socket.terminate()
      const own = (entries as ReadonlyArray<Json>).filter(({ by }) => by === "page")
      assert.deepStrictEqual(own.map(({ kind, title }) => [kind, title]), [
        ["file", `Write /tmp/new/deep/${name}`],
        ["file", "Delete /tmp/new"]
      ])
    }))

  it.scoped("processes are listed with their logs, and killed", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const page = yield* pageOf(session)
      const process = yield* session.command.startDetached("echo out; echo err >&2; sleep 600", { key: "web:1" })
      yield* process.waitForLog(/err/)
      yield* session.command.executeCommand("sleep 601 >/dev/null 2>&1 &")
      const list = async () => (await page.get("/api/processes")).json<{ processes: ReadonlyArray<Json> }>().processes
      const listed = yield* go(list)
      const web = listed.find(({ id }) => id === "web:1")
      assert.deepInclude(web, { state: "running", pid: process.pid, exitCode: null, hasLogs: true })
      assert.strictEqual(web?.["command"], "echo out; echo err >&2; sleep 600")
      assert.closeTo(web?.["startedAt"], Date.now(), 600_000)
      const other = listed.find(({ command }) => command === "sleep 601")
      assert.deepInclude(other, { state: "running", hasLogs: false })
      // Nothing of the runtime and of the SDK.
      assert.deepStrictEqual(listed.map(({ command }) => command).sort(), [web?.["command"], "sleep 601"].sort())
      const logs = (yield* go(() => page.get("/api/processes/web%3A1/logs"))).json()
      assert.deepStrictEqual(logs["chunks"], [{ stream: "stdout", text: "out\n" }, { stream: "stderr", text: "err\n" }])
      assert.isFalse(logs["isEnd"])
      const more = (yield* go(() => page.get(`/api/processes/web%3A1/logs?from=${logs["cursor"]}`))).json()
      assert.deepStrictEqual(more, { chunks: [], cursor: logs["cursor"], isEnd: false })
      for (const id of ["web%3A1", encodeURIComponent(String(other?.["id"]))]) {
        const killed = yield* go(() => page.send("POST", `/api/processes/${id}/kill`, { signal: "SIGKILL" }))
        assert.strictEqual(killed.status, 200, killed.text)
      }
      const after = yield* go(() => until(list, (all) => all.every(({ state }) => state !== "running")))
      assert.deepInclude(after.find(({ id }) => id === "web:1"), { state: "exited", exitCode: 137, signal: "SIGKILL" })
      assert.isTrue((yield* go(() => page.get(`/api/processes/web%3A1/logs?from=${logs["cursor"]}`))).json()["isEnd"])
      assert.strictEqual((yield* go(() => page.send("POST", "/api/processes/none/kill", {}))).status, 404)
      assert.strictEqual(
        (yield* go(() => page.send("POST", "/api/processes/~1/kill", { signal: "; rm -rf ~" }))).status,
        400
      )
    }))

  it.scoped("a terminal is typed into, resized, and ended with its window", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      const page = yield* pageOf(session)
      const terminal = yield* terminalOf(page)
      terminal.socket.send(Buffer.from("stty size; echo ma''rk\r"))
      yield* terminal.shows("mark")
      assert.include(terminal.screen(), "20 70")
      terminal.socket.send(JSON.stringify({ columns: 99, rows: 33 }))
      terminal.socket.send(Buffer.from("stty size; sleep 602 & echo on''e\r"))
      yield* terminal.shows("one")
      assert.include(terminal.screen(), "33 99")
      const { processes } = (yield* go(() => page.get("/api/processes"))).json<{ processes: ReadonlyArray<Json> }>()
      for (const { command } of processes) assert.notInclude(command, "import ")
      const running = Effect.map(session.command.executeCommand("pgrep -fc '[s]leep 602' || true"), ({ stdout }) =>
        stdout)
      assert.strictEqual(yield* running, "1\n")
      terminal.socket.close()
      yield* Effect.repeat(running, {
        until: (count) =>
          count === "0\n"
      })
      const second = yield* terminalOf(page)
      second.socket.send(Buffer.from("exit\r"))
      assert.deepStrictEqual(yield* go(() => second.closed), { code: 1000, reason: "the shell has ended" })
    }))

  it.scoped("steering is use of the session, and looking is not", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ ...params, idleTimeout: "10 minutes" })
      const page = yield* pageOf(session)
      const left = Effect.map(go(() => page.get("/api/session")), (reply): number => reply.json()["idleSecondsLeft"])
      yield* Effect.repeat(left, { until: (seconds) => seconds < 600 })
      yield* go(() => page.get("/api/files?path=/"))
      assert.isBelow(yield* left, 600)
      const kept = yield* go(() => page.send("POST", "/api/keep-alive"))
      assert.deepStrictEqual(kept.json(), { idleSecondsLeft: 600 })
    }))

  it.scoped("the session is ended, and its client told", () =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const { resourceUrl = "", sessionId } = yield* agb.client.createSession({ imageId: params.imageId })
      const page = yield* go(() => openPage(resourceUrl))
      const terminal = yield* terminalOf(page)
      assert.strictEqual((yield* go(() => page.send("DELETE", "/api/session"))).status, 202)
      assert.include([1001, 1000, 1006], (yield* go(() => terminal.closed)).code)
      const ids = Chunk.toReadonlyArray(yield* Stream.runCollect(Stream.map(agb.list(), (one) => one.sessionId)))
      assert.notInclude(ids, sessionId)
    }))
})
