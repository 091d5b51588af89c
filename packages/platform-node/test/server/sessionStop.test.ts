/** The end of a session that has something to save: it waits for as long as that takes, and remembers what failed. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, type Duration, Effect, Exit, Fiber, Layer, Logger, Option, Scope, Stream, TestClock } from "effect"
import { Duplex } from "node:stream"
import { SandboxLost } from "../../src/internal/sandbox/channel/protocol.js"
import type { Sandbox } from "../../src/internal/sandbox/sandbox.js"
import type { LocalSession } from "../../src/internal/server/sessions/localSession.js"
import { make, type SessionRegistry } from "../../src/internal/server/sessions/registry.js"
import { make as makeReplies } from "../../src/internal/server/sessions/replyThread.js"
import { none } from "../support/runtime.js"

const lost = new SandboxLost({ reason: "it is a stand-in" })

const sandbox = (ended: Deferred.Deferred<SandboxLost>, killProcesses: Effect.Effect<void>): Sandbox => ({
  isolation: none,
  home: "/home",
  tmp: "/tmp",
  workdir: "/home",
  hasNetwork: false,
  call: () => Effect.fail(lost),
  callUnparsed: () => Effect.fail(lost),
  stream: () => Stream.fail(lost),
  tunnel: () => new Duplex(),
  readFile: () => ({ consumed: () => {}, cancel: () => {} }),
  writeFile: () => ({ send: () => true, end: () => {}, cancel: () => {} }),
  handWrite: () => ({ commit: () => {}, giveUp: () => {}, cancel: () => {} }),
  openOffered: () => undefined,
  largestFile: 0,
  lost: Deferred.await(ended),
  isLost: Deferred.isDone(ended),
  kill: () => Effect.void,
  killProcesses
})

interface World {
  readonly registry: SessionRegistry
  readonly session: LocalSession
  readonly ended: Deferred.Deferred<SandboxLost>
  readonly log: ReadonlyArray<string>
  /** The sandboxes, by the order of their start, as their processes are killed and as nothing of them is left. */
  readonly ends: {
    readonly killed: ReadonlyArray<number>
    readonly gone: ReadonlyArray<number>
    readonly isOver: boolean
  }
  readonly close: Effect.Effect<void>
}

/** A registry with a session whose hook is `hook`. */
const world = (
  hook: Effect.Effect<ReadonlyArray<string>>,
  use: (world: World) => Effect.Effect<void, unknown>,
  removalTime: Duration.DurationInput = 0
) => {
  const log: Array<string> = []
  const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => void log.push(String(message))))
  return Effect.gen(function*() {
    const scope = yield* Scope.make()
    const ended = yield* Deferred.make<SandboxLost>()
    const ends = { killed: new Array<number>(), gone: new Array<number>(), isOver: false }
    let started = 0
    const take = Effect.acquireRelease(
      Effect.sync(() => {
        const nth = started++
        return { nth, sandbox: sandbox(ended, Effect.sync(() => void ends.killed.push(nth))) }
      }),
      ({ nth }) => Effect.delay(Effect.sync(() => void ends.gone.push(nth)), nth === 0 ? 0 : removalTime)
    ).pipe(Effect.map(({ sandbox }) => sandbox))
    const pool = { take, idle: Effect.succeed(0) }
    const replies = yield* Scope.extend(makeReplies, scope)
    const options = { pool, replies, maxSessions: 200, maxLifetimeMillis: Infinity }
    yield* Scope.addFinalizer(scope, Effect.sync(() => void (ends.isOver = true)))
    const registry = yield* Scope.extend(make(options), scope)
    const params = { imageId: "i", labels: {}, idleSeconds: 3600, replyFormat: "v0.12" } as const
    const session = yield* registry.create(params)
    session.preStopHooks.push(hook)
    const close = Scope.close(scope, Exit.void)
    yield* use({ registry, session, ended, log, ends, close })
    yield* close
  }).pipe(Effect.provide(Layer.merge(logger, Layer.empty)))
}

const codeOf = <A>(effect: Effect.Effect<A, { readonly code: string }>) =>
  Effect.match(effect, { onFailure: ({ code }) => code, onSuccess: () => "found" })

