/** How sessions begin, are found and end. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Agb from "../../Agb.js"
import * as Code from "../../Code.js"
import * as Command from "../../Command.js"
import * as FileSystem from "../../FileSystem.js"
import * as Session from "../../Session.js"
import { assert, failsWith } from "./assert.js"
import { type Contract, imageId, patient } from "./contractCase.js"
import { commands, javascript } from "./programs.js"

/** A label that no other test uses. */
const ownLabels = Effect.sync(() => ({ suite: `contract-${Math.random().toString(36).slice(2)}` }))

const listed = (labels: Readonly<Record<string, string>>) =>
  Effect.flatMap(Agb.Agb, (agb) => Effect.map(Stream.runCollect(agb.list(labels)), (found) => [...found]))

const idsOf = (labels: Readonly<Record<string, string>>) =>
  Effect.map(listed(labels), (found) => found.map(({ sessionId }) => sessionId).sort())

const creation: Contract = (test) => {
  test("make gives a session with its fields, and the scope's end deletes it", () =>
    Effect.gen(function*() {
      const labels = yield* ownLabels
      const sessionId = yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* Session.make({ imageId, labels })
        assert.isNotEmpty(session.sessionId)
        assert.strictEqual(session.imageId, imageId)
        assert.isString(session.resourceUrl)
        assert.isNotEmpty(Redacted.value(session.apiKey))
        assert.strictEqual(session.client.config.apiKey, session.apiKey)
        assert.deepStrictEqual(yield* idsOf(labels), [session.sessionId])
        return session.sessionId
      }))
      assert.deepStrictEqual(yield* idsOf(labels), [])
      yield* failsWith(Session.attach(sessionId), "SessionLostError")
    }))

  test("layer puts the session and its modules into the context", () =>
    Effect.gen(function*() {
      const labels = yield* ownLabels
      yield* Effect.gen(function*() {
        const session = yield* Session.Session
        assert.strictEqual(yield* Code.Code, session.code)
        assert.strictEqual(yield* Command.Command, session.command)
        assert.strictEqual(yield* FileSystem.FileSystem, session.fileSystem)
        assert.deepStrictEqual(yield* idsOf(labels), [session.sessionId])
      }).pipe(Effect.provide(Session.layer({ imageId, labels })))
      assert.deepStrictEqual(yield* idsOf(labels), [])
    }))

  test("attach uses a session and leaves it alive", () =>
    Effect.gen(function*() {
      const owner = yield* Session.make({ imageId })
      const guest = yield* Effect.scoped(Session.attach(owner.sessionId))
      assert.strictEqual(guest.sessionId, owner.sessionId)
      yield* guest.code.runCode(javascript.keeps.code, "javascript")
      assert.strictEqual((yield* owner.code.runCode(javascript.uses.code, "javascript")).text, "42")
      assert.strictEqual(yield* owner.status, "RUNNING")
    }))

  test("attach to a session that does not exist says that it is lost", () =>
    Effect.gen(function*() {
      const error = yield* failsWith(Session.attach("s-does-not-exist"), "SessionLostError")
      assert.strictEqual(error.reason, "NotFound")
      assert.strictEqual(error.sessionId, "s-does-not-exist")
    }))
}

const deletion: Contract = (test) => {
  const ends = (
    title: string,
    end: (labels: Readonly<Record<string, string>>) => Effect.Effect<unknown, unknown, Agb.Agb>
  ) =>
    test(`the session is deleted after ${title}`, () =>
      Effect.gen(function*() {
        const labels = yield* ownLabels
        yield* end(labels)
        assert.deepStrictEqual(yield* idsOf(labels), [])
        assert.deepStrictEqual(yield* Effect.flatMap(Agb.Agb, (agb) => agb.undeleted), [])
      }))

  ends("success", (labels) =>
    Effect.gen(function*() {
      const value = yield* Session.use({ imageId, labels }, () => Effect.succeed(7))
      assert.strictEqual(value, 7)
    }))
  ends("failure", (labels) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Session.use({ imageId, labels }, () => Effect.fail("mine" as const)))
      assert.strictEqual(error, "mine")
    }))
  ends("a defect", (labels) => Effect.exit(Session.use({ imageId, labels }, () => Effect.die("mine"))))
  ends("interruption", (labels) =>
    Effect.gen(function*() {
      const inside = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(
        Session.use({ imageId, labels }, () => Effect.zipRight(Deferred.succeed(inside, undefined), Effect.never))
      )
      yield* Deferred.await(inside)
      yield* Fiber.interrupt(fiber)
    }))
  ends("Agb.delete, and deleting twice is fine", (labels) =>
    Effect.gen(function*() {
      const agb = yield* Agb.Agb
      const session = yield* agb.create({ imageId, labels })
      yield* agb.delete(session.sessionId)
      yield* agb.delete(session.sessionId)
      yield* agb.delete("s-never-was")
    }))

  test("after the scope every call says that the session was released", () =>
    Effect.gen(function*() {
      const session = yield* Effect.scoped(Session.make({ imageId }))
      const errors = yield* Effect.all([
        failsWith(session.code.runCode(javascript.prints.code, "javascript"), "SessionLostError"),
        failsWith(session.command.executeCommand("true"), "SessionLostError"),
        failsWith(session.fileSystem.readFile("/tmp/a"), "SessionLostError"),
        failsWith(session.info, "SessionLostError"),
        failsWith(session.keepAlive, "SessionLostError")
      ])
      assert.deepStrictEqual(errors.map(({ reason }) => reason), Array.from({ length: 5 }, () => "Released" as const))
      assert.deepStrictEqual([...new Set(errors.map(({ sessionId }) => sessionId))], [session.sessionId])
    }))

  test("a session works in finalizers and in uninterruptible regions", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const session = yield* Scope.extend(Session.make({ imageId }), scope)
      let seen = ""
      yield* Scope.addFinalizer(scope, Effect.ignore(Effect.map(session.status, (status) => (seen = status))))
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(seen, "RUNNING")
    }))
}

