import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, ExecutionStrategy, Exit, Fiber, Option, Scope, Stream } from "effect"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Http from "node:http"
import { syncBuiltinESMExports } from "node:module"
import type { AddressInfo } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, vi } from "vitest"
import type { SandboxCall } from "../../src/internal/sandbox/channel/protocol.js"
import { nodeOnly } from "../../src/internal/sandbox/confine/interpreters.js"
import { sweepWorkspaces } from "../../src/internal/sandbox/disk/workspace.js"
import { childrenOf } from "../../src/internal/sandbox/process/processTree.js"
import { make, type Sandbox } from "../../src/internal/sandbox/sandbox.js"
import { type Isolation, probe, probeAll } from "../../src/Isolation.js"
import { standIn } from "../support/agent/standIn.js"
import { outputOf, spawnFixture } from "../support/processes/children.js"
import { isRunning, processesWith, until } from "../support/processes/processes.js"

const isLinux = process.platform === "linux"
const confined = await Effect.runPromise(probeAll)
const unconfined = await Effect.runPromise(probe("none"))

const { agent, marker, remove } = standIn()
afterAll(remove)

const nameOf = ({ confinement, mechanism }: Isolation) =>
  confinement._tag === "Unconfined" ? "none" : `${mechanism} (${confinement.entry})`

const start = (isolation: Isolation) => make({ isolation, interpreters: nodeOnly, agent })

/** The stand-in understands more than a real agent. */
const odd = (op: string) => ({ op }) as unknown as SandboxCall

const shell = (sandbox: Sandbox, command: string) =>
  Effect.map(
    sandbox.call({ op: "shell", command, timeoutMs: 120_000 }),
    ({ body }) => Buffer.from(body).toString().trim()
  )

const uniqueSeconds = () => `9${process.pid}.${Math.floor(Math.random() * 1e9)}`

const nothingLeft = Effect.map(until(() => processesWith(marker).length === 0), (isEmpty) => assert.isTrue(isEmpty))

/** Other tests make some at the same time. */
const isOf = (pid: number) => (name: string) => {
  try {
    return JSON.parse(Fs.readFileSync(Path.join(Os.tmpdir(), name, "owner.json"), "utf8")).pid === pid
  } catch {
    return false
  }
}

const workspacesOf = (pid = 0) =>
  Fs.readdirSync(Os.tmpdir()).filter((name) => name.startsWith("agb-session-")).filter(isOf(pid))

describe.skipIf(!isLinux).each([...confined, unconfined].map((isolation) => [nameOf(isolation), isolation] as const))(
  "Sandbox, %s",
  (_, isolation) => {
    it.live("starts, answers and leaves nothing", () =>
      Effect.gen(function*() {
        const before = workspacesOf(process.pid).length
        yield* Effect.scoped(Effect.gen(function*() {
          const sandbox = yield* start(isolation)
          assert.isNull((yield* sandbox.call({ op: "ping" })).value)
          assert.strictEqual(
            yield* shell(sandbox, "pwd; echo $HOME; echo $TMPDIR"),
            [sandbox.workdir, sandbox.home, sandbox.tmp].join("\n")
          )
          assert.strictEqual(
            yield* shell(sandbox, "echo a > $HOME/a && echo b > $TMPDIR/b && cat $HOME/a $TMPDIR/b"),
            "a\nb"
          )
        }))
        yield* nothingLeft
        assert.strictEqual(workspacesOf(process.pid).length, before)
      }))

    it.live("gives user code an environment made from nothing", () =>
      Effect.gen(function*() {
        process.env.AGB_API_KEY = "sk-must-not-get-in"
        const sandbox = yield* start(isolation)
        const names = (yield* shell(sandbox, "env")).trim().split("\n").map((line) => line.split("=")[0] ?? "")
        const own =
          /^(?:PWD|SHLVL|_|HOME|LANG|TMPDIR|PATH|USER|LOGNAME|SHELL|AGB_SANDBOX|AGB_CALL_ID|NODE_PATH|R_LIBS_USER)$/
        const ofInstallers = /^(?:PIP|NPM_CONFIG)_[A-Z_]+$/
        assert.deepStrictEqual(names.filter((name) => !own.test(name) && !ofInstallers.test(name)), [])
        delete process.env.AGB_API_KEY
      }).pipe(Effect.scoped))

    it.live("fails every call in flight when its agent is killed", () =>
      Effect.gen(function*() {
        const sandbox = yield* start(isolation)
        const calls = yield* Effect.fork(Effect.all(
          Array.from({ length: 3 }, () => Effect.flip(sandbox.call(odd("mute")))),
          { concurrency: "unbounded" }
        ))
        yield* Effect.yieldNow()
        const killed = yield* Effect.flip(sandbox.call(odd("die")))
        const losses = [killed, ...(yield* Fiber.join(calls)), yield* sandbox.lost]
        assert.deepStrictEqual(losses.map((loss) => loss._tag), Array.from({ length: 5 }, () => "SandboxLost" as const))
        assert.strictEqual((yield* Effect.flip(sandbox.call({ op: "ping" })))._tag, "SandboxLost")
        yield* nothingLeft
      }).pipe(Effect.scoped))

    it.live("ends what an interrupted call runs, and nothing else", () =>
      Effect.gen(function*() {
        const sandbox = yield* start(isolation)
        const seconds = uniqueSeconds()
        const call = yield* Effect.fork(shell(sandbox, `sleep ${seconds}`))
        assert.isTrue(yield* until(() => processesWith(seconds).length > 0))
        yield* Fiber.interrupt(call)
        assert.isTrue(yield* until(() => processesWith(seconds).length === 0))
        assert.strictEqual(yield* shell(sandbox, "echo well"), "well")
      }).pipe(Effect.scoped))

    it.live("takes daemons along when it ends", () =>
      Effect.gen(function*() {
        const seconds = uniqueSeconds()
        yield* Effect.scoped(Effect.gen(function*() {
          const sandbox = yield* start(isolation)
          yield* shell(sandbox, `setsid sleep ${seconds} >/dev/null 2>&1 </dev/null &`)
          assert.isTrue(yield* until(() => processesWith(seconds).length > 0))
        }))
        assert.isTrue(yield* until(() => processesWith(seconds).length === 0))
      }))
  }
)

