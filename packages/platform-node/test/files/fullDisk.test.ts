/**
 * A full disk at any moment: what runs out of blocks or inodes says so, nothing half-written passes for whole, nothing is left, and
 * all works on once there is room. The disk holds the workspaces of sessions and the contexts.
 */
import { Code, Command, FileSystem, Session } from "@effect-agb/core"
import { Isolation, LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Effect, Option, Stream } from "effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { layerWith, none } from "../support/runtime.js"
import { type Json, startWire, type WireClient } from "../support/wireClient.js"

const page = 4096

/** The temporary directory for as long as the scope, with 2 MiB and 700 inodes. Only root can make it. */
const smallDisk = Effect.acquireRelease(
  Effect.sync(() => {
    const disk = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-full-"))
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m,mode=755,nr_inodes=700", "tmpfs", disk], { stdio: "pipe" })
    const before = process.env["TMPDIR"]
    process.env["TMPDIR"] = disk
    return { disk, before }
  }),
  ({ before, disk }) =>
    Effect.sync(() => {
      if (before === undefined) delete process.env["TMPDIR"]
      else process.env["TMPDIR"] = before
      execFileSync("umount", ["-l", disk])
      Fs.rmdirSync(disk)
    })
).pipe(Effect.map(({ disk }) => disk))

const canMount = ((): boolean => {
  try {
    Effect.runSync(Effect.scoped(smallDisk))
    return true
  } catch {
    return false
  }
})()

type Resource = "inodes" | "blocks"

const filler = (disk: string) => Path.join(disk, "filler")

/** Takes all but so many inodes, or blocks of a page. */
const fill = (disk: string, resource: Resource, left: number) => {
  Fs.mkdirSync(filler(disk))
  const content = Buffer.alloc(resource === "blocks" ? page : 0)
  const taken: Array<string> = []
  try {
    for (;;) {
      taken.push(Path.join(filler(disk), `${taken.length}`))
      Fs.writeFileSync(taken.at(-1)!, content)
    }
  } catch {
    for (const path of taken.slice(taken.length - 1 - left)) Fs.rmSync(path, { force: true })
  }
}

const makeRoom = (disk: string) => Fs.rmSync(filler(disk), { recursive: true })

const namesOn = (disk: string): ReadonlyArray<string> =>
  Fs.readdirSync(disk, { recursive: true, encoding: "utf8" }).filter((path) => !path.startsWith("filler")).sort()

/** What is there once nothing is being written any more: contexts note in the background when they were used. */
const contentsOf = async (disk: string): Promise<ReadonlyArray<string>> => {
  for (let look = 0; look < 200 && namesOn(disk).some((path) => path.endsWith(".part")); look++) await sleep(10)
  return namesOn(disk)
}

const mapped = (contextId: string, policy: object = {}) => ({
  persistenceDataList: [{ contextId, path: "/tmp/mapped", policy: JSON.stringify(policy) }]
})

const full = { success: false, code: "InsufficientStorage", httpStatusCode: 507 }

const tool = async (wire: WireClient, sessionId: string, name: string, args: object) => {
  const reply = await wire.post("/mcp", {}, { sessionId, name, args: JSON.stringify(args) })
  const { content: [content], isError } = reply.data<
    { content: ReadonlyArray<{ text: string }>; isError: boolean }
  >()
  return { isError, text: content?.text ?? "" }
}

/** A session whose context cannot take what it has changed, neither file by file nor as an archive. */
const changed = async (wire: WireClient, name: string, policy: object = {}) => {
  const contextId = await wire.context(name)
  const sessionId = await wire.session(mapped(contextId, policy))
  await wire.settled({ sessionId })
  await wire.shell(sessionId, "mkdir -p $TMPDIR/mapped && head -c 300000 /dev/zero > $TMPDIR/mapped/large")
  return { contextId, sessionId }
}

