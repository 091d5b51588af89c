/** What a page is told of its session, while it happens. */
import { Session } from "@effect-agb/core"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { openPage } from "../support/pageClient.js"
import { best, layerWith } from "../support/runtime.js"

const params = { imageId: "agb-code-space-1" }

layer(layerWith(best), { excludeTestServices: true })("a session's page", (it) => {
  it.scoped("has all that has run, and tells what runs", () =>
    Effect.gen(function*() {
      const session = yield* Session.make(params)
      yield* session.command.executeCommand("echo before; exit 3", { acceptExitCodes: [3] })
      yield* session.code.runCode("print('hello')\n6 * 7", "python")
      const page = yield* Effect.promise(() => openPage(session.resourceUrl))
      const live = yield* Effect.promise(() => page.live())
      const hello = yield* Effect.promise(() => live.next(({ type }) => type === "hello"))
      console.dir(hello, { depth: 6 })
      yield* session.command.executeCommand("echo one; sleep 0.5; echo two >&2; exit 0")
      yield* session.code.runCode("from IPython.display import HTML\nprint('x')\nHTML('<b>1</b>')", "python")
      yield* session.fileSystem.writeFile("/tmp/a.txt", "abc")
      const process = yield* session.command.startDetached("sleep 5; echo done", { key: "build" })
      yield* process.kill()
      const processes = yield* Effect.promise(() => page.get("/api/processes"))
      console.dir(processes.json(), { depth: 6 })
      const files = yield* Effect.promise(() => page.get("/api/files?path=/tmp"))
      console.dir(files.json(), { depth: 6 })
      const ran = yield* Effect.promise(() => page.send("POST", "/api/run", { language: "python", code: "print(1)" }))
      console.log(ran.status, ran.text)
      const com = yield* Effect.promise(() => page.send("POST", "/api/command", { command: "echo hi" }))
      console.log(com.status, com.text)
      yield* Effect.promise(() => live.next(({ type, id }) => type === "end" && id === com.json().id))
      yield* Effect.promise(() => live.next(({ type }) => type === "metrics"))
      console.dir(live.frames.slice(1), { depth: 6 })
      console.log((yield* Effect.promise(() => page.get("/api/session"))).text)
      console.log((yield* Effect.promise(() => page.send("DELETE", "/api/session"))).text)
      console.log(yield* Effect.promise(() => live.closed), live.frames.at(-1))
      console.log((yield* Effect.promise(() => page.get("/"))).status)
    }), 60_000)
})