describe.skipIf(!isLinux).each(confined.map((isolation) => [nameOf(isolation), isolation] as const))(
  "Confined sandbox, %s",
  (_, isolation) => {
    const listener = Effect.acquireRelease(
      Effect.promise(async () => {
        const server = Http.createServer((_, response) => response.end("hello from the host"))
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
        return server
      }),
      (server) => Effect.sync(() => server.close())
    )

    it.live("shares the network of the host when asked to, and only then", () =>
      Effect.gen(function*() {
        const { port } = (yield* listener).address() as AddressInfo
        const fetched = `node -e 'fetch("http://127.0.0.1:${port}").then((it) => it.text()).then(console.log, () => 0)'`
        const alone = yield* start(isolation)
        const open = yield* make({ isolation, interpreters: nodeOnly, agent, network: "host" })
        assert.strictEqual(yield* shell(alone, fetched), "")
        assert.strictEqual(yield* shell(open, fetched), "hello from the host")
      }).pipe(Effect.scoped))

    it.live("bounds the memory of a process", () =>
      Effect.gen(function*() {
        const sandbox = yield* make({
          isolation,
          interpreters: nodeOnly,
          agent,
          limits: { memoryBytes: 256 * 1024 * 1024 }
        })
        const bomb = "node -e 'const all = []; for (;;) all.push(Buffer.alloc(16e6, 1))' >/dev/null 2>&1; echo over"
        assert.strictEqual(yield* shell(sandbox, bomb), "over")
      }).pipe(Effect.scoped))

    it.live("has a loopback of its own", () =>
      Effect.gen(function*() {
        const sandbox = yield* start(isolation)
        const code =
          "const net = require(\"net\"); const s = net.createServer((c) => c.end(\"inside\")).listen(0, \"127.0.0.1\", () => " +
          "net.connect(s.address().port, \"127.0.0.1\").on(\"data\", (d) => { console.log(String(d)); process.exit() }))"
        assert.strictEqual(yield* shell(sandbox, `node -e '${code}'`), "inside")
      }).pipe(Effect.scoped))
  }
)

const best = confined[0] ?? unconfined