describe("a session that is released", () => {
  it.effect("is there for as long as it saves", () =>
    world(
      Effect.delay(Effect.succeed([]), "3 minutes"),
      ({ log, registry, session: { sessionId } }) =>
        Effect.gen(function*() {
          const released = yield* Effect.fork(registry.release(sessionId))
          yield* TestClock.adjust("2 minutes")
          assert.strictEqual((yield* registry.find(sessionId)).status, "DELETING")
          yield* TestClock.adjust("1 minute")
          yield* Fiber.join(released)
          assert.strictEqual(yield* codeOf(registry.findWithUnsaved(sessionId)), "InvalidMcpSession.NotFound")
          assert.deepStrictEqual(log, [])
        })
    ))

  it.effect("goes on saving when the client that waits for it is gone", () => {
    let saved = false
    const save = Effect.sync(() => {
      saved = true
      return []
    })
    const hook = Effect.interruptible(Effect.delay(save, "5 minutes"))
    return world(hook, ({ registry, session: { sessionId } }) =>
      Effect.gen(function*() {
        const released = yield* Effect.fork(registry.release(sessionId))
        yield* TestClock.adjust("1 minute")
        yield* Fiber.interrupt(released)
        yield* TestClock.adjust("4 minutes")
        assert.isTrue(saved)
        assert.strictEqual(yield* codeOf(registry.find(sessionId)), "InvalidMcpSession.NotFound")
      }))
  })

  it.effect("fails where it was not saved, and is remembered for ten minutes", () =>
    world(Effect.succeed(["/a to b: no"]), ({ log, registry, session }) =>
      Effect.gen(function*() {
        const { sessionId } = session
        assert.strictEqual(yield* codeOf(registry.release(sessionId)), "SessionContexts.NotSaved")
        assert.strictEqual(yield* codeOf(registry.find(sessionId)), "InvalidMcpSession.NotFound")
        assert.strictEqual(yield* registry.findWithUnsaved(sessionId), session)
        assert.deepStrictEqual(log, [`${sessionId} has ended, but not everything in it was saved`])
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(yield* codeOf(registry.findWithUnsaved(sessionId)), "InvalidMcpSession.NotFound")
      })))

  it.effect("is not remembered for ever, however many there are", () =>
    world(Effect.succeed(["no"]), ({ registry, session }) =>
      Effect.gen(function*() {
        yield* Effect.exit(registry.release(session.sessionId))
        for (let nth = 0; nth < 100; nth += 1) {
          const { preStopHooks, sessionId } = yield* registry.create({ ...session, idleSeconds: 60 })
          preStopHooks.push(Effect.succeed(["no"]))
          yield* registry.releaseAsync(sessionId)
        }
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* codeOf(registry.findWithUnsaved(session.sessionId)), "InvalidMcpSession.NotFound")
      })))
})

describe("a session that ends otherwise", () => {
  const interrupted = Effect.as(Effect.exit(Effect.interruptible(Effect.never)), ["cut off"])

  it.effect("saves to the end when it was released before the runtime ends", () =>
    world(
      Effect.delay(Effect.succeed([]), "3 minutes"),
      ({ close, log, registry, session: { sessionId } }) =>
        Effect.gen(function*() {
          yield* registry.releaseAsync(sessionId)
          const closing = yield* Effect.fork(close)
          yield* TestClock.adjust("2 minutes")
          assert.isTrue(Option.isNone(yield* Fiber.poll(closing)))
          yield* TestClock.adjust("1 minute")
          yield* Fiber.join(closing)
          assert.deepStrictEqual(log, [])
        })
    ))

  it.effect("has two seconds to save when the runtime ends, and the log says what was cut off", () =>
    world(interrupted, ({ close, log, session: { sessionId } }) =>
      Effect.gen(function*() {
        const closing = yield* Effect.fork(close)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(log, [])
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(closing)
        assert.deepStrictEqual(log, [`${sessionId} has ended, but not everything in it was saved`])
      })))

  it.effect("is remembered when its sandbox was lost", () =>
    world(Effect.succeed(["lost"]), ({ ended, registry, session }) =>
      Effect.gen(function*() {
        yield* Deferred.succeed(ended, lost)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* codeOf(registry.get(session.sessionId)), "InvalidMcpSession.NotFound")
        assert.strictEqual(yield* registry.findWithUnsaved(session.sessionId), session)
      })))
})

describe("a server that begins to stop", () => {
  it.effect("ends the sessions that have nothing to do and nothing to save, before it waits for the others", () =>
    world(
      Effect.succeed([]),
      ({ ends, registry, session }) =>
        Effect.gen(function*() {
          const params = { imageId: "i", labels: {}, idleSeconds: 3600, replyFormat: "v0.12" } as const
          const [idle, busy] = [yield* registry.create(params), yield* registry.create(params)]
          yield* Effect.fork(registry.whileActive(busy, Effect.never))
          yield* Effect.yieldNow()
          yield* registry.stopIdle
          yield* TestClock.adjust("1 second")
          assert.strictEqual(yield* codeOf(registry.find(idle.sessionId)), "InvalidMcpSession.NotFound")
          for (const { sessionId } of [busy, session]) {
            assert.strictEqual(yield* codeOf(registry.get(sessionId)), "found")
          }
          assert.deepStrictEqual(ends, { killed: [1], gone: [1], isOver: false })
        })
    ))

  it.effect("kills all of them before it removes the first, and is there until the last is gone", () =>
    world(
      Effect.succeed([]),
      ({ close, ends, registry }) =>
        Effect.gen(function*() {
          const sessions = Array.from({ length: 40 }, (_, nth) => nth + 1)
          for (const _ of sessions) {
            yield* registry.create({ imageId: "i", labels: {}, idleSeconds: 3600, replyFormat: "v0.12" })
          }
          const stopping = yield* Effect.fork(registry.stopIdle)
          while (ends.killed.length < 40) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          assert.deepStrictEqual([ends.killed, ends.gone], [sessions, []])
          yield* Fiber.join(stopping)
          const closing = yield* Effect.fork(close)
          yield* TestClock.adjust("29 seconds")
          assert.deepStrictEqual([ends.gone, ends.isOver], [[0], false])
          yield* TestClock.adjust("1 second")
          yield* Fiber.join(closing)
          assert.sameMembers([...ends.gone], [0, ...sessions])
          assert.isTrue(ends.isOver)
        }),
      "30 seconds"
    ))
})
