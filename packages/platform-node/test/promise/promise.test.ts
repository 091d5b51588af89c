/** The promise face on the cloud in memory: what aborting, disposing and failing servers leave behind, which is nothing. */
import { Agb, AgbApi, type AgbError, type CreateSessionParams, Program } from "@effect-agb/core"
import { secrets } from "@effect-agb/core/AgbTest"
import { AGB, Session } from "@effect-agb/platform-node/AgbPromise"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { setTimeout as pause } from "node:timers/promises"
import * as fakes from "../support/fakeAgb.js"
import * as faults from "../support/faults.js"
import { commands, python } from "../support/programs.js"
import { layerVirtualClock } from "../support/virtualClock.js"

const params = { imageId: "agb-code-space-1" }

interface World {
  readonly fake: fakes.FakeAgb
  readonly agb: AGB
  readonly session: Session
}

const sessionOf = async (agb: AGB): Promise<Session> => {
  const result = await agb.create(params)
  assert(result.success, result.errorMessage)
  return result.session
}

/** Runs a test with an AGB on a server of its own, disposes the AGB, and sees that nothing is left. */
const world = (
  title: string,
  body: (world: Omit<World, "session">) => Promise<void>,
  clock: Layer.Layer<never> = Layer.empty
) =>
  it.scopedLive(title, () =>
    Effect.gen(function*() {
      const fake = yield* fakes.make()
      const agb = new AGB({ layer: Layer.provideMerge(fake.layer({ retry: { maxAttempts: 2 } }), clock) })
      yield* Effect.promise(() => body({ fake, agb }).finally(() => agb.dispose()))
      assert.strictEqual(fake.ledger.live, 0, "a session is left")
    }))

const withSession = (title: string, body: (world: World) => Promise<void>) =>
  world(title, async ({ agb, fake }) => body({ agb, fake, session: await sessionOf(agb) }))

const rejectionOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => assert.fail("it did not reject"), (error: unknown) => error)

const reason = new Error("changed my mind")

const until = async (condition: () => boolean, title: string): Promise<void> => {
  for (let tries = 0; !condition(); tries += 1) {
    assert(tries < 500, title)
    await pause(10)
  }
}

describe("aborting", () => {
  for (const when of ["before", "after"] as const) {
    world(`a create that the server is at (${when} it happened) leaves no session`, async ({ agb, fake }) => {
      const gate = await Effect.runPromise(faults.makeGate)
      fake.faults.next("createSession", gate.fault(when))
      const stop = new AbortController()
      const created = agb.create(params, { signal: stop.signal })
      await Effect.runPromise(gate.reached)
      stop.abort(reason)
      assert.strictEqual(await rejectionOf(created), reason)
      await Effect.runPromise(gate.open)
      await until(() => fake.ledger.created.length === 1 && fake.ledger.live === 0, "it is still there")
    })
  }

  world("a create at the very moment of its success leaves no session", async ({ fake }) => {
    const stop = new AbortController()
    const abort = Effect.sync(() => stop.abort(reason))
    const layer = Layer.effect(
      Agb.Agb,
      Effect.map(
        Agb.Agb,
        (agb) => {
          const deletions = Effect.map(agb.deletions, (all) => ({
            ...all,
            create: (params: CreateSessionParams.Input) => Effect.tap(all.create(params), () => abort)
          }))
          return Agb.Agb.of({ ...agb, deletions })
        }
      )
    ).pipe(Layer.provide(fake.layer()))
    const agb = new AGB({ layer })
    assert.strictEqual(await rejectionOf(agb.create(params, { signal: stop.signal })), reason)
    await until(() => fake.ledger.created.length === 1 && fake.ledger.live === 0, "it is still there")
    await agb.dispose()
  })

  world("before a create begins sends nothing", async ({ agb, fake }) => {
    assert.strictEqual(await rejectionOf(agb.create(params, { signal: AbortSignal.abort(reason) })), reason)
    assert.strictEqual(fake.ledger.requests.length, 0)
  })

  withSession("a run and a command ends the call, not the session", async ({ fake, session }) => {
    fake.faults.next("run_code", faults.silent("before"))
    const run = session.code.runCode("1", "python", 60, { signal: AbortSignal.timeout(30) })
    assert.strictEqual((await rejectionOf(run) as Error).name, "TimeoutError")
    fake.faults.next("shell", faults.silent("before"))
    const stop = new AbortController()
    const command = session.command.executeCommand("ls", 60_000, { signal: stop.signal })
    await until(() => fake.ledger.count("shell") === 1, "it was never sent")
    stop.abort(reason)
    assert.strictEqual(await rejectionOf(command), reason)
    assert.strictEqual((await session.getStatus()).data, "RUNNING")
  })

  withSession("too late changes nothing", async ({ agb, session }) => {
    const stop = new AbortController()
    const result = await session.info({ signal: stop.signal })
    stop.abort(reason)
    assert(result.success)
    assert((await agb.delete(session)).success)
  })
})