describe("Sandbox", () => {
  it.live.each(["garbage", "huge", "nonsense", "stranger"])(
    "is ended by a frame of %s",
    (op) =>
      Effect.gen(function*() {
        const sandbox = yield* start(best)
        const bystander = yield* Effect.fork(Effect.flip(sandbox.call(odd("mute"))))
        const error = yield* Effect.flip(sandbox.call(odd(op)))
        assert.strictEqual(error._tag, "SandboxLost")
        assert.match(error.message, /its agent (sent|answered)/)
        assert.strictEqual((yield* Fiber.join(bystander))._tag, "SandboxLost")
      }).pipe(Effect.scoped)
  )

  it.live("refuses a timeout beyond its limit, and makes no such call", () =>
    Effect.gen(function*() {
      const limits = { longestCallMillis: 5000 }
      const sandbox = yield* make({ isolation: best, interpreters: nodeOnly, agent, limits })
      const call = { op: "shell", command: "touch $HOME/made", timeoutMs: 5001 } as const
      const refusals = [
        yield* Effect.flip(sandbox.call(call)),
        yield* Effect.flip(Stream.runDrain(sandbox.stream(call)))
      ]
      assert.deepStrictEqual(refusals.map((error) => error._tag === "SandboxFailure" && error.code), [
        "EINVAL",
        "EINVAL"
      ])
      assert.strictEqual(
        yield* Effect.map(
          sandbox.call({ ...call, command: "ls $HOME", timeoutMs: 5000 }),
          ({ body }) => body.length
        ),
        0
      )
    }).pipe(Effect.scoped))

  it.live("tells a refusal from a loss", () =>
    Effect.gen(function*() {
      const sandbox = yield* start(best)
      const error = yield* Effect.flip(sandbox.call(odd("no such thing")))
      assert.strictEqual(error._tag === "SandboxFailure" && error.code, "EINVAL")
      yield* sandbox.call({ op: "ping" })
    }).pipe(Effect.scoped))

  it.live("streams a flood to a slow reader, whole, and is held back whatever its agent keeps to", () =>
    Effect.gen(function*() {
      const sandbox = yield* start(best)
      const size = 96_000_000
      const reader = yield* Deferred.make<void>()
      const flood = sandbox.stream({ op: "shell", command: `head -c ${size} /dev/zero`, timeoutMs: 60_000 }).pipe(
        Stream.tap(() => Deferred.await(reader)),
        Stream.runFold({ bytes: 0, last: "" }, ({ bytes }, event) => ({
          bytes: bytes + (event._tag === "Output" ? event.output.body.length : 0),
          last: event._tag
        }))
      )
      const reading = yield* Effect.fork(flood)
      const answered = Effect.map(Effect.timeoutOption(sandbox.call({ op: "ping" }), "6 seconds"), Option.isSome)
      const polled = Effect.delay(answered, "100 millis")
      assert.isFalse(yield* Effect.repeat(polled, { while: (isAnswered) => isAnswered, times: 150 }))
      const other = yield* Effect.fork(sandbox.call({ op: "ping" }))
      yield* Deferred.succeed(reader, undefined)
      assert.deepStrictEqual(yield* Fiber.join(reading), { bytes: size, last: "Answer" })
      yield* Fiber.join(other)
    }).pipe(Effect.scoped))

  it.live("ends the command of a stream of which no more is wanted", () =>
    Effect.gen(function*() {
      const sandbox = yield* start(best)
      const seconds = uniqueSeconds()
      const command = `echo first; sleep ${seconds}`
      const events = yield* Stream.runCollect(
        Stream.take(sandbox.stream({ op: "shell", command, timeoutMs: 20_000 }), 1)
      )
      assert.strictEqual(events.length, 1)
      assert.isTrue(yield* until(() => !isLinux || processesWith(seconds).length === 0))
      yield* sandbox.call({ op: "ping" })
    }).pipe(Effect.scoped))

  it.live("reports an agent that does not start, in its own words", () =>
    Effect.gen(function*() {
      const broken = standIn("throw new Error('a broken agent')")
      const error = yield* Effect.flip(make({ isolation: best, interpreters: nodeOnly, agent: broken.agent }))
      broken.remove()
      assert.strictEqual(error._tag, "SandboxStartError")
      assert.match(error.message, /a broken agent/)
    }).pipe(Effect.scoped))

  it.live("leaves nothing when its start is interrupted", () =>
    Effect.gen(function*() {
      for (const delay of [0, 1, 5, 15, 30, 60]) {
        yield* Effect.scoped(start(best)).pipe(Effect.timeoutOption(delay))
      }
      yield* nothingLeft
    }))

  it.live("outlives neither its scope nor a second closing of it", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const sandbox = yield* start(best).pipe(Scope.extend(scope))
      const told = yield* Deferred.make<string>()
      yield* Effect.fork(Effect.flatMap(sandbox.lost, ({ reason }) => Deferred.succeed(told, reason)))
      yield* Effect.all([Scope.close(scope, Exit.void), Scope.close(scope, Exit.void)], { concurrency: 2 })
      assert.strictEqual(yield* Deferred.await(told), "it was closed")
      yield* nothingLeft
    }))
})

