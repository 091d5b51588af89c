/** What the client makes of contexts that fail, are silent or answer what they should not, under the virtual clock. */
import { Agb, Contexts, Session } from "@effect-agb/core"
import { secrets } from "@effect-agb/core/AgbTest"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Inspectable, type Scope, Stream } from "effect"
import { inspect } from "node:util"
import { failsWith } from "../support/failsWith.js"
import { type FakeAgb, make, storageHost } from "../support/fakeAgb.js"
import { withVirtualClock } from "../support/virtualClock.js"

const imageId = "agb-code-space-1"
const path = "/tmp/mapped"

type Subject = {
  readonly fake: FakeAgb
  readonly agb: Agb.Agb.Service
  readonly contexts: Contexts.Contexts
  readonly context: Contexts.ContextInfo
}

const test = (title: string, body: (subject: Subject) => Effect.Effect<void, unknown, Agb.Agb | Scope.Scope>) =>
  it.live(title, () =>
    Effect.gen(function*() {
      const fake = yield* make()
      yield* Effect.gen(function*() {
        const agb = yield* Agb.Agb
        const contexts = yield* Contexts.make
        const context = yield* contexts.getOrCreate("tested")
        yield* body({ fake, agb, contexts, context })
      }).pipe(Effect.provide(fake.layer()))
      assert.strictEqual(fake.ledger.live, 0)
    }).pipe(Effect.scoped, withVirtualClock))

/** A value of a type that only plain JavaScript can pass. */
const untyped = <A>(value: unknown): A => value as A

const bytes = new Uint8Array(1000).fill(7)

describe("a sync", () => {
  test("that the server reports as failed is a failure", ({ context, fake }) =>
    Session.use({ imageId, contexts: [{ context, path }] }, (session) =>
      Effect.gen(function*() {
        fake.contexts.outcome = () => "Failed"
        const error = yield* failsWith(session.contexts.sync(), "ContextError")
        assert.include(error, { reason: "Failed", path, contextId: context.id, detail: "the copy failed" })
      })))

  test("that the server does not list is not confirmed", ({ context, fake }) =>
    Session.use({ imageId, contexts: [{ context, path }] }, (session) =>
      Effect.gen(function*() {
        fake.contexts.outcome = () => "Silent"
        for (const options of [{}, { context, path }]) {
          const error = yield* failsWith(session.contexts.sync({ ...options, timeout: "1 minute" }), "ContextError")
          assert.include(error, { reason: "Unconfirmed", path, mayHaveHappened: true })
        }
      })))

  test("is not confirmed by the success of an earlier one", ({ context, fake }) =>
    Session.use({ imageId, contexts: [{ context, path }] }, (session) =>
      Effect.gen(function*() {
        yield* session.contexts.sync()
        fake.contexts.outcome = () => "Silent"
        const error = yield* failsWith(session.contexts.sync(), "ContextError")
        assert.strictEqual(error.reason, "Unconfirmed")
      })))

  test("of all contexts does not wait for one that is none of the session's", ({ context, contexts }) =>
    Effect.gen(function*() {
      const other = yield* contexts.getOrCreate("other")
      const paths = (params: Parameters<typeof Session.use>[0]) =>
        Session.use(params, (session) =>
          Effect.gen(function*() {
            yield* session.contexts.sync({ context: other, path: "/tmp/other" })
            return yield* Effect.match(session.contexts.sync(), {
              onFailure: ({ _tag }) => [_tag],
              onSuccess: (items) => items.map((item) => item.path)
            })
          }))
      assert.deepStrictEqual(yield* paths({ imageId, contexts: [{ context, path }] }), [path])
      assert.deepStrictEqual(yield* paths({ imageId }), [])
    }))

  test("refuses bad options before anything is sent", ({ context, fake }) =>
    Session.use({ imageId }, (session) =>
      Effect.gen(function*() {
        const before = fake.ledger.requests.length
        const bad = [
          ["context", { path }],
          ["context", { context: " ", path }],
          ["path", { context }],
          ["path", { context, path: "tmp" }],
          ["mode", { mode: "both" }],
          ["timeout", { timeout: -1 }],
          ["direction", { direction: "upload" }]
        ] as const
        for (const [field, options] of bad) {
          const error = yield* failsWith(session.contexts.sync(options as Session.SyncOptions), "InvalidRequestError")
          assert.strictEqual(error.field, field)
        }
        assert.strictEqual(fake.ledger.requests.length, before)
      })))
})