const wholeSession: Contract = (test) => {
  test("info, status and keepAlive answer", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId })
      const info = yield* session.info
      assert.strictEqual(info.sessionId, session.sessionId)
      assert.isString(info.resourceUrl)
      assert.strictEqual(yield* session.status, "RUNNING")
      yield* session.keepAlive
    }))

  test("labels are kept, replaced and never show the SDK's own", () =>
    Effect.gen(function*() {
      const labels = yield* ownLabels
      const session = yield* Session.make({ imageId, labels: { ...labels, purpose: "naïve 🎈" } })
      assert.deepStrictEqual(yield* session.getLabels, { ...labels, purpose: "naïve 🎈" })
      yield* session.setLabels({ ...labels, other: "x=1&y=2" })
      assert.deepStrictEqual(yield* session.getLabels, { ...labels, other: "x=1&y=2" })
      assert.deepStrictEqual(yield* idsOf({ ...labels, other: "x=1&y=2" }), [session.sessionId])
      assert.deepStrictEqual(yield* idsOf({ ...labels, purpose: "naïve 🎈" }), [])
    }))

  test("listTools names the tools", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId })
      const names = (yield* session.listTools()).map(({ name }) => name)
      assert.includeMembers(names, ["run_code", "shell", "read_file", "write_file"])
    }))

  test("getLink gives a URL or says that there is none", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId })
      const link = yield* Effect.either(session.getLink({ protocolType: "https", port: 30_100 }))
      if (link._tag === "Right") assert.isTrue(URL.canParse(link.right))
      else assert.strictEqual(link.left._tag, "RequestRejectedError")
    }))

  test("metrics are numbers where they are known", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId })
      const metrics = yield* session.metrics
      for (const number of [metrics.cpuCount, metrics.memoryTotalBytes, metrics.diskTotalBytes]) {
        assert.isAbove(Option.getOrThrow(number), 0)
      }
      assert.instanceOf(Option.getOrThrow(metrics.measuredAt), Date)
    }))

  test("callTool calls a tool by its name", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId })
      const home = (yield* session.command.executeCommand(commands.directory, patient)).stdout.trim()
      yield* session.fileSystem.writeFile(`${home}/a.txt`, "text")
      assert.strictEqual(yield* session.callTool("read_file", { path: `${home}/a.txt` }), "text")
      const error = yield* failsWith(session.callTool("no_such_tool", {}), "ToolError")
      assert.strictEqual(error.tool, "no_such_tool")
    }))
}

const lists: Contract = (test, { crowd }) => {
  test("list gives every session that carries all the labels", () =>
    Effect.gen(function*() {
      const labels = yield* ownLabels
      const sessions = yield* Effect.forEach(
        Array.from({ length: crowd }, (_, index) => index),
        (index) => Session.make({ imageId, labels: { ...labels, index: String(index) } }),
        { concurrency: 8 }
      )
      const ids = sessions.map(({ sessionId }) => sessionId)
      assert.deepStrictEqual(yield* idsOf(labels), [...ids].sort())
      assert.deepStrictEqual(yield* idsOf({ ...labels, index: "1" }), [ids[1]])
      assert.deepStrictEqual(yield* idsOf({ ...labels, index: "none" }), [])
    }))

  test("pages are complete and do not overlap", () =>
    Effect.gen(function*() {
      const labels = yield* ownLabels
      const { client } = yield* Agb.Agb
      const sessions = yield* Effect.all([1, 2, 3].map(() => Session.make({ imageId, labels })))
      const first = yield* client.listSession({ labels, maxResults: 2 })
      const second = yield* client.listSession({ labels, maxResults: 2, nextToken: first.nextToken ?? "" })
      assert.strictEqual(first.sessions.length, 2)
      assert.isNotEmpty(first.nextToken)
      assert.strictEqual(second.nextToken ?? "", "")
      assert.sameMembers(
        [...first.sessions, ...second.sessions].map(({ sessionId }) => sessionId),
        sessions.map(({ sessionId }) => sessionId)
      )
    }))
}

export const lifecycle: Contract = (test, backend) => {
  for (const part of [creation, deletion, wholeSession, lists]) part(test, backend)
}