describe.skipIf(confined.length === 0)("Sandboxes of a host that is killed", () => {
  it.live("are gone, whether their agents run or stand still", () =>
    Effect.gen(function*() {
      const seconds = uniqueSeconds()
      const secondsOfStrays = uniqueSeconds()
      const host = yield* Effect.promise(() =>
        spawnFixture("holdSandboxes.mts", { args: [agent, seconds, secondsOfStrays] })
      )
      const [said] = yield* Effect.promise(() => once(host.stdout!, "data"))
      const isolations = Number(said)
      assert.isAbove(isolations, confined.length)
      // The last of each starts when its agent stands still.
      const sleeping = 2 * (2 * isolations + confined.length)
      assert.isTrue(yield* until(() => processesWith(`sleep\0${seconds}`).length >= sleeping))
      const spawners = childrenOf(host.pid ?? 0)
      assert.isNotEmpty(spawners)
      host.kill("SIGKILL")
      assert.isTrue(yield* until(() => processesWith(seconds).length === 0 && processesWith(marker).length === 0))
      assert.isTrue(yield* until(() => !spawners.some(isRunning)))
      yield* sweepWorkspaces
      assert.isTrue(yield* until(() => processesWith(secondsOfStrays).length === 0))
      assert.deepStrictEqual(workspacesOf(host.pid), [])
    }))

  it.live("in namespaces are gone when what starts them is killed too", () =>
    Effect.gen(function*() {
      const seconds = uniqueSeconds()
      const host = yield* Effect.promise(() =>
        spawnFixture("holdSandboxes.mts", { args: [agent, seconds, seconds, "namespaces"] })
      )
      yield* Effect.promise(() => once(host.stdout!, "data"))
      assert.isTrue(yield* until(() => processesWith(`sleep\0${seconds}`).length >= 6 * confined.length))
      const spawners = childrenOf(host.pid ?? 0)
      for (const pid of [...spawners, host.pid ?? 0]) process.kill(pid, "SIGKILL")
      assert.isTrue(yield* until(() => processesWith(seconds).length === 0))
      yield* sweepWorkspaces
      assert.deepStrictEqual(workspacesOf(host.pid), [])
    }))
})

describe.skipIf(confined.length === 0)("Sandboxes where process 1 reaps nobody", () => {
  it("leave no zombies", async () => {
    const asRoot = spawnSync("unshare", ["--pid", "true"]).status === 0 ? [] : ["--user", "--map-root-user"]
    const under = ["unshare", ...asRoot, "--pid", "--fork", "--mount-proc"]
    const output = await outputOf(await spawnFixture("zombies.mts", { under, args: [agent] }))
    assert.deepStrictEqual(JSON.parse(output), { pid: 1, left: [] })
  })
})

/** How often this process lists the processes of the machine while the effect runs. */
const looksDuring = (effect: Effect.Effect<unknown>): Effect.Effect<number> =>
  Effect.gen(function*() {
    const { default: builtin } = Fs as unknown as { readonly default: typeof Fs }
    let looks = 0
    const { readdirSync } = builtin
    const listing = vi.spyOn(builtin, "readdirSync").mockImplementation(
      ((...args: Parameters<typeof readdirSync>) => {
        if (args[0] === "/proc") looks += 1
        return readdirSync(...args)
      }) as typeof readdirSync
    )
    syncBuiltinESMExports()
    yield* Effect.ensuring(
      effect,
      Effect.sync(() => {
        listing.mockRestore()
        syncBuiltinESMExports()
      })
    )
    return looks
  })

describe.skipIf(!isLinux)("Sandboxes that end together", () => {
  it.live("look for their daemons together, and leave none", () =>
    Effect.gen(function*() {
      const seconds = uniqueSeconds()
      const scope = yield* Scope.make(ExecutionStrategy.parallel)
      const homes = yield* Effect.forEach(Array.from({ length: 24 }), () =>
        Effect.gen(function*() {
          const sandbox = yield* start(unconfined)
          yield* shell(sandbox, `setsid sleep ${seconds} >/dev/null 2>&1 </dev/null &`)
          return sandbox.home
        }), { concurrency: 4 }).pipe(Scope.extend(scope))
      assert.isTrue(yield* until(() => processesWith(`sleep\0${seconds}`).length === 24))
      assert.isBelow(yield* looksDuring(Scope.close(scope, Exit.void)), 12)
      assert.deepStrictEqual(homes.filter((home) => Fs.existsSync(Path.dirname(home))), [])
      assert.isTrue(yield* until(() => processesWith(seconds).length === 0))
    }).pipe(Effect.scoped))
})
