/** How long a connection to the outside may take to make, and whom it holds up meanwhile. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, TestClock } from "effect"
import * as Net from "node:net"
import { dial, hostNetwork, makeEgress } from "../../src/internal/egress/dial.js"
import { makeFifoSemaphore } from "../../src/internal/fifoSemaphore.js"

const nothing = { ranges: [], names: new Set<string>() }

/** Names are asked for, and answered when a test says so. */
const slow = () => {
  const asked: Array<string> = []
  const answers: Array<() => void> = []
  const machine = {
    ...hostNetwork,
    query: () => Promise.resolve(undefined),
    resolve: (name: string) => {
      asked.push(name)
      return new Promise<ReadonlyArray<string>>((resolve) => answers.push(() => resolve(["127.0.0.1"])))
    },
    connect: () => new Net.Socket()
  }
  return { egress: makeEgress(nothing, machine), asked, answers }
}

/** For promises to be kept. */
const moment = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

describe("dialling", () => {
  it.effect("gives up on a name after ten seconds", () =>
    Effect.gen(function*() {
      const { egress } = slow()
      const dialling = yield* Effect.fork(
        Effect.scoped(dial(egress, makeFifoSemaphore(1), { host: "slow.example", port: 80 }))
      )
      yield* TestClock.adjust("10 seconds")
      const denial = yield* Effect.flip(Fiber.join(dialling))
      assert.deepInclude(denial, { reason: "late" })
      assert.include(denial.message, "10s")
    }))

  it.effect("gives up on a host that does not answer after ten seconds, and lets go of it", () =>
    Effect.gen(function*() {
      const sockets: Array<Net.Socket> = []
      const connect = () => {
        const socket = new Net.Socket()
        sockets.push(socket)
        return socket
      }
      const egress = makeEgress(nothing, { ...hostNetwork, connect })
      const dialling = yield* Effect.fork(
        Effect.scoped(dial(egress, makeFifoSemaphore(1), { host: "8.8.8.8", port: 80 }))
      )
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* Effect.flip(Fiber.join(dialling)), { reason: "late" })
      assert.deepStrictEqual(sockets.map(({ destroyed }) => destroyed), [true])
    }))

  it.effect("is not held up by sessions that ask for names whose servers are silent", () =>
    Effect.gen(function*() {
      const givenUp: Array<string> = []
      const dialled: Array<string> = []
      const machine = {
        ...hostNetwork,
        query: (name: string, signal: AbortSignal) => {
          signal.addEventListener("abort", () => givenUp.push(name))
          return name.startsWith("silent") ? new Promise<never>(() => {}) : Promise.resolve(["8.8.8.8"])
        },
        resolve: () => new Promise<never>(() => {}),
        connect: (address: string) => {
          dialled.push(address)
          return new Net.Socket()
        }
      }
      const egress = makeEgress(nothing, machine)
      const from = (host: string) => Effect.fork(Effect.scoped(dial(egress, makeFifoSemaphore(1), { host, port: 80 })))
      const silent = yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (index) => from(`silent${index}.example`))
      yield* from("neighbour.example")
      yield* moment
      assert.deepStrictEqual(dialled, ["8.8.8.8"])
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* Effect.flip(Fiber.join(silent[0]!)), { reason: "late" })
      yield* moment
      assert.lengthOf(givenUp, 8)
    }))

  it.effect("asks the system for one name of a session at a time, and two in all, also when nobody waits any more", () =>
    Effect.gen(function*() {
      const { answers, asked, egress } = slow()
      const session = (name: string) => {
        const turn = makeFifoSemaphore(1)
        return Effect.forEach(
          [1, 2, 3],
          (index) => Effect.fork(Effect.scoped(dial(egress, turn, { host: `${name}${index}.example`, port: 80 })))
        )
      }
      const first = yield* session("a")
      yield* moment
      assert.deepStrictEqual(asked, ["a1.example"])
      yield* session("b")
      yield* session("c")
      yield* moment
      assert.deepStrictEqual(asked, ["a1.example", "b1.example"])
      yield* Fiber.interruptAll(first)
      yield* moment
      assert.deepStrictEqual(asked, ["a1.example", "b1.example"], "the thread of a1 is not free")
      answers[0]?.()
      yield* moment
      yield* moment
      assert.deepStrictEqual(asked, ["a1.example", "b1.example", "c1.example"])
    }))

  it.effect("is refused where this machine cannot say which addresses are its own", () =>
    Effect.gen(function*() {
      const own = () => {
        throw new Error("EMFILE")
      }
      let isDialled = false
      const connect = () => {
        isDialled = true
        return new Net.Socket()
      }
      const egress = makeEgress(nothing, { ...hostNetwork, ownAddresses: own, connect })
      const exit = yield* Effect.exit(Effect.scoped(dial(egress, makeFifoSemaphore(1), { host: "8.8.8.8", port: 80 })))
      assert.isTrue(Exit.isFailure(exit))
      assert.isFalse(isDialled)
    }))
})