describe("disposing", () => {
  world("deletes what was created and not what is attached", async ({ agb, fake }) => {
    const other = new AGB({ layer: fake.layer() })
    const [first, second, third] = await Promise.all([sessionOf(agb), sessionOf(agb), sessionOf(agb)])
    const foreign = await sessionOf(other)
    const attached = await agb.attach(foreign.sessionId)
    assert(attached.success, attached.errorMessage)
    assert((await second.delete()).success)
    assert((await agb.delete(third.sessionId)).success)
    await attached.session[Symbol.asyncDispose]()
    const asked = fake.ledger.count("releaseSessionAsync")
    await Promise.all([agb.dispose(), agb.dispose(), agb[Symbol.asyncDispose]()])
    assert.sameMembers(fake.ledger.deleted, [first, second, third].map(({ sessionId }) => sessionId))
    assert.strictEqual(fake.ledger.count("releaseSessionAsync") - asked, 1)
    assert.strictEqual((await foreign.getStatus()).data, "RUNNING")
    await other.dispose()
  })

  world("happens at the end of a block", async ({ fake }) => {
    {
      await using agb = new AGB({ layer: fake.layer() })
      await using session = await sessionOf(agb)
      assert.strictEqual((await session.getStatus()).data, "RUNNING")
    }
    assert.strictEqual(fake.ledger.created.length, 1)
    assert.strictEqual(fake.ledger.live, 0)
  })

  world("ends a create under way, and its session", async ({ agb, fake }) => {
    const gate = await Effect.runPromise(faults.makeGate)
    fake.faults.next("createSession", undefined, gate.fault("after"))
    await sessionOf(agb)
    const created = agb.create(params)
    await Effect.runPromise(gate.reached)
    const disposed = agb.dispose()
    const result = await created
    assert.match(result.errorMessage ?? "", /disposed/)
    await Effect.runPromise(gate.open)
    await disposed
    assert.strictEqual(fake.ledger.created.length, 2)
    assert.strictEqual(fake.ledger.live, 0)
  })

  withSession("ends the calls in flight", async ({ agb, fake, session }) => {
    fake.faults.always("run_code", faults.silent("before"))
    const run = session.code.runCode("1", "python")
    await until(() => fake.ledger.count("run_code") === 1, "it was never sent")
    await agb.dispose()
    const result = await run
    assert.strictEqual(result.error?._tag, "SessionLostError")
  })
})

describe("withSession", () => {
  world("gives the answer and deletes", async ({ agb, fake }) => {
    const status = await agb.withSession(params, async (session) => (await session.getStatus()).data)
    assert.strictEqual(status, "RUNNING")
    assert.strictEqual(fake.ledger.live, 0)
    assert.strictEqual(await agb.withSession(params, ({ sessionId }) => sessionId), fake.ledger.created[1])
  })

  world("passes on what was thrown and deletes", async ({ agb, fake }) => {
    const thrown = { mine: true }
    const error = await rejectionOf(agb.withSession(params, () => Promise.reject(thrown)))
    assert.strictEqual(error, thrown)
    assert.strictEqual(
      await rejectionOf(agb.withSession(params, () => {
        throw reason
      })),
      reason
    )
    assert.strictEqual(fake.ledger.created.length, 2)
    assert.strictEqual(fake.ledger.live, 0)
  })

  world("rejects with the cause when there is no session", async ({ agb, fake }) => {
    fake.faults.always("createSession", faults.answers("before", faults.refusal(400, "Image.Unknown", "no such image")))
    const error = await rejectionOf(agb.withSession(params, () => assert.fail("it was used")))
    assert(error instanceof Error)
    assert.match(error.message, /^Failed to create session: .*no such image/)
    assert.strictEqual((error.cause as AgbError.AgbError)._tag, "RequestRejectedError")
  })
})

