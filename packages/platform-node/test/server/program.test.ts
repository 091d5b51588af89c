/** `agb-local` as its users start it: what it says before it starts anything, and whom it does not outlive. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import { fileURLToPath } from "node:url"
import { processTree } from "../../src/internal/sandbox/process/processTree.js"
import { type ChildOptions, outputOf, spawnFixture } from "../support/processes/children.js"
import { isRunning, killThoseWith, parentOf, processesWith, until } from "../support/processes/processes.js"
import { best } from "../support/runtime.js"

const bin = "../../../src/bin.ts"

const said = (args: ReadonlyArray<string>) =>
  Effect.promise(() => spawnFixture(bin, { args }).then(outputOf).catch((error: Error) => error.message))

describe("agb-local", () => {
  it.live("prints its version and its options", () =>
    Effect.gen(function*() {
      const manifest = JSON.parse(Fs.readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
      assert.strictEqual(yield* said(["--version"]), `${manifest.version}\n`)
      const usage = yield* said(["--help", "--port", "1"])
      for (const name of ["--port", "--host", "--allow-host", "--version"]) assert.include(usage, `  ${name} `)
    }))

  it.live.each(
    [
      [["--port", "80x"], /--port must be a number, but was 80x/],
      [["--port", ""], /--port must be a number/],
      [["--port", "65536"], /port must be a whole number from 0 to 65535/],
      [["--pool-size", "-1"], /--pool-size/],
      [["--log", "loud"], /--log must be one of json, pretty, none/],
      [["--host", "http://x"], /host must be an address or a host name/],
      [["--allow-host", "a:1"], /allowedHosts must be host names or addresses, without ports/],
      [["--unknown"], /--unknown/],
      [["serve"], /serve/]
    ] as const
  )("started with %j says what is wrong", ([args, message]) =>
    Effect.gen(function*() {
      const text = yield* said(args)
      assert.match(text, /^exit code 2: agb-local: /)
      assert.match(text, message)
      assert.notMatch(text, /^ +at /m)
    }))

  it.live("warns on standard error when others can reach it, whatever is logged", () =>
    Effect.gen(function*() {
      for (const log of ["none", "json"]) {
        const { child, text } = yield* started({ args: ["--host", "0.0.0.0", "--log", log] })
        assert.match(text(), /Sessions can be reached from other machines: the server listens on 0\.0\.0\.0/)
        child.kill("SIGKILL")
      }
    }).pipe(Effect.scoped))
})

const isolation = ["--isolation", best.level === "none" ? "none" : "auto"]

/** It listens. */
const started = ({ args = [], ...options }: ChildOptions) =>
  Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(
      Effect.promise(() => spawnFixture(bin, { ...options, args: [...args, ...isolation] })),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    let all = ""
    const listens = Effect.async<void>((resume) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on("data", (chunk: Buffer) => {
          all += chunk.toString()
          if (all.includes("# languages")) resume(Effect.void)
        })
      }
      child.once("exit", () => resume(Effect.dieMessage(`it did not start: ${all}`)))
    })
    yield* listens
    return { child, text: () => all }
  })

describe.skipIf(process.platform !== "linux")("agb-local, when npm or npx is killed", () => {
  const npm = { npm_execpath: "/usr/lib/node_modules/npm/bin/npm-cli.js" }

  /** Kills what started it; answers whether it, and all that it had started, is gone. */
  const withoutParent = (env: Record<string, string>, signal: NodeJS.Signals, through: ReadonlyArray<string> = []) =>
    Effect.gen(function*() {
      const marker = `unique-${process.pid}-${Math.random().toString(36).slice(2)}`
      const standIn = fileURLToPath(new URL("../support/processes/standInNpm.mjs", import.meta.url))
      const under = [process.execPath, standIn, ...through]
      yield* Effect.addFinalizer(() => Effect.sync(() => killThoseWith(marker)))
      const { child } = yield* started({ args: ["--pool-size", "0", "--allow-host", marker], env, under })
      const itself = processesWith(marker).filter((pid) => parentOf(pid) !== child.pid && pid !== child.pid)
      assert.isNotEmpty(itself)
      const all = itself.flatMap(processTree)
      child.kill(signal)
      return () => !all.some(isRunning)
    })

  it.live.each(["SIGTERM", "SIGHUP", "SIGKILL"] as const)(
    "by %s, ends and leaves nothing",
    (signal) =>
      Effect.gen(function*() {
        assert.isTrue(yield* until(yield* withoutParent(npm, signal)))
      }).pipe(Effect.scoped)
  )

  it.live(
    "goes on when it was started by something else, or is the leader of a session of its own",
    () =>
      Effect.gen(function*() {
        const others = yield* Effect.all([
          withoutParent({}, "SIGKILL"),
          withoutParent(npm, "SIGKILL", ["setsid", "--wait"])
        ], { concurrency: 2 })
        yield* Effect.sleep("2 seconds")
        assert.deepStrictEqual(others.map((isGone) => isGone()), [false, false])
      }).pipe(Effect.scoped),
    60_000
  )
})
