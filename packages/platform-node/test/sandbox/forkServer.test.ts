/** Sandboxes are started by a process beside the host, which comes and goes with them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as Path from "node:path"
import { afterAll, beforeAll } from "vitest"
import { nodeOnly } from "../../src/internal/sandbox/confine/interpreters.js"
import * as SandboxPool from "../../src/internal/sandbox/pool.js"
import type { Launch } from "../../src/internal/sandbox/process/launch.js"
import { startProcess } from "../../src/internal/sandbox/process/process.js"
import { make } from "../../src/internal/sandbox/sandbox.js"
import { type Isolation, probe, probeAll } from "../../src/Isolation.js"
import { standIn } from "../support/agent/standIn.js"
import { hold, letGo } from "../support/heldForkServer.js"
import { isRunning, parentOf, processesWith, until } from "../support/processes/processes.js"

const isLinux = process.platform === "linux"
const confined = await Effect.runPromise(probeAll)
const unconfined = await Effect.runPromise(probe("none"))
const best = confined[0] ?? unconfined

const { agent, marker, remove } = standIn()
afterAll(remove)

beforeAll(letGo)
afterAll(hold)

const nameOf = ({ confinement, mechanism }: Isolation) =>
  confinement._tag === "Unconfined" ? "none" : `${mechanism} (${confinement.entry})`

const start = (isolation: Isolation) => make({ isolation, interpreters: nodeOnly, agent })

const ancestors = (pid: number): ReadonlyArray<number> => pid <= 1 ? [pid] : [pid, ...ancestors(parentOf(pid))]

/** The children of this process from which sandboxes descend. */
const spawners = (): ReadonlyArray<number> => {
  const found = processesWith(marker).flatMap((pid) => {
    const line = ancestors(pid)
    const own = line.indexOf(process.pid)
    return own === -1 ? [] : [line[own - 1]!]
  })
  return [...new Set(found)]
}

const onlySpawner = Effect.map(Effect.sync(spawners), (found) => {
  assert.strictEqual(found.length, 1)
  assert.deepStrictEqual(found.filter((pid) => processesWith("forkServer.cjs").includes(pid)), found)
  return found[0]!
})

const launch: Launch = {
  command: "/bin/cat",
  args: [],
  environment: {},
  descriptors: [],
  cwd: "/",
  uid: undefined
}

const heldMegabytes = 600

describe.skipIf(!isLinux)("Spawner", () => {
  it.live("forks in place of a host that holds much memory", () =>
    Effect.gen(function*() {
      const held = Array.from({ length: heldMegabytes }, () => Buffer.alloc(2 ** 20, 1))
      const first = yield* start(best)
      const spawner = yield* onlySpawner
      const others = yield* Effect.all([start(best), start(best)], { concurrency: "unbounded" })
      assert.strictEqual(yield* onlySpawner, spawner)
      assert.strictEqual(processesWith(marker).filter((pid) => parentOf(pid) === process.pid).length, 0)
      for (const sandbox of [first, ...others]) assert.isNull((yield* sandbox.call({ op: "ping" })).value)
      assert.strictEqual(held.length, heldMegabytes)
    }).pipe(Effect.scoped))

  it.live("ends with the last sandbox, and stays with a pool", () =>
    Effect.gen(function*() {
      const poolScope = yield* Scope.make()
      const pool = yield* SandboxPool.make({ isolation: best, interpreters: nodeOnly, agent, size: 0 }).pipe(
        Scope.extend(poolScope)
      )
      const spawner = yield* Effect.scoped(Effect.zipRight(pool.take, onlySpawner))
      assert.isTrue(yield* until(() => processesWith(marker).length === 0))
      assert.isTrue(isRunning(spawner))
      const scope = yield* Scope.make()
      yield* pool.take.pipe(Scope.extend(scope))
      yield* Scope.close(poolScope, Exit.void)
      assert.strictEqual(yield* onlySpawner, spawner)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(yield* until(() => !isRunning(spawner)))
    }))

  it.live.each([...confined, unconfined].map((isolation) => [nameOf(isolation), isolation] as const))(
    "takes its sandboxes along when it is killed, and is replaced: %s",
    ([, isolation]) =>
      Effect.gen(function*() {
        const sandboxes = [yield* start(isolation), yield* start(isolation)]
        const spawner = yield* onlySpawner
        process.kill(spawner, "SIGKILL")
        for (const sandbox of sandboxes) assert.match((yield* sandbox.lost).reason, /the fork server has ended/)
        assert.isTrue(yield* until(() => processesWith(marker).length === 0))
        const next = yield* start(isolation)
        assert.isNull((yield* next.call({ op: "ping" })).value)
        assert.notStrictEqual(yield* onlySpawner, spawner)
      }).pipe(Effect.scoped)
  )

  it.live("leaves signals for its whole group or service to its host", () =>
    Effect.gen(function*() {
      const sandbox = yield* start(best)
      const spawner = yield* onlySpawner
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.kill(spawner, signal)
      yield* start(best)
      assert.strictEqual(yield* onlySpawner, spawner)
      assert.isNull((yield* sandbox.call({ op: "ping" })).value)
    }).pipe(Effect.scoped))

  it.live("says why something could not be started, and goes on", () =>
    Effect.gen(function*() {
      yield* start(best)
      const nowhere = Path.join(Path.dirname(agent), "nowhere")
      for (const broken of [{ ...launch, command: nowhere }, { ...launch, cwd: nowhere }]) {
        const error = yield* Effect.flip(startProcess(broken, "killNamespace"))
        assert.strictEqual(error._tag, "SandboxStartError")
        assert.match(error.reason, /could not be started: .*ENOENT/)
      }
      const { exited, stderr } = yield* startProcess(
        { ...launch, command: "/bin/sh", args: ["-c", "echo gone >&2; exit 3"] },
        "killNamespace"
      )
      assert.strictEqual(yield* Effect.promise(() => exited), "its process ended with exit code 3")
      assert.strictEqual(stderr(), "gone")
    }).pipe(Effect.scoped))

  it.live("loses nothing of what a process says before its host listens", () =>
    Effect.gen(function*() {
      const command = "printf out; printf err >&2; exec 1>&- 2>&-; cat >/dev/null"
      const starts = Array.from(
        { length: 24 },
        () => startProcess({ ...launch, command: "/bin/sh", args: ["-c", command] }, "killNamespace")
      )
      for (const { child, stderr } of yield* Effect.all(starts, { concurrency: 8 })) {
        let said = ""
        child.stdout.on("data", (chunk) => said += chunk)
        assert.isTrue(yield* until(() => said === "out" && stderr() === "err"))
      }
    }).pipe(Effect.scoped))
})
