/** `agb-local` as its users start it: what it says before it starts anything, and whom it does not outlive. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"
import { processTree } from "../../src/internal/sandbox/process/processTree.js"
import { type ChildOptions, outputOf, spawnFixture } from "../support/processes/children.js"
import { isRunning, killThoseWith, parentOf, processesWith, until } from "../support/processes/processes.js"
import { best } from "../support/runtime.js"

const bin = "../../../src/bin.ts"

const isolation = ["--isolation", best.level === "none" ? "none" : "auto"]

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

/** Runs what follows where the temporary directory is a disk of its own without a free block, and lists that in the end. */
const fullDisk = (folder: string) => [
  ...["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c"],
  `mount -t tmpfs -o size=16k,mode=755 none ${folder} && { dd if=/dev/zero of=${folder}/filler bs=4k 2>/dev/null; "$@"; ls ${folder}; }`,
  "sh"
]

describe("agb-local on a full disk", () => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-full-disk-"))
  afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))
  const [command = "", ...args] = fullDisk(folder)
  const canMount = spawnSync(command, [...args, "true"], { encoding: "utf8" }).stdout === "filler\n"

  it.live.skipIf(!canMount)("says so in one line, and leaves no directory", () =>
    Effect.gen(function*() {
      const child = yield* Effect.promise(() =>
        spawnFixture(bin, { args: isolation, env: { TMPDIR: folder }, under: fullDisk(folder) })
      )
      let complaint = ""
      child.stderr?.on("data", (chunk: Buffer) => complaint += chunk.toString())
      assert.strictEqual(yield* Effect.promise(() => outputOf(child)), "filler\n")
      assert.match(complaint, /^agb-local: .*ENOSPC.*\n$/)
    }))
})

describe("agb-local, whose output nobody reads any more,", () => {
  it.live("prints its usage without a stack trace", () =>
    Effect.gen(function*() {
      const child = yield* Effect.promise(() => spawnFixture(bin, { args: ["--help"] }))
      child.stdout?.destroy()
      assert.strictEqual(yield* Effect.promise(() => outputOf(child)), "")
    }))

  it.live("serves and logs on, and ends when it is told", () =>
    Effect.gen(function*() {
      const { child, text } = yield* started({ args: ["--log", "json", "--pool-size", "0"] })
      for (const stream of [child.stdout, child.stderr]) stream?.destroy()
      const [, endpoint = ""] = /AGB_ENDPOINT=(.*)/.exec(text()) ?? []
      const [, key = ""] = /AGB_API_KEY=(.*)/.exec(text()) ?? []
      const created = yield* Effect.promise(async () => {
        const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" }
        const request = { method: "POST", headers, body: "{}" }
        for (let nth = 0; nth < 5; nth += 1) await fetch(`${endpoint}/mcp/createSession`, request)
        return (await fetch(`${endpoint}/mcp/createSession`, request)).json()
      })
      assert.isTrue(created.success, JSON.stringify(created))
      const code = yield* Effect.async<number | null>((resume) => {
        child.once("exit", (code) => resume(Effect.succeed(code)))
        child.kill("SIGTERM")
      })
      assert.strictEqual(code, 143)
    }).pipe(Effect.scoped))
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
      }).pipe(Effect.scoped)
  )
})