const isFull = async (wire: WireClient, contextId: string, sessionId: string) => {
  const args = { path: "/tmp/kept", content: "x".repeat(50_000) }
  for (const mode of ["overwrite", "create_new"]) {
    const path = mode === "overwrite" ? args.path : "/tmp/new"
    assert.deepStrictEqual(await tool(wire, sessionId, "write_file", { ...args, path, mode }), {
      isError: true,
      text: `ENOSPC: No space left on device: ${path}`
    })
  }
  assert.strictEqual((await tool(wire, sessionId, "read_file", { path: "/tmp/kept" })).text, "old")
  assert.strictEqual(await wire.shell(sessionId, "ls $TMPDIR"), "kept\nmapped\n")
  assert.deepInclude(await (await wire.put(contextId, "/new", "x".repeat(50_000))).json() as Json, full)
  assert.deepInclude((await wire.get("/sdk/GetContext", { name: "new", allowCreate: "true" })).body, full)
  const [item] = await wire.sync({ sessionId, mode: "upload" })
  assert.deepInclude(item, { status: "Failed", errorMessage: "the disk that holds the contexts is full" })
}

/** Those that keep the files of a session on the disk of the machine. */
const onDisk = [none, ...Option.toArray(await Effect.runPromise(Effect.option(Isolation.probe("landlock"))))]