describe("results", () => {
  withSession("have the id of the last request", async ({ fake, session }) => {
    const ids: Array<string> = []
    const replyIds = () => ids.splice(0)
    const remember: faults.Fault = {
      when: "after",
      answer: (reply) => {
        ids.push(String(reply.headers["x-request-id"]))
        return reply
      }
    }
    fake.faults.always("callTool", remember)
    const run = await session.code.runCode(python.prints.code, "python")
    assert.deepStrictEqual(replyIds(), [run.requestId])
    const exit = await session.command.executeCommand(commands.fails)
    assert.deepStrictEqual(replyIds(), [exit.requestId])
    assert.strictEqual(exit.error?._tag, "CommandExitError")
    await session.fileSystem.writeFile("/tmp/a", "x".repeat(60_000))
    replyIds()
    const read = await session.fileSystem.readFile("/tmp/a")
    assert.strictEqual(replyIds().at(-1), read.requestId)
    const many = await Promise.all(Array.from({ length: 20 }, () => session.command.executeCommand(commands.prints)))
    assert.sameMembers(many.map(({ requestId }) => requestId), replyIds())
  })

  withSession("have the seed's fields", async ({ agb, session: { code, command, fileSystem, ...session } }) => {
    const run = await code.runCode(python.prints.code, "python")
    assert.deepInclude(run, { success: true, result: "42", logs: { stdout: "out\n", stderr: "err\n" } })
    const raised = await code.runCode(python.raises.code, "python")
    assert.deepInclude(raised, { success: false, result: "", logs: { stdout: "", stderr: "" }, results: [] })
    const printed = await command.executeCommand(commands.prints)
    assert.deepInclude(printed, { success: true, output: "outerr", stdout: "out", stderr: "err", exitCode: 0 })
    const failed = await command.executeCommand(commands.fails)
    assert.deepInclude(failed, { success: false, output: "outerr", stdout: "out", stderr: "err", exitCode: 3 })
    const accepted = await command.executeCommand(commands.fails, 1000, { acceptExitCodes: [0, 3] })
    assert.deepInclude(accepted, { success: true, exitCode: 3 })
    const slow = await command.executeCommand(commands.sleeps, 20)
    assert.deepInclude(slow, { success: false, output: "begunThe command timed out", exitCode: undefined })
    const greeted = await command.executeCommand(commands.greets, 1000, { envs: { GREETING: "hi" }, cwd: "/tmp" })
    assert.strictEqual(greeted.output, "hi")

    assert.deepInclude(await fileSystem.createDirectory("/tmp/d"), { success: true, data: true })
    assert.deepInclude(await fileSystem.writeFile("/tmp/d/a", "1 2"), { success: true, data: true })
    assert.deepInclude(await fileSystem.writeFile("/tmp/d/a", " 3", "append"), { success: true })
    const again = await fileSystem.writeFile("/tmp/d/a", "", "create_new")
    assert.strictEqual(again.error?._tag, "FileError")
    assert.notProperty(again, "data")
    assert.deepInclude(await fileSystem.editFile("/tmp/d/a", [{ oldText: "3", newText: "4" }]), { data: true })
    assert.deepInclude(await fileSystem.moveFile("/tmp/d/a", "/tmp/d/b"), { data: true })
    assert.strictEqual((await fileSystem.readFile("/tmp/d/b")).content, "1 2 4")
    assert.deepStrictEqual((await fileSystem.readFileBytes("/tmp/d/b")).content, new TextEncoder().encode("1 2 4"))
    assert.deepStrictEqual((await fileSystem.readMultipleFiles(["/tmp/d/b"])).contents, { "/tmp/d/b": "1 2 4" })
    assert.deepStrictEqual((await fileSystem.listDirectory("/tmp/d")).entries, [{ name: "b", isDirectory: false }])
    assert.deepInclude((await fileSystem.getFileInfo("/tmp/d/b")).fileInfo, { size: 5, isDirectory: false })
    assert.deepStrictEqual((await fileSystem.searchFiles("/tmp", "b", ["c"])).matches, ["/tmp/d/b"])
    assert.deepStrictEqual((await fileSystem.getFileChange("/tmp/d")).events, [])
    assert.deepInclude(await fileSystem.deleteFile("/tmp/d/b"), { data: true })
    const [change] = (await fileSystem.getFileChange("/tmp/d")).events ?? []
    assert.deepStrictEqual(change, { eventType: "delete", path: "/tmp/d/b", pathType: "file" })
    const missing = await fileSystem.readFile("/tmp/d/b")
    assert.strictEqual(missing.error?._tag, "FileNotFoundError")
    assert.notProperty(missing, "content")
    assert.strictEqual(session.imageId, params.imageId)
    assert.deepStrictEqual((await agb.list()).sessionIds, [session.sessionId])
  })

  withSession("of the calls that concern a session", async ({ agb, fake, session }) => {
    assert.strictEqual(session.getApiKey(), fakes.apiKey)
    assert.strictEqual(session.getSessionId(), session.sessionId)
    assert.deepInclude(await session.keepAlive(), { success: true, data: true })
    assert.deepInclude(await session.setLabels({ project: "p" }), { success: true, data: true })
    assert.deepStrictEqual((await session.getLabels()).data, { project: "p" })
    const listed = await agb.list({ project: "p" })
    assert.deepInclude(listed, { totalCount: 1, sessionIds: [session.sessionId] })
    assert.deepStrictEqual((await agb.list({ project: "q" })).sessions, [])
    const handle = new Session(agb, session.sessionId)
    assert.strictEqual((await handle.getStatus()).data, "RUNNING")
    const known = await session.getClient().getSessionInfo({ sessionId: session.sessionId })
    assert.strictEqual(known.data?.status, "RUNNING")
    assert.sameMembers(Object.keys(session.getClient()), Object.keys(AgbApi.endpoints))
    assert.deepInclude((await session.info()).data, {
      appId: "app",
      authCode: secrets.authCode,
      ticket: secrets.ticket
    })
    const withoutDesktop = faults.changed((body) => {
      const envelope = JSON.parse(body) as { data: { desktopInfo?: unknown } }
      delete envelope.data.desktopInfo
      return JSON.stringify(envelope)
    })
    fake.faults.next("getMcpResource", withoutDesktop)
    assert.isUndefined((await session.info()).data?.appId)
  })
})