describe("a session", () => {
  test("whose content does not arrive is deleted, and nobody gets it", ({ agb, context, fake }) =>
    Effect.gen(function*() {
      fake.contexts.outcome = (mode) => mode === "download" ? "Failed" : "Success"
      const params = { imageId, contexts: [{ context, path }] }
      const error = yield* failsWith(Session.use(params, () => Effect.void), "ContextError")
      assert.include(error, { operation: "Session.make", reason: "Failed" })
      yield* failsWith(agb.create(params), "ContextError")
      yield* Effect.sleep("5 seconds")
      assert.strictEqual(fake.ledger.created.length, 2)
      assert.deepStrictEqual([...new Set(fake.ledger.deleted)].length, 2)
    }))

  test("that was not saved is not deleted, also when only its id is known", ({ agb, context, fake }) =>
    Effect.gen(function*() {
      const session = yield* agb.create({ imageId, contexts: [{ context, path }] })
      yield* session.contexts.sync()
      fake.contexts.outcome = () => "Silent"
      const other = yield* Effect.provide(
        Effect.map(Agb.Agb, (agb) => agb.delete(session.sessionId, { sync: true })),
        fake.layer()
      )
      for (const deletion of [agb.delete(session.sessionId, { sync: true }), other]) {
        assert.strictEqual((yield* failsWith(deletion, "ContextError")).reason, "Unconfirmed")
        assert.deepStrictEqual(fake.ledger.deleted, [])
      }
      yield* agb.delete(session.sessionId, { sync: true, deleteUnsaved: true })
      yield* failsWith(agb.delete(session.sessionId, { sync: true }), "SessionLostError")
    }))

  test("is created with contexts that are checked by field", ({ agb, context, fake }) =>
    Effect.gen(function*() {
      const before = fake.ledger.requests.length
      const bad: ReadonlyArray<readonly [string, unknown]> = [
        ["contexts", { context, path }],
        ["contexts", Array.from({ length: 101 }, () => ({ context, path }))],
        ["contexts.0.context", [{ context: "", path }]],
        ["contexts.0.path", [{ context, path: "relative" }]],
        ["contexts.0.path", [{ context, path: "/a/../b" }]],
        ["contexts.0.mode", [{ context, path, mode: "upload" }]],
        ["contexts.0.policy", [{ context, path, policy: "all" }]],
        ["contexts.0.policy.upload", [{ context, path, policy: { upload: true } }]],
        ["contexts.0.policy.uploadPolicy.autoUpload", [{ context, path, policy: { uploadPolicy: { autoUpload: 1 } } }]],
        ["contexts.0.policy.bwList.whiteLists.0.path", [{
          context,
          path,
          policy: { bwList: { whiteLists: [{ path: "*" }] } }
        }]]
      ]
      for (const [field, contexts] of bad) {
        const error = yield* failsWith(agb.create(untyped({ imageId, contexts })), "InvalidRequestError", field)
        assert.strictEqual(error.field, field)
      }
      assert.strictEqual(fake.ledger.requests.length, before)
    }))
})

