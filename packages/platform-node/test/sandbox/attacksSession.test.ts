/** What each isolation promises, looked at from inside: one short test per defence, so that each can be broken alone. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { nodeOnly } from "../../src/internal/sandbox/confine/interpreters.js"
import { make, type Sandbox } from "../../src/internal/sandbox/sandbox.js"
import { type Isolation, probeAll } from "../../src/Isolation.js"
import { processesWith, until } from "../support/processes/processes.js"

const isolations = await Effect.runPromise(probeAll)

const nameOf = ({ confinement, mechanism }: Isolation) =>
  confinement._tag === "Unconfined" ? mechanism : `${mechanism} (${confinement.entry})`

const entryOf = ({ confinement }: Isolation) => confinement._tag === "Unconfined" ? undefined : confinement.entry

const megabyte = 2 ** 20

const limits = { workspaceBytes: 8 * megabyte, memoryBytes: 192 * megabyte, processes: 48, outputBytes: megabyte }

const start = (isolation: Isolation) => make({ isolation, interpreters: nodeOnly, limits })

/** Standard output and standard error of a command, one behind the other. */
const run = (sandbox: Sandbox, command: string) =>
  Effect.map(
    sandbox.call({ op: "shell", command, timeoutMs: 120_000 }),
    ({ body }) => Buffer.from(body).toString("utf8").trim()
  )

const inside = (isolation: Isolation, command: string) =>
  Effect.scoped(Effect.flatMap(start(isolation), (sandbox) => run(sandbox, command)))

const unique = () => `7${process.pid}.${Math.floor(Math.random() * 1e9)}`

const statusOf = (pid: number | string) =>
  Object.fromEntries(
    Fs.readFileSync(`/proc/${pid}/status`, "utf8").split("\n").map((line) => line.split(":\t") as [string, string])
  )

/** The terminal session of a process: what may be typed into by all that share it. */
const sessionOf = (pid: string) => Fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[3]

/** The process of the host that runs `command` inside. */
const outsideOf = (sandbox: Sandbox) =>
  Effect.gen(function*() {
    const seconds = unique()
    yield* run(sandbox, `sleep ${seconds} >/dev/null 2>&1 &`)
    assert.isTrue(yield* until(() => processesWith(`sleep\0${seconds}`).length > 0))
    return statusOf(processesWith(`sleep\0${seconds}`)[0] ?? "none")
  })

