/** The directory of a sandbox: made, removed whatever user code has done to it, and swept when its owner is gone. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, vi } from "vitest"
import { nodeOnly } from "../../src/internal/sandbox/confine/interpreters.js"
import { startTime } from "../../src/internal/sandbox/disk/owner.js"
import { removeTree } from "../../src/internal/sandbox/disk/removeTree.js"
import { killStrays } from "../../src/internal/sandbox/disk/strays.js"
import { straysOf, sweepWorkspaces } from "../../src/internal/sandbox/disk/workspace.js"
import { make, type Sandbox } from "../../src/internal/sandbox/sandbox.js"
import { type Isolation, probe } from "../../src/Isolation.js"
import { standIn } from "../support/agent/standIn.js"
import { processesWith, until } from "../support/processes/processes.js"

const canFork = process.platform === "linux" && spawnSync("perl", ["-e", "1"]).status === 0

const unconfined = await Effect.runPromise(probe("none"))

const { agent, remove } = standIn()
afterAll(remove)

const start = (isolation: Isolation) => make({ isolation, interpreters: nodeOnly, agent })

const shell = (sandbox: Sandbox, command: string) =>
  Effect.map(
    sandbox.call({ op: "shell", command, timeoutMs: 120_000 }),
    ({ body }) => Buffer.from(body).toString().trim()
  )

/** A process that has ended, and whose parent does not ask how. */
const zombie = Effect.gen(function*() {
  const parent = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn("/bin/sh", ["-c", "sleep 0.2 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] })
    ),
    (parent) => Effect.sync(() => parent.kill("SIGKILL"))
  )
  const [said] = yield* Effect.promise(() => once(parent.stdout, "data"))
  const pid = Number(said)
  assert.isTrue(yield* until(() => Fs.readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")))
  return pid
})

/** Does something right before a path with this end is opened, once. */
const beforeOpening = (end: string, change: () => void) => {
  const { open } = Fs.promises
  const opening = vi.spyOn(Fs.promises, "open")
  opening.mockImplementation((path, ...others) => {
    if (String(path).endsWith(end)) {
      opening.mockRestore()
      change()
    }
    return open(path, ...others)
  })
}

describe("Workspace", () => {
  const abandoned = (owner: unknown) => {
    const root = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-session-"))
    Fs.mkdirSync(Path.join(root, "home"))
    Fs.writeFileSync(Path.join(root, "owner.json"), JSON.stringify(owner))
    return root
  }

  it.live("that cannot be made is why a session does not start", () =>
    Effect.gen(function*() {
      const before = process.env.TMPDIR
      process.env.TMPDIR = "/proc"
      const error = yield* Effect.flip(Effect.scoped(start(unconfined)))
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
      assert.strictEqual(error._tag, "SandboxStartError")
      assert.match(error.message, /no workspace directory: .*ENOENT/)
    }))

  it.live("is removed with names that are no text", () =>
    Effect.gen(function*() {
      const bad = "bad$(printf '\\377\\303')"
      const home = yield* Effect.scoped(Effect.gen(function*() {
        const sandbox = yield* start(unconfined)
        yield* shell(sandbox, `mkdir -p "${bad}/${bad}/deep" && touch "${bad}/${bad}/${bad}" "${bad}.f" "${bad}/ü"`)
        return sandbox.home
      }))
      assert.isFalse(Fs.existsSync(Path.dirname(home)))
    }))

  it.live("is removed though user code has locked it", () =>
    Effect.gen(function*() {
      const home = yield* Effect.scoped(Effect.gen(function*() {
        const sandbox = yield* start(unconfined)
        yield* shell(sandbox, "mkdir -p a/b && touch a/b/c && chmod 0 a/b a")
        return sandbox.home
      }))
      assert.isFalse(Fs.existsSync(Path.dirname(home)))
    }))

  it.live("is removed though user code has made it deeper than any path", () =>
    Effect.gen(function*() {
      const home = yield* Effect.scoped(Effect.gen(function*() {
        const sandbox = yield* start(unconfined)
        const name = "d".repeat(200)
        yield* shell(
          sandbox,
          `for i in $(seq 60); do mkdir ${name} && cd ${name} && : > file || break; done; chmod 0 .`
        )
        return sandbox.home
      }))
      assert.isFalse(Fs.existsSync(Path.dirname(home)))
    }))

  it.live(
    "is removed while user code puts links in the place of its directories, and nothing else is",
    () =>
      Effect.gen(function*() {
        const root = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-raced-"))
        yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(root, { recursive: true })))
        const [kept, raced] = [Path.join(root, "kept"), Path.join(root, "raced")]
        Fs.mkdirSync(kept, { mode: 0o755 })
        Fs.writeFileSync(Path.join(kept, "file"), "kept")
        Fs.mkdirSync(Path.join(raced, "d", "x", "y"), { recursive: true })
        for (const folder of ["d", "x"]) {
          beforeOpening(`/${folder}`, () => {
            const found = execFileSync("find", [raced, "-name", folder], { encoding: "utf8" }).trim()
            Fs.renameSync(found, `${found}.away`)
            Fs.symlinkSync(kept, found)
          })
          yield* Effect.flip(Effect.tryPromise(() => removeTree(raced, "owner.json")))
        }
        yield* Effect.promise(() => removeTree(raced, "owner.json"))
        assert.isFalse(Fs.existsSync(raced))
        assert.deepStrictEqual([Fs.readdirSync(kept), Fs.statSync(kept).mode & 0o777], [["file"], 0o755])
      }).pipe(Effect.scoped)
  )

  it.live("is swept when its owner is gone, and only then", () =>
    Effect.gen(function*() {
      const mine = { host: Os.hostname(), pid: process.pid, pidNamespace: null, startTime: null, bootId: null }
      const { owner, root } = yield* Effect.scoped(Effect.map(start(unconfined), ({ home }) => {
        const root = Path.dirname(home)
        return { root, owner: { ...mine, ...JSON.parse(Fs.readFileSync(Path.join(root, "owner.json"), "utf8")) } }
      }))
      assert.isFalse(Fs.existsSync(root))
      const dead = yield* zombie
      const gone = [
        { ...owner, pid: 2 ** 30 },
        { ...owner, startTime: "1" },
        { ...owner, bootId: "before" },
        { ...owner, pid: dead, startTime: startTime(dead) }
      ].map(abandoned)
      const kept = [
        owner,
        { ...owner, host: "elsewhere", pid: 2 ** 30 },
        { ...owner, pidNamespace: "x", pid: 2 ** 30 },
        0
      ]
        .map(abandoned)
      yield* sweepWorkspaces
      assert.deepStrictEqual(gone.filter((path) => Fs.existsSync(path)), [])
      assert.deepStrictEqual(kept.filter((path) => !Fs.existsSync(path)), [])
      kept.forEach((path) => Fs.rmSync(path, { recursive: true }))
    }).pipe(Effect.scoped))

  const forker =
    "exit 0 if fork; while (time < $ARGV[0]) { exit 0 if fork; setpgrp; select undef, undef, undef, 0.005 }"

  it.live.skipIf(!canFork)(
    "leaves no process that forks and exits faster than all processes are read",
    () =>
      Effect.gen(function*() {
        const root = `/tmp/agb-session-forks-${process.pid}`
        const { environment } = straysOf(root)
        // Until then it forks, and by that it is known.
        const end = `${Math.ceil(Date.now() / 1000) + 60}.${process.pid}`
        const home = environment.slice("HOME=".length, -1)
        spawn("perl", ["-e", forker, end], { env: { HOME: home }, stdio: "ignore", detached: true })
        const isSeen = () => Array.from({ length: 30 }, () => processesWith(end).length > 0).includes(true)
        assert.isTrue(yield* until(isSeen))
        yield* killStrays(straysOf(root))
        assert.isFalse(isSeen())
      })
  )
})
