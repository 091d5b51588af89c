/** Which session the tools work in, and what happens when it or the account fails. */
import { AgbToolkit } from "@effect-agb/ai"
import { Agb, AgbError, SessionPool } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Stream } from "effect"
import { isolation, params } from "../support/local.js"

const backend = (plan: AgbTest.Plan = {}) =>
  LocalAgb.layer({ isolation, poolSize: 0 }).pipe(Layer.provide(AgbTest.faults(plan)))

const sessions = Effect.flatMap(Agb.Agb, (agb) => Effect.map(Stream.runCollect(agb.list()), (found) => found.length))

const run = (code: string) =>
  Effect.gen(function*() {
    const { handle } = yield* AgbToolkit.toolkit
    const { result } = yield* handle("run_code", { code })
    return "output" in result ? result.output : result
  })

describe("a session for a conversation", () => {
  it.live("is created by the first call, is one for all, and is deleted with the layer", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        assert.strictEqual(yield* sessions, 0)
        assert.deepStrictEqual(yield* Effect.all([run("x = 1"), run("print(1)")], { concurrency: 2 }), ["", "1"])
        assert.strictEqual(yield* run("x"), "1")
        assert.strictEqual(yield* sessions, 1)
      }).pipe(Effect.provide(AgbToolkit.layerSession(params)))
      assert.strictEqual(yield* sessions, 0)
    }).pipe(Effect.provide(backend())))

  it.live("is created by a later call if the first could not", () =>
    Effect.gen(function*() {
      const first = yield* Effect.flip(run("1"))
      assert(AgbError.isAgbError(first))
      assert.strictEqual(first._tag, "RequestRejectedError")
      assert.strictEqual(String(yield* Effect.merge(run("2"))), "2")
    }).pipe(
      Effect.provide(AgbToolkit.layerSession(params)),
      Effect.provide(backend({ createSession: [AgbTest.quotaExceeded] }))
    ))

  it.live("is a typed error of the call when it is lost, and no result", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* run("1"), "1")
      const lost = yield* Effect.exit(run("2"))
      assert(Exit.isFailure(lost) && lost.cause._tag === "Fail" && AgbError.isAgbError(lost.cause.error))
      assert.strictEqual(lost.cause.error._tag, "SessionLostError")
    }).pipe(
      Effect.provide(AgbToolkit.layerSession(params)),
      Effect.provide(backend({ run_code: [undefined, AgbTest.sessionLost] }))
    ))

  it.live("is borrowed from a pool once, and given back without the processes of the model", () =>
    Effect.gen(function*() {
      const pool = yield* SessionPool.SessionPool
      const conversation = Effect.gen(function*() {
        assert.strictEqual((yield* pool.stats).borrowed, 0)
        yield* run("x = 1")
        assert.strictEqual(yield* run("x"), "1")
        const { handle } = yield* AgbToolkit.toolkit
        yield* handle("start_process", { command: "sleep 1000" })
        return yield* pool.stats
      })
      const during = yield* Effect.provide(conversation, AgbToolkit.layerPool())
      assert.deepInclude(during, { borrowed: 1, size: 1 })
      assert.deepInclude(yield* pool.stats, { borrowed: 0, idle: 1 })
      const processes = yield* pool.use(({ command }) => command.listProcesses)
      assert.deepStrictEqual(processes, [])
    }).pipe(
      Effect.provide(SessionPool.layer({ session: params, max: 1 })),
      Effect.provide(backend())
    ))

  it.live("options are checked", () =>
    Effect.gen(function*() {
      const error = yield* Effect.merge(
        Effect.provide(Effect.void, AgbToolkit.layerSession(params, { maxCharacters: 10 }))
      )
      assert.deepInclude(error, { _tag: "InvalidRequestError", field: "maxCharacters" })
    }).pipe(Effect.provide(backend())))
})
