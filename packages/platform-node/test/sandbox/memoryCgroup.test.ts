/**
 * Control groups of version 2, which few test machines have with the controller for memory: through a directory that
 * behaves as the kernel's, and through the real one as far as it goes without that controller.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Exit, Scope } from "effect"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { createRequire, syncBuiltinESMExports } from "node:module"
import * as Os from "node:os"
import * as Path from "node:path"
import { makeCgroupController } from "../../src/internal/sandbox/memory/cgroup.js"
import { until } from "../support/processes/processes.js"

const fs = createRequire(import.meta.url)("node:fs") as { -readonly [K in keyof typeof Fs]: typeof Fs[K] }

const groupFiles = (optional: ReadonlyArray<string>): Readonly<Record<string, string>> => ({
  "memory.max": "max\n",
  "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n",
  "cgroup.procs": "",
  ...Object.fromEntries(optional.map((name) => [name, "max\n"]))
})

const busy = (path: string) => Object.assign(new Error(`EBUSY: ${path}`), { code: "EBUSY" })

/**
 * A directory in which a new group comes with its files, and is removed with them once no process is in it. Groups of a
 * kernel without swap have no file for it.
 */
const kernelDirectory = (optional: ReadonlyArray<string> = ["memory.swap.max", "cpu.weight"]) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-cgroup2-"))
        const { mkdirSync, rmdirSync } = fs
        fs.mkdirSync = ((path: string) => {
          mkdirSync(path)
          if (!path.startsWith(directory)) return
          for (const [name, text] of Object.entries(groupFiles(optional))) Fs.writeFileSync(Path.join(path, name), text)
        }) as typeof mkdirSync
        fs.rmdirSync = (path) => {
          const procs = Path.join(String(path), "cgroup.procs")
          if (!Fs.existsSync(procs)) return rmdirSync(path)
          if (Fs.readFileSync(procs, "utf8") !== "") throw busy(String(path))
          for (const name of Fs.readdirSync(path)) Fs.unlinkSync(Path.join(String(path), name))
          rmdirSync(path)
        }
        syncBuiltinESMExports()
        return { directory, mkdirSync, rmdirSync }
      }),
      ({ directory, mkdirSync, rmdirSync }) =>
        Effect.sync(() => {
          Object.assign(fs, { mkdirSync, rmdirSync })
          syncBuiltinESMExports()
          Fs.rmSync(directory, { recursive: true })
        })
    ),
    ({ directory }) => ({
      directory,
      groups: () => Fs.readdirSync(directory),
      read: (group: string, name: string) => Fs.readFileSync(Path.join(directory, group, name), "utf8"),
      write: (group: string, name: string, text: string) => Fs.writeFileSync(Path.join(directory, group, name), text)
    })
  )

const bytes = 64 * 2 ** 20

const sleeper = Effect.acquireRelease(
  Effect.sync(() => spawn("sleep", ["600"], { stdio: "ignore" })),
  (child) => Effect.sync(() => child.kill("SIGKILL"))
)

describe.skipIf(process.platform !== "linux")("a control group of version 2", () => {
  it.scoped("bounds memory and swap, and gives its processes half the weight", () =>
    Effect.gen(function*() {
      const { directory, groups, read } = yield* kernelDirectory()
      yield* makeCgroupController({ version: 2, directory }).limit(bytes, [])
      const [group = ""] = groups()
      assert.match(group, new RegExp(`^agb-\\d+-${process.pid}-\\d+-[0-9a-f]{12}$`))
      const limits = ["memory.max", "memory.swap.max", "cpu.weight"].map((name) => read(group, name))
      assert.deepStrictEqual(limits, [`${bytes}`, "0", "50"])
    }))

  it.scoped("does without the files that its kernel does not have", () =>
    Effect.gen(function*() {
      const { directory, groups, read } = yield* kernelDirectory([])
      yield* makeCgroupController({ version: 2, directory }).limit(bytes, [])
      const [group = ""] = groups()
      assert.strictEqual(read(group, "memory.max"), `${bytes}`)
      assert.notInclude(Fs.readdirSync(Path.join(directory, group)), "memory.swap.max")
    }))

  it.scoped("gets the process, counts only what the kernel killed in it, and goes with the scope", () =>
    Effect.gen(function*() {
      const { directory, groups, read, write } = yield* kernelDirectory()
      const keeper = makeCgroupController({ version: 2, directory })
      const scope = yield* Scope.make()
      const hold = yield* Scope.extend(keeper.limit(bytes, []), scope)
      const { pid = 0 } = yield* sleeper
      hold.attach(pid, () => {})
      yield* hold.enforced
      const [group = ""] = groups()
      assert.strictEqual(read(group, "cgroup.procs"), `${pid}`)
      assert.strictEqual(hold.oomKills(), 0)
      write(group, "memory.events", "low 0\nhigh 9\nmax 8\noom 7\noom_kill 3\noom_group_kill 6\n")
      assert.strictEqual(hold.oomKills(), 3)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(groups(), [group], "a group with processes in it is not removed")
      write(group, "cgroup.procs", "")
      yield* keeper.drained
      assert.deepStrictEqual(groups(), [])
    }))

  it.scopedLive("of a host that is gone is swept, with what still runs in it", () =>
    Effect.gen(function*() {
      const { directory, groups, write } = yield* kernelDirectory()
      const keeper = makeCgroupController({ version: 2, directory })
      yield* keeper.limit(bytes, [])
      const [mine = ""] = groups()
      const gone = mine.replace(`-${process.pid}-`, `-${2 ** 30}-`)
      Fs.mkdirSync(Path.join(directory, gone))
      const stray = yield* sleeper
      write(gone, "cgroup.procs", `${stray.pid}\n`)
      yield* keeper.sweep
      assert.isTrue(yield* until(() => stray.signalCode === "SIGKILL"), "what was left goes on")
      write(gone, "cgroup.procs", "")
      yield* keeper.drained
      assert.deepStrictEqual(groups(), [mine])
    }))
})

/** Where the kernel has version 2, its controller for memory belongs to version 1, and groups may be made. */
const withoutMemory = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((directory) => {
  try {
    if (Fs.readFileSync(Path.join(directory, "cgroup.controllers"), "utf8").includes("memory")) return false
    Fs.accessSync(directory, Fs.constants.W_OK)
    return true
  } catch {
    return false
  }
})

describe.skipIf(withoutMemory === undefined)(
  "a real control group of version 2 without the controller for memory",
  () => {
    it.effect("is refused, and leaves nothing", () =>
      Effect.gen(function*() {
        const directory = withoutMemory ?? ""
        const before = Fs.readdirSync(directory)
        const held = yield* Effect.either(
          Effect.scoped(makeCgroupController({ version: 2, directory }).limit(bytes, []))
        )
        assert.isTrue(Either.isLeft(held))
        assert.deepStrictEqual(Fs.readdirSync(directory), before)
      }))
  }
)