describe("iterators", () => {
  withSession("read a file in pieces", async ({ session: { fileSystem } }) => {
    const text = "0123456789".repeat(20_000)
    await fileSystem.writeFile("/tmp/long", text)
    let read = ""
    for await (const bytes of fileSystem.readFileStream("/tmp/long")) read += new TextDecoder().decode(bytes)
    assert.strictEqual(read, text)
    const iterator = fileSystem.readFileStream("/tmp/long")
    await iterator.next()
    assert.deepStrictEqual(await iterator.return?.(), { done: true, value: undefined })
    assert.deepStrictEqual(await iterator.next(), { done: true, value: undefined })
    const error = await rejectionOf(fileSystem.readFileStream("/tmp/missing").next())
    assert.strictEqual((error as AgbError.AgbError)._tag, "FileNotFoundError")
  })

  withSession("watch until they are left", async ({ fake, session: { fileSystem } }) => {
    await fileSystem.createDirectory("/tmp/w")
    const seen: Array<string> = []
    const changes = fileSystem.watchDirectory("/tmp/w", { intervalMs: 5, include: ["a", "b"], recursive: false })
    assert.deepStrictEqual((await changes.next()).value, { eventType: "ready", path: "/tmp/w", pathType: "directory" })
    await fileSystem.writeFile("/tmp/w/other", "")
    await fileSystem.writeFile("/tmp/w/a", "")
    seen.push((await changes.next()).value.path)
    await fileSystem.writeFile("/tmp/w/b", "")
    for await (const { path } of changes) {
      seen.push(path)
      break
    }
    assert.deepStrictEqual(seen, ["/tmp/w/a", "/tmp/w/b"])
    const asked = fake.ledger.count("get_file_change")
    await pause(50)
    assert.strictEqual(fake.ledger.count("get_file_change"), asked)
  })

  withSession("end while nothing happens", async ({ agb, session: { fileSystem } }) => {
    const left = fileSystem.watchDirectory("/tmp", { intervalMs: 5 })
    assert.strictEqual((await left.next()).value.eventType, "ready")
    const waiting = left.next()
    assert.deepStrictEqual(await left.return?.(), { done: true, value: undefined })
    assert.deepStrictEqual(await waiting, { done: true, value: undefined })
    const stop = new AbortController()
    const change = async (options: object) => {
      for await (const event of fileSystem.watchDirectory("/tmp", { intervalMs: 5, ...options })) {
        assert.strictEqual(event.eventType, "ready")
      }
    }
    const aborted = rejectionOf(change({ signal: stop.signal }))
    const lost = rejectionOf(change({}))
    await pause(30)
    stop.abort(reason)
    assert.strictEqual(await aborted, reason)
    await agb.dispose()
    assert.strictEqual((await lost as AgbError.AgbError)._tag, "SessionLostError")
  })
})