describe("the storage of files", () => {
  test("is asked again for what can be repeated, and not for a stream", ({ context, contexts, fake }) =>
    Effect.gen(function*() {
      const unavailable = { status: 503, headers: {}, body: "<Code>SlowDown</Code>" }
      fake.contexts.answers.push(unavailable, undefined)
      yield* contexts.write(context, "/a", bytes)
      assert.strictEqual(fake.contexts.served, 3)
      fake.contexts.answers.push(undefined, unavailable)
      assert.deepStrictEqual(yield* contexts.read(context, "/a"), bytes)
      assert.strictEqual(fake.contexts.served, 6)
      fake.contexts.answers.push(unavailable)
      const error = yield* failsWith(contexts.write(context, "/a", Stream.make(bytes)), "ServerError")
      assert.include(error, { status: 503, code: "SlowDown", mayHaveHappened: true, retryable: false })
      fake.contexts.answers.push(undefined)
      yield* failsWith(contexts.write(context, "/a", Stream.make(bytes)), "TransportError")
      assert.strictEqual(fake.contexts.served, 8)
    }))

  test("that sends less than it announced is not believed", ({ context, contexts, fake }) =>
    Effect.gen(function*() {
      const short = { status: 200, headers: { "content-length": "1001" }, body: "", bytes }
      fake.contexts.answers.push(...Array.from({ length: 4 }, () => short))
      const error = yield* failsWith(contexts.read(context, "/a"), "MalformedResponseError")
      assert.strictEqual(error.expected, "1001 bytes")
      fake.contexts.answers.length = 0
      fake.contexts.answers.push(short)
      yield* failsWith(Stream.runDrain(contexts.readStream(context, "/a")), "MalformedResponseError")
    }))

  test("is told no key, and its URLs are in no error", ({ context, contexts, fake }) =>
    Effect.gen(function*() {
      const echoed = {
        status: 403,
        headers: {},
        body:
          `<Error><Code>SignatureDoesNotMatch</Code><Url>https://${storageHost}/?signature=${secrets.signature}</Url></Error>`
      }
      const answers = [echoed, { ...echoed, status: 500 }, {
        ...echoed,
        status: 307,
        headers: { location: "https://a.example/" }
      }]
      for (const answer of answers) {
        for (const call of [contexts.read(context, "/a"), Effect.asVoid(contexts.write(context, "/a", bytes))]) {
          fake.contexts.answers.push(...Array.from({ length: 4 }, () => answer))
          const error = yield* Effect.flip(call)
          fake.contexts.answers.length = 0
          for (
            const text of [
              String(error),
              inspect(error, { depth: 9 }),
              Inspectable.format(error),
              JSON.stringify(error)
            ]
          ) {
            assert.notInclude(text, secrets.signature)
          }
        }
      }
    }))

  test("is not spoken to in the clear", ({ context, contexts, fake }) =>
    Effect.gen(function*() {
      for (const origin of [`http://${storageHost}`, "ftp://127.0.0.1", "no URL", `https://me:secret@${storageHost}`]) {
        fake.contexts.origin = origin
        const error = yield* failsWith(contexts.read(context, "/a"), "MalformedResponseError")
        assert.strictEqual(error.path, "url")
        yield* failsWith(contexts.write(context, "/a", bytes), "MalformedResponseError")
      }
      assert.strictEqual(fake.contexts.served, 0)
    }))

  test("is not asked for what is refused by field", ({ context, contexts, fake }) =>
    Effect.gen(function*() {
      const before = fake.ledger.requests.length
      const bad: ReadonlyArray<readonly [string, Effect.Effect<unknown, { readonly _tag: string }>]> = [
        ["name", contexts.getOrCreate(" ")],
        ["name", contexts.get({ name: "" })],
        ["context", contexts.get("")],
        ["context", contexts.remove(untyped(undefined))],
        ["name", contexts.rename(context, "\ud83c")],
        ["timeout", contexts.clear(context, { timeout: 0 })],
        ["path", contexts.read(context, "")],
        ["path", contexts.read(context, "/a/")],
        ["path", contexts.write(context, "/a\0", bytes)],
        ["path", contexts.removeFile(context, "/../a")],
        ["content", contexts.write(context, "/a", untyped(7))],
        ["content", contexts.write(context, "/a", "\ud83c")],
        ["size", contexts.write(context, "/a", bytes, { size: -1 })],
        ["maxBytes", contexts.read(context, "/a", { maxBytes: 0.5 })],
        ["length", contexts.read(context, "/a", untyped({ length: 1 }))],
        ["folder", Stream.runDrain(contexts.files(context, { folder: untyped(7) }))]
      ]
      for (const [field, call] of bad) {
        const error = yield* failsWith(call, "InvalidRequestError", field)
        assert.strictEqual((error as { readonly field?: string }).field, field)
      }
      assert.strictEqual(fake.ledger.requests.length, before)
    }))
})
