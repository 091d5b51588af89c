import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { afterAll } from "vitest"
import { makeFifoSemaphore } from "../../src/internal/fifoSemaphore.js"
import { nodeOnly } from "../../src/internal/sandbox/confine/interpreters.js"
import * as SandboxPool from "../../src/internal/sandbox/pool.js"
import { probe, probeAll } from "../../src/Isolation.js"
import { standIn } from "../support/agent/standIn.js"
import { killThoseWith, processesWith, until } from "../support/processes/processes.js"

const { agent, marker, remove } = standIn()
afterAll(remove)

const isolation = (await Effect.runPromise(probeAll))[0] ?? (await Effect.runPromise(probe("none")))
const pool = (size: number) => SandboxPool.make({ isolation, interpreters: nodeOnly, agent, size })

/** Each sandbox is more than one process, so only none and some are told apart. */
const isRunning = () => processesWith(marker).length > 0

const filled = ({ idle }: SandboxPool.SandboxPool, count: number) =>
  Effect.gen(function*() {
    for (let round = 0; round < 500 && (yield* idle) < count; round++) yield* Effect.sleep("10 millis")
    assert.strictEqual(yield* idle, count)
  })

describe.skipIf(process.platform !== "linux")("SandboxPool", () => {
  it.live("hands out what waited, and starts the next", () =>
    Effect.scoped(Effect.gen(function*() {
      const sandboxes = yield* pool(2)
      yield* filled(sandboxes, 2)
      yield* Effect.scoped(Effect.gen(function*() {
        const sandbox = yield* sandboxes.take
        assert.strictEqual(yield* sandboxes.idle, 1)
        assert.isNull((yield* sandbox.call({ op: "ping" })).value)
        yield* filled(sandboxes, 2)
      }))
    })).pipe(Effect.zipRight(until(() => !isRunning())), Effect.map((isGone) => assert.isTrue(isGone))))

  it.live("starts one when none waits", () =>
    Effect.scoped(Effect.gen(function*() {
      const sandboxes = yield* pool(0)
      const sandbox = yield* sandboxes.take
      yield* sandbox.call({ op: "ping" })
    })))

  it.live("leaves a sandbox to its taker when the pool ends first", () =>
    Effect.scoped(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const sandboxes = yield* pool(1).pipe(Scope.extend(scope))
      yield* filled(sandboxes, 1)
      const sandbox = yield* sandboxes.take
      yield* Scope.close(scope, Exit.void)
      yield* sandbox.call({ op: "ping" })
    })))

  it.live("does not hand out one that died while it waited", () =>
    Effect.scoped(Effect.gen(function*() {
      const sandboxes = yield* pool(1)
      yield* filled(sandboxes, 1)
      killThoseWith(marker)
      yield* until(() => !isRunning())
      yield* Effect.sleep("100 millis")
      const sandbox = yield* sandboxes.take
      yield* sandbox.call({ op: "ping" })
    })))

  it.live("loses none to interruption, wherever it strikes", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const sandboxes = yield* pool(1)
        for (let round = 0; round < 24; round++) {
          const taker = yield* Effect.fork(Effect.scoped(Effect.zipRight(sandboxes.take, Effect.never)))
          yield* Effect.sleep(round * 4)
          yield* Fiber.interrupt(taker)
        }
      }))
      assert.isTrue(yield* until(() => !isRunning()))
    }))

  it.live("ends while it still starts its first", () =>
    Effect.gen(function*() {
      for (const delay of [0, 2, 10, 30, 50]) yield* Effect.scoped(Effect.zipRight(pool(2), Effect.sleep(delay)))
      assert.isTrue(yield* until(() => !isRunning()))
    }))
  it.live("serves a burst that is far larger than the machine, in turn", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const sandboxes = yield* pool(2)
        const burst = Array.from({ length: 40 }, () => sandboxes.take)
        const taken = yield* Effect.all(burst, { concurrency: "unbounded" })
        const answers = yield* Effect.forEach(taken, (sandbox) => sandbox.call({ op: "ping" }), { concurrency: 8 })
        assert.strictEqual(new Set(taken).size, 40)
        assert.strictEqual(answers.length, 40)
      }))
      assert.isTrue(yield* until(() => !isRunning()))
    }))
})

describe("Turns", () => {
  it.effect("are never lost, whenever those who wait give up", () =>
    Effect.gen(function*() {
      const inTurn = makeFifoSemaphore(2)
      let [running, most] = [0, 0]
      const work = Effect.acquireUseRelease(
        Effect.sync(() => {
          most = Math.max(most, ++running)
        }),
        () => Effect.yieldNow(),
        () => Effect.sync(() => void running--)
      )
      for (let round = 0; round < 200; round++) {
        const fibers = yield* Effect.forEach(Array.from({ length: 6 }), () => Effect.fork(inTurn(work)))
        for (let turn = 0; turn < round % 7; turn++) yield* Effect.yieldNow()
        yield* Effect.forEach(fibers.filter((_, index) => index % 2 === round % 2), Fiber.interrupt)
        yield* Effect.forEach(fibers, Fiber.await)
      }
      assert.deepStrictEqual([running, most], [0, 2])
      yield* inTurn(inTurn(Effect.void))
    }))
})