describe("sessions that a program has left", () => {
  world("are swept, and the report is plain", async ({ fake }) => {
    const program = (id: string, statuses: Readonly<Record<string, Program.ProgramStatus>> = {}) => {
      const status = (other: string) => Effect.succeed(statuses[other] ?? "unknown" as const)
      const known = Layer.succeed(Program.Program, { id: Effect.succeedSome(id), status })
      return new AGB({ layer: Layer.provide(fake.layer(), known) })
    }
    await using dead = program("dead")
    await using own = program("own", { dead: "ended" })
    const [left, kept] = [await sessionOf(dead), await sessionOf(own)]
    const planned = await own.sweep({ dryRun: true })
    assert.deepStrictEqual(planned.data?.deleted.map(({ sessionId }) => sessionId), [left.sessionId])
    assert.strictEqual(fake.ledger.live, 2)
    const swept = await own.sweep({ olderThanMs: 60_000 })
    assert.deepStrictEqual(swept.data?.deleted.map(({ reason, sessionId }) => [sessionId, reason]), [
      [left.sessionId, "ProgramEnded"]
    ])
    assert.deepStrictEqual(swept.data?.kept, [{ sessionId: kept.sessionId, reason: "ProgramRunning" }])
    assert.deepStrictEqual(fake.ledger.deleted, [left.sessionId])
    for (const [field, wrong] of [["olderThanMs", { olderThanMs: -1 }], ["olderThan", { olderThan: 5 }]] as const) {
      const { error } = await own.sweep(wrong as object)
      assert(error?._tag === "InvalidRequestError" && error.field === field, String(error))
    }
    assert.strictEqual(await rejectionOf(own.sweep({ signal: AbortSignal.abort(reason) })), reason)
    assert.instanceOf((await kept.expiresAt()).data, Date)
    const attached = await own.attach(kept.sessionId)
    assert.deepInclude(await attached.session?.expiresAt(), { success: true, data: undefined })
  })
})

const broken: Readonly<Record<string, faults.Fault>> = {
  "a lost request": faults.lostRequest,
  "a lost reply": faults.lostReply,
  "503 before": faults.unavailable("before"),
  "503 after": faults.unavailable("after"),
  "429": faults.rateLimited(),
  "HTML": faults.text("<html></html>"),
  "nothing": faults.text(""),
  "404": faults.answers("before", faults.refusal(404, "InvalidMcpSession.NotFound", "session not found")),
  "401": faults.answers("before", faults.refusal(401, "InvalidApiKey", "no"))
}

describe("a failing server never makes a call reject", () => {
  for (const [name, fault] of Object.entries(broken)) {
    world(name, async ({ agb, fake }) => {
      const session = await sessionOf(agb)
      for (const endpoint of Object.keys(AgbApi.endpoints)) {
        fake.faults.always(endpoint as AgbApi.EndpointName, (nth) => nth < 2 ? fault : undefined)
      }
      const { code, command, fileSystem } = session
      const results = await Promise.all([
        code.runCode(python.prints.code, "python"),
        command.executeCommand(commands.prints),
        fileSystem.readFile("/tmp/a"),
        session.info(),
        session.getLabels(),
        session.getLink(),
        session.getClient().listTools({ imageId: "x" }),
        agb.list(),
        agb.attach(session.sessionId),
        agb.create(params)
      ])
      for (const result of results) {
        assert.isBoolean(result.success)
        if (!result.success) assert.strictEqual(result.errorMessage, result.error.message)
      }
      fake.faults.clear()
    }, layerVirtualClock)
  }
})