describe.skipIf(isolations.length === 0).each(isolations.map((isolation) => [nameOf(isolation), isolation] as const))(
  "a sandbox of %s",
  (_, isolation) => {
    it.live.each(["net", "pid", "ipc", "uts", "mnt"])(
      "has a %s namespace of its own",
      (name) =>
        Effect.gen(function*() {
          const link = yield* inside(isolation, `readlink /proc/self/ns/${name}`)
          assert.match(link, new RegExp(`^${name}:`))
          assert.notStrictEqual(link, Fs.readlinkSync(`/proc/self/ns/${name}`))
        })
    )

    it.live("sees no process of the host", () =>
      Effect.gen(function*() {
        const seconds = unique()
        const neighbour = spawn("sleep", [seconds], { stdio: "ignore" })
        yield* Effect.addFinalizer(() => Effect.sync(() => neighbour.kill("SIGKILL")))
        assert.notInclude(yield* inside(isolation, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), `sleep ${seconds} `)
      }).pipe(Effect.scoped))

    it.live("runs as a user without rights, inside and outside", () =>
      Effect.gen(function*() {
        const sandbox = yield* start(isolation)
        assert.notStrictEqual(yield* run(sandbox, "id -u"), "0")
        const { Gid = "", Groups = "", Uid = "" } = yield* outsideOf(sandbox)
        assert.notInclude(Uid.split("\t"), "0")
        assert.notInclude(Gid.split("\t"), "0")
        assert.notInclude(Groups.trim().split(" "), "0")
      }).pipe(Effect.scoped))

    it.live.skipIf(entryOf(isolation) === "caller")("has a user id of its own", () =>
      Effect.gen(function*() {
        const [one, other] = yield* Effect.all([
          Effect.flatMap(start(isolation), outsideOf),
          Effect.flatMap(start(isolation), outsideOf)
        ])
        assert.notStrictEqual(one.Uid, other.Uid)
      }).pipe(Effect.scoped))

    it.live("has no capability, and no way to one", () =>
      Effect.gen(function*() {
        const status = yield* inside(isolation, "grep -E '^(Cap|NoNewPrivs)' /proc/self/status")
        const sets = [...status.matchAll(/^Cap(\w+):\s*0*(\w+)$/gm)].map(([, name, bits]) => [name, bits])
        assert.deepStrictEqual(sets, ["Inh", "Prm", "Eff", "Bnd", "Amb"].map((name) => [name, "0"]))
      }))

    it.live("gains nothing from a setuid program", () =>
      Effect.map(
        inside(isolation, "grep NoNewPrivs /proc/self/status"),
        (status) => assert.strictEqual(status, "NoNewPrivs:\t1")
      ))

    it.live("has a filter on its system calls", () =>
      Effect.gen(function*() {
        const status = yield* inside(isolation, "grep '^Seccomp:' /proc/self/status; unshare -U true && echo unshared")
        assert.include(status, "Seccomp:\t2")
        assert.notInclude(status, "unshared")
      }))

    it.live("makes no user namespace of its own", () =>
      Effect.map(
        inside(isolation, "unshare -U echo unshared 2>&1"),
        (output) => assert.notInclude(output.split("\n"), "unshared")
      ))

    it.live("shares no terminal session with the host", () =>
      Effect.gen(function*() {
        const { PPid = "" } = yield* Effect.flatMap(start(isolation), outsideOf)
        assert.notStrictEqual(sessionOf(PPid), sessionOf("self"))
      }).pipe(Effect.scoped))

    it.live("writes nowhere but in its own memory", () =>
      Effect.gen(function*() {
        const places = [
          "/",
          "/usr",
          "/etc",
          "/opt",
          "/opt/agb/agent",
          "/dev",
          "/run",
          "/var",
          "/proc/sys/kernel"
        ]
        const tries = places.map((place) => `( : > ${place}/written ) 2>/dev/null && echo ${place}`)
        assert.strictEqual(yield* inside(isolation, [...tries, "true"].join("; ")), "")
      }))

    it.live("finds no file of the host's /tmp, home or /var", () =>
      Effect.gen(function*() {
        const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-of-the-host-"))
        yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(folder, { recursive: true })))
        Fs.chmodSync(folder, 0o755)
        // After a pivot the old root lies on top of the new one, and `/..` is where it would show.
        const places = "/tmp /var/tmp /proc/1/root/tmp /var /home /root /.. /../tmp /../var /../root"
        const listed = yield* inside(isolation, `ls -a ${places} 2>/dev/null`)
        assert.include(listed, "/tmp")
        assert.notInclude(listed, Path.basename(folder))
        assert.notMatch(listed, /^(log|spool|backups|\.bashrc)$/m)
      }).pipe(Effect.scoped))

    it.live("has an environment made from nothing", () =>
      Effect.gen(function*() {
        process.env.AGB_API_KEY = "akm-must-not-get-in"
        const all = yield* inside(isolation, "env; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'")
        delete process.env.AGB_API_KEY
        assert.include(all, "PATH=")
        assert.notInclude(all, "must-not-get-in")
      }))

    it.live("starts no more processes than it may", () =>
      Effect.gen(function*() {
        const seconds = unique()
        const sandbox = yield* start(isolation)
        // Bash would wait 15 s for a process that it cannot start; a plain shell gives up.
        yield* run(sandbox, `sh -c 'for i in $(seq 80); do sleep ${seconds} >/dev/null 2>&1 & done'`)
        const running = processesWith(`sleep\0${seconds}`).length
        assert.isAbove(running, 5)
        assert.isBelow(running, 49)
      }).pipe(Effect.scoped))

    it.live("gives all processes together no more memory than they may have", () =>
      Effect.gen(function*() {
        const code = "const held = Buffer.alloc(90e6, 1); setTimeout(() => console.log(\"held\", held[9]), 2500)"
        const output = yield* inside(isolation, `for i in 1 2 3 4; do node -e '${code}' & done; wait; echo over`).pipe(
          Effect.catchTag("SandboxLost", ({ reason }) => Effect.succeed(reason))
        )
        assert.notStrictEqual(output, "")
        assert.isBelow(output.match(/^held/gm)?.length ?? 0, 4)
      }))

    it.live("bounds the data of a process and the size of a file, and leaves no core", () =>
      Effect.map(inside(isolation, "sh -c 'ulimit -d; ulimit -f; ulimit -c'"), (output) =>
        assert.deepStrictEqual(
          output.split("\n"),
          [String(limits.memoryBytes / 1024), String(limits.workspaceBytes / 512), "0"]
        )))

    it.live("bounds all files of a directory together", () =>
      Effect.gen(function*() {
        const fill = (place: string) =>
          `for i in 1 2 3 4 5 6; do head -c 2097152 /dev/zero > ${place}/$i || break; done 2>/dev/null; cat ${place}/? | wc -c`
        const sizes = (yield* inside(isolation, `${fill("$HOME")}; ${fill("/tmp")}; ${fill("/dev/shm")}`)).split("\n")
        assert.lengthOf(sizes, 3)
        for (const size of sizes) assert.isAtMost(Number(size), limits.workspaceBytes)
      }))
  }
)
