import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { findInterpreters } from "../../src/internal/sandbox/languages/interpreterSearch.js"
import { makeWatchdog } from "../../src/internal/sandbox/memory/watchdog.js"
import { make, type Sandbox } from "../../src/internal/sandbox/sandbox.js"
import { type Isolation, probeAll } from "../../src/Isolation.js"

const mebibyte = 1024 * 1024
const limits = { memoryBytes: 256 * mebibyte, workspaceBytes: 32 * mebibyte, processes: 200 }

const found = await Effect.runPromise(probeAll)
const isFirstOfItsKind = ({ mechanism }: Isolation, index: number) =>
  found.findIndex((other) => other.mechanism === mechanism) === index

const isolations = found.filter(isFirstOfItsKind).flatMap((isolation) => [
  [`${isolation.mechanism}, ${isolation.memory?.description}`, isolation] as const,
  ...(isolation.memory?.countsKernelMemory
    ? [[`${isolation.mechanism}, a watchdog`, { ...isolation, memory: makeWatchdog() }] as const]
    : [])
])

/** Each goes on until it is stopped. */
const disturbances = {
  "a fork bomb": "bomb() { bomb | bomb & }; bomb; sleep 60",
  "a flood of output": "yes 'all work and no play' & cat /dev/zero >&2",
  "a full disk":
    "while :; do head -c 100000000 /dev/zero > /tmp/full; cp /tmp/full $HOME/; mkdir -p /tmp/$RANDOM/a/b; done",
  "memory without end":
    "while :; do node -e 'const all = []; for (;;) all.push(Buffer.alloc(8e6, 1))'; done 2>/dev/null",
  "busy processors": "for i in 1 2 3 4 5 6 7 8; do while :; do :; done & done; wait"
}

const said = (sandbox: Sandbox, call: Parameters<Sandbox["call"]>[0]) =>
  Effect.map(sandbox.call(call), ({ body }) => Buffer.from(body).toString("utf8").trim())

/** What it says when all is well, within the time that the calls allow. */
const greets = (sandbox: Sandbox) =>
  Effect.all([
    said(sandbox, { op: "shell", command: "echo hello; ls / >/dev/null", timeoutMs: 10_000 }),
    said(sandbox, { op: "runCode", language: "javascript", code: "console.log(6 * 7)", timeoutMs: 10_000 })
  ])

describe.skipIf(isolations.length === 0).each(isolations)("neighbours, %s", (_, isolation) => {
  it.live.each(Object.entries(disturbances))("do not suffer from %s", ([, command]) =>
    Effect.gen(function*() {
      const interpreters = yield* findInterpreters(isolation.confinement)
      const neighbour = yield* make({ isolation, interpreters, limits })
      const hostile = yield* make({ isolation, interpreters, limits })
      const attack = yield* Effect.fork(Effect.exit(hostile.call({ op: "shell", command, timeoutMs: 60_000 })))
      for (let round = 0; round < 4; round++) {
        yield* Effect.sleep("150 millis")
        assert.deepStrictEqual(yield* greets(neighbour), ["hello", "42"])
      }
      assert.isFalse(yield* neighbour.isLost)
      yield* Fiber.interrupt(attack)
      yield* hostile.kill("the test is over")
      assert.deepStrictEqual(yield* greets(neighbour), ["hello", "42"])
    }).pipe(Effect.scoped))
})