describe("contexts", () => {
  const path = "/tmp/mapped"
  const bytes = new Uint8Array(100_000).fill(7)

  async function* pieces() {
    for (let start = 0; start < bytes.length; start += 30_000) yield bytes.subarray(start, start + 30_000)
  }

  world("are plain values, and sessions save what is in them", async ({ agb, fake }) => {
    const created = await agb.contexts.getOrCreate("plain")
    assert(created.success, created.errorMessage)
    const context = created.data
    assert.deepInclude(context, { name: "plain", state: "available", createdAt: new Date("2026-01-01T00:00:00Z") })
    assert.notProperty(context, "lastUsedAt")
    const listed = await agb.contexts.list()
    assert.deepStrictEqual(listed.data?.map(({ id }) => id), [context.id])
    assert.isTrue((await agb.contexts.write(context, `${path}/pieces`, pieces(), { size: bytes.length })).success)
    assert.isTrue((await agb.contexts.write(context.id, `${path}/text`, "text")).success)
    const read = await agb.contexts.read(context, `${path}/pieces`)
    assert(read.success, read.errorMessage)
    assert.isTrue(Buffer.from(read.content).equals(bytes))
    const chunks: Array<Uint8Array> = []
    for await (const chunk of agb.contexts.readStream(context, `${path}/pieces`)) chunks.push(chunk)
    assert.isTrue(Buffer.concat(chunks).equals(bytes))

    const session = await agb.create({ ...params, contexts: [{ context, path }] })
    assert(session.success, session.errorMessage)
    const { contexts, fileSystem } = session.session
    assert.deepInclude(await fileSystem.readFile(`${path}/text`), { success: true, content: "text" })
    const info = await contexts.info()
    assert.deepStrictEqual(info.data?.map(({ mode, status }) => [mode, status]), [["download", "Success"]])
    fake.contexts.outcome = () => "Failed"
    const unsaved = await session.session.delete({ sync: true })
    assert.strictEqual(unsaved.error?._tag, "ContextError")
    assert.strictEqual(fake.ledger.live, 1)
    fake.contexts.outcome = () => "Success"
    assert.isTrue((await fileSystem.writeFile(`${path}/text`, "changed")).success)
    assert.isTrue((await contexts.sync({ timeoutMs: 60_000 })).success)
    const changed = await agb.contexts.read(context, `${path}/text`)
    assert.strictEqual(Buffer.from(changed.content ?? "").toString(), "changed")
    assert.isTrue((await session.session.delete({ sync: true })).success)

    const files = await agb.contexts.files(context, { folder: path })
    assert.deepStrictEqual(files.data?.map(({ name, size }) => [name, size]), [["pieces", 100_000], ["text", 7]])
    assert.isTrue((await agb.contexts.removeFile(context, `${path}/text`)).success)
    assert.strictEqual((await agb.contexts.read(context, `${path}/text`)).error?._tag, "FileNotFoundError")
    assert.isTrue((await agb.contexts.rename(context, "renamed")).success)
    assert.strictEqual((await agb.contexts.get({ name: "renamed" })).data?.id, context.id)
    assert.isTrue((await agb.contexts.clear(context)).success)
    assert.isTrue((await agb.contexts.remove(context)).success)
  }, layerVirtualClock)

  world("a write rejects with what its iterable throws", async ({ agb }) => {
    const { data } = await agb.contexts.getOrCreate("broken")
    async function* broken() {
      yield bytes
      throw reason
    }
    assert.strictEqual(await rejectionOf(agb.contexts.write(data?.id ?? "", "/a", broken())), reason)
    assert.strictEqual((await agb.contexts.read(data?.id ?? "", "/a")).error?._tag, "FileNotFoundError")
  })

  withSession("metrics are numbers where they are known", async ({ session }) => {
    const metrics = await session.getMetrics()
    assert.deepInclude(metrics.data, { cpuCount: 2, measuredAt: new Date("2026-01-01T00:00:00Z") })
  })
})