describe.skipIf(!canMount)("on a full disk", () => {
  describe.each(onDisk)("$level", (isolation) => {
    it.scopedLive.each(["blocks", "inodes"] as const)(
      "without %s, a runtime refuses by name, leaves nothing, and works on once there is room",
      (resource) =>
        Effect.gen(function*() {
          const disk = yield* smallDisk
          fill(disk, resource, 0)
          const error = yield* Effect.flip(LocalAgb.make({ isolation, poolSize: 0 }))
          assert.match(error.message, /contextsDirectory.*ENOSPC/)
          assert.deepStrictEqual(namesOn(disk), [])
          makeRoom(disk)
          const wire = yield* startWire({ isolation, poolSize: 0 })
          yield* Effect.promise(async () => {
            const sessions = [
              await changed(wire, "files"),
              await changed(wire, "archive", { uploadPolicy: { uploadMode: "Archive" } })
            ]
            for (const { contextId, sessionId } of sessions) {
              await tool(wire, sessionId, "write_file", { path: "/tmp/kept", content: "old" })
              const before = await contentsOf(disk)
              fill(disk, resource, 0)
              await isFull(wire, contextId, sessionId)
              assert.deepStrictEqual(await contentsOf(disk), before)
              makeRoom(disk)
            }
            for (const { contextId, sessionId } of sessions) {
              fill(disk, resource, 0)
              const released = await wire.post("/mcp/releaseSession", {}, { sessionId })
              assert.include(released.body, { success: false, code: "SessionContexts.NotSaved" })
              assert.deepStrictEqual(await wire.names(contextId, "/tmp/mapped"), [])
              makeRoom(disk)
            }
            assert.isTrue(namesOn(disk).every((path) => !path.startsWith("agb-session-")))
            const { contextId, sessionId } = await changed(wire, "files")
            await wire.release(sessionId)
            assert.deepStrictEqual(await wire.names(contextId, "/tmp/mapped"), ["/tmp/mapped/large"])
          })
        })
    )

    it.scopedLive("a session that has too little room to begin with fails by name and leaves nothing", () =>
      Effect.gen(function*() {
        const disk = yield* smallDisk
        const wire = yield* startWire({ isolation, poolSize: 0 })
        yield* Effect.promise(async () => {
          const contextId = await wire.context("stored")
          for (const name of ["a", "b", "c"]) await wire.put(contextId, `/tmp/mapped/${name}`, "x".repeat(3000))
          const before = await contentsOf(disk)
          const outcomes = new Set<string>()
          // How many are enough depends on what else the session has made by then.
          for (let inodes = 0; inodes < 14 || inodes < 40 && !outcomes.has("download Success"); inodes++) {
            fill(disk, "inodes", inodes)
            const made = await wire.post("/mcp/createSession", { imageId: "i" }, mapped(contextId))
            if (made.body["success"] === true) {
              const { sessionId } = made.data<{ sessionId: string }>()
              const [item] = await wire.settled({ sessionId })
              outcomes.add(`download ${item?.status}`)
              if (item?.status === "Failed") assert.match(item.errorMessage, /No space left on device/)
              const ran = await tool(wire, sessionId, "shell", { command: "echo well", timeout_ms: 5000 })
              assert.match(ran.text, ran.isError ? /^ENOSPC: No space left on device: pipes/ : /well/)
              await wire.release(sessionId)
            } else {
              outcomes.add("none")
              assert.match(String(made.body["message"]), /no workspace directory: .*ENOSPC/)
            }
            makeRoom(disk)
            assert.deepStrictEqual(await contentsOf(disk), before, `with ${inodes} inodes`)
          }
          assert.sameMembers([...outcomes], ["none", "download Failed", "download Success"])
        })
      }))
  })

  const processes = Effect.gen(function*() {
    const [command, code, fs] = [yield* Command.Command, yield* Code.Code, yield* FileSystem.FileSystem]
    return { command, code, fs, disk: Os.tmpdir() }
  })

  const run = (command: Command.Command, key: string) =>
    Effect.flatMap(
      command.startDetached("echo out", { key, timeout: "1 minute" }),
      ({ exit, stdout }) =>
        Effect.zip(Stream.runFold(stdout, "", (text, chunk) => text + Buffer.from(chunk).toString()), exit)
    )

  it.scopedLive("a process fails to start by name, before anything of it has run, or is recorded whole", () =>
    Effect.flatMap(smallDisk, (disk) =>
      Effect.gen(function*() {
        const { code, command, fs } = yield* processes
        const home = (yield* command.executeCommand("echo $HOME; ls -d $TMPDIR")).output.split("\n")[0]
        const outcomes = new Set<string>()
        for (const [resource, most] of [["inodes", 11], ["blocks", 6]] as const) {
          for (let left = most; left >= 0; left -= left > 8 ? 1 : 2) {
            const key = `${resource}${left}`
            fill(disk, resource, left)
            const ended = yield* Effect.either(run(command, key))
            if (ended._tag === "Left") {
              outcomes.add("refused")
              assert.match(ended.left.message, /no space left/i, key)
              makeRoom(disk)
              assert.deepInclude(yield* Effect.map(run(command, key), ([text]) => ({ text })), { text: "out\n" }, key)
              continue
            }
            const [text, { exitCode, timedOut }] = ended.right
            outcomes.add(`exit ${exitCode}`)
            assert.isFalse(timedOut)
            assert.strictEqual(text === "out\n", exitCode === 0, key)
            makeRoom(disk)
          }
        }
        assert.includeMembers([...outcomes], ["refused", "exit 0"])
        fill(disk, "blocks", 0)
        const error = yield* Effect.flip(fs.writeFile(`${home}/stream`, Stream.make(new Uint8Array(30_000))))
        assert.match(error.message, /ENOSPC: No space left on device/)
        assert.strictEqual((yield* code.runCode("1 + 1", "javascript")).text, "2")
      }).pipe(Effect.provide(Session.layer({ imageId: "i" })), Effect.provide(layerWith(none)))))

  it.scopedLive("a process is killed, and ends at its time limit, without an inode for a record of that", () =>
    Effect.flatMap(smallDisk, (disk) =>
      Effect.gen(function*() {
        const { command } = yield* processes
        const limited = yield* command.startDetached("sleep 600", { key: "limited", timeout: "3 seconds" })
        const killed = yield* command.startDetached("sleep 600", { key: "killed" })
        fill(disk, "inodes", 0)
        yield* killed.kill("SIGKILL")
        const ends = yield* Effect.timeoutOption(Effect.all([killed.exit, limited.exit]), "20 seconds")
        const told = Option.map(ends, Arr.map(({ exitCode, timedOut }) => ({ exitCode, timedOut })))
        assert.deepStrictEqual(
          Option.getOrUndefined(told),
          [{ exitCode: 137, timedOut: false }, { exitCode: 137, timedOut: true }]
        )
      }).pipe(Effect.provide(Session.layer({ imageId: "i" })), Effect.provide(layerWith(none)))))
})
