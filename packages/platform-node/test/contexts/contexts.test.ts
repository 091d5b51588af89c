/** Contexts as clients of other makers ask for them, and their storage on disk. */
import { assert, describe, it, layer, vi } from "@effect/vitest"
import { Effect, Exit, type Scope } from "effect"
import { execFileSync, spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { ContextStore } from "../../src/internal/contexts/store/contextStore.js"
import { overWire, promise } from "../support/mappedContexts.js"
import { startWire, type WireClient } from "../support/wireClient.js"

const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-contexts-test-"))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true, force: true }))
)

/** Uses a runtime on the directory and ends it. */
const during = <A>(contextsDirectory: string, work: (wire: WireClient) => Promise<A>) =>
  Effect.scoped(Effect.flatMap(startWire({ contextsDirectory }), (wire) => Effect.promise(() => work(wire))))

layer(overWire, { excludeTestServices: true })("contexts", (it) => {
  it.effect("are created once per name, however many ask, and found by id and name", () =>
    promise(async ({ context, get }) => {
      const ids = await Promise.all(Array.from({ length: 20 }, () => context("shared one")))
      assert.lengthOf(new Set(ids), 1)
      const [id = ""] = ids
      assert.match(id, /^SdkCtx-\w+$/)
      const both: ReadonlyArray<Record<string, string>> = [{ id }, { name: "shared one" }]
      for (const query of both) {
        const { body, data } = await get("/sdk/GetContext", { ...query, allowCreate: "false", loginRegionId: "r" })
        assert.include(body, { code: "ok", message: null, success: true })
        const found = data<Record<"id" | "name" | "state" | "createTime" | "lastUsedTime", string>>()
        assert.include(found, { id, name: "shared one", state: "available" })
        assert.match(found.createTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/)
        assert.isFalse(Number.isNaN(Date.parse(found.lastUsedTime)))
      }
    }))

  it.effect("that do not exist are failures, and so are questions without sense", () =>
    promise(async ({ context, get, post }) => {
      const id = await context("sense")
      const refused = async (status: number, code: string, answer: ReturnType<typeof get>) => {
        const { body, status: found } = await answer
        assert.strictEqual(found, status, JSON.stringify(body))
        assert.include(body, { success: false, code, httpStatusCode: status })
        assert.isNotEmpty(body["message"])
      }
      const missing = "InvalidContext.NotFound"
      await refused(404, missing, get("/sdk/GetContext", { name: "nope", allowCreate: "false" }))
      await refused(404, missing, get("/sdk/GetContext", { id: "SdkCtx-no", allowCreate: "false" }))
      await refused(404, missing, post("/sdk/ModifyContext", { id: "SdkCtx-no", name: "x" }))
      await refused(404, missing, post("/sdk/DeleteContext", { id: "SdkCtx-no" }, {}))
      await refused(404, missing, post("/sdk/ClearContext", { id: "../../etc" }))
      await refused(404, missing, post("/sdk/GetContextFileUploadUrl", { contextId: "..", filePath: "/a" }))
      await refused(404, missing, post("/sdk/DescribeContextFiles", { contextId: "SdkCtx-no" }))
      await refused(400, "InvalidParameter", get("/sdk/GetContext", { allowCreate: "true" }))
      await refused(400, "InvalidParameter", get("/sdk/GetContext", { name: "  ", allowCreate: "true" }))
      await refused(400, "InvalidParameter", get("/sdk/GetContext", { id, name: "x", allowCreate: "true" }))
      await refused(400, "InvalidParameter", get("/sdk/GetContext", { name: "x".repeat(300), allowCreate: "true" }))
      await refused(400, "InvalidParameter", post("/sdk/DescribeContextFiles", { contextId: id, pageNumber: "0" }))
    }))

  it.effect("are renamed, unless another has the name, and deleted", () =>
    promise(async ({ context, get, post }) => {
      const [one, other] = [await context("one"), await context("other")]
      assert.strictEqual((await post("/sdk/ModifyContext", { id: one, name: "renamed" }, {})).status, 200)
      assert.strictEqual((await post("/sdk/ModifyContext", { id: one, name: "renamed" })).status, 200)
      assert.strictEqual((await get("/sdk/GetContext", { name: "renamed" })).data()["id"], one)
      assert.strictEqual((await get("/sdk/GetContext", { name: "one" })).status, 404)
      const taken = await post("/sdk/ModifyContext", { id: one, name: "other" })
      assert.strictEqual(taken.status, 409)
      assert.strictEqual((await post("/sdk/DeleteContext", { id: other })).status, 200)
      assert.strictEqual((await get("/sdk/GetContext", { id: other })).status, 404)
      assert.notStrictEqual(await context("other"), other)
    }))

  it.effect("are cleared, twice if need be", () =>
    promise(async ({ context, get, names, post, put }) => {
      const id = await context("cleared")
      for (let n = 0; n < 50; n++) await put(id, `/d/${n}`, "x")
      const [first, second] = await Promise.all([
        post("/sdk/ClearContext", { id }),
        post("/sdk/ClearContext", { id })
      ])
      assert.deepStrictEqual([first.status, second.status], [200, 200])
      const states = new Set<unknown>()
      while (!states.has("available")) states.add((await get("/sdk/GetContext", { id })).data()["state"])
      assert.includeMembers(["clearing", "available"], [...states] as Array<string>)
      assert.deepStrictEqual(await names(id, "/d"), [])
      assert.strictEqual((await put(id, "/d/again", "x")).status, 200)
    }))
})

describe("pages", () => {
  it.live("hold all contexts once, also when some are deleted in between", () =>
    Effect.scoped(Effect.flatMap(startWire(), ({ context, get, post }) =>
      Effect.promise(async () => {
        const ids: Array<string> = []
        for (let n = 0; n < 7; n++) ids.push(await context(`c${n}`))
        const seen: Array<unknown> = []
        let nextToken = ""
        do {
          const { body, data } = await get("/sdk/ListContexts", { maxResults: "3", ...(nextToken && { nextToken }) })
          assert.include(body, { maxResults: 3, totalCount: seen.length === 0 ? 7 : 6 })
          assert.isArray(body["data"])
          seen.push(...data<ReadonlyArray<{ id: string }>>().map(({ id }) => id))
          if (nextToken === "") await post("/sdk/DeleteContext", { id: ids[1] ?? "" })
          nextToken = String(body["nextToken"])
        } while (nextToken !== "")
        assert.deepStrictEqual(seen, ids)
        assert.strictEqual((await get("/sdk/ListContexts", {})).body["maxResults"], 10)
        assert.strictEqual((await get("/sdk/ListContexts", { nextToken: "x" })).status, 400)
      }))))
})

describe("a directory of contexts", () => {
  const live = (name: string, test: (directory: string) => Effect.Effect<void, unknown, Scope.Scope>) =>
    it.live(name, () => Effect.scoped(Effect.flatMap(temporary, test)))

  live("keeps them for the next start, and those of sessions not", (directory) =>
    Effect.gen(function*() {
      const id = yield* during(directory, async ({ context, post, put, session }) => {
        const id = await context("kept")
        await put(id, "/a/b", "first")
        await put(id, "/a/b", "second")
        await put(id, "/gone", "x")
        await post("/sdk/DeleteContextFile", { contextId: id, filePath: "/gone" })
        await post("/sdk/ModifyContext", { id, name: "kept on" })
        const sessionId = await session()
        await post("/sdk/GetAndLoadInternalContext", { sessionId, contextTypes: "[\"file_transfer\"]" })
        return id
      })
      yield* during(directory, async ({ fetchFile, get, names }) => {
        assert.strictEqual((await get("/sdk/ListContexts", {})).body["totalCount"], 1)
        assert.strictEqual((await get("/sdk/GetContext", { name: "kept on" })).data()["id"], id)
        assert.strictEqual((await fetchFile(id, "/a/b")).toString(), "second")
        assert.deepStrictEqual(await names(id), ["/a"])
      })
      assert.lengthOf(Fs.readdirSync(Path.join(directory, id, "blobs")), 1, "nothing is left of what was replaced")
    }))

  live("is readable after a crash at any point of a write", (directory) =>
    Effect.gen(function*() {
      const id = yield* during(directory, async ({ context, put }) => {
        const id = await context("torn")
        await put(id, "/whole", "whole")
        return id
      })
      const folder = Path.join(directory, id)
      const journal = Path.join(folder, "files")
      const whole = Fs.readFileSync(journal)
      const line = Buffer.from(whole.toString().replace("/whole", "/torn."))
      Fs.writeFileSync(Path.join(folder, "blobs", "0123456789abcdef0123456789abcdef"), "half a content")
      Fs.mkdirSync(Path.join(directory, ".new-SdkCtx-1"))
      Fs.mkdirSync(Path.join(directory, ".gone-SdkCtx-2-x", "blobs"), { recursive: true })
      for (let cut = 0; cut < line.length; cut += 41) {
        Fs.writeFileSync(journal, Buffer.concat([whole, line.subarray(0, cut)]))
        yield* during(directory, async ({ fetchFile, names, put }) => {
          assert.deepStrictEqual(await names(id), ["/whole"])
          assert.strictEqual((await fetchFile(id, "/whole")).toString(), "whole")
          if (cut > 0) return
          await put(id, "/more", "more")
          assert.deepStrictEqual(await names(id), ["/more", "/whole"])
        })
      }
      assert.deepStrictEqual(Fs.readdirSync(directory), [id])
    }))

  live("is refused to a second server, with the name of the first", (directory) =>
    Effect.gen(function*() {
      yield* startWire({ contextsDirectory: directory })
      const second = yield* Effect.exit(Effect.scoped(startWire({ contextsDirectory: directory })))
      assert.isTrue(Exit.isFailure(second))
      assert.include(String(second), `process ${process.pid} on ${Os.hostname()}`)
      assert.include(String(second), "contextsDirectory")
    }))

  live("is taken over from a process that has died, by one only", (directory) =>
    Effect.gen(function*() {
      const child = spawn("true")
      yield* Effect.promise(() => new Promise((resolve) => child.once("exit", resolve)))
      yield* during(directory, async () => {})
      const owner = yield* Effect.scoped(Effect.zipRight(
        startWire({ contextsDirectory: directory }),
        Effect.sync(() => JSON.parse(Fs.readFileSync(Path.join(directory, "lock"), "utf8")) as { pid: number })
      ))
      Fs.writeFileSync(Path.join(directory, "lock"), JSON.stringify({ ...owner, pid: child.pid }))
      const starts = Array.from({ length: 4 }, () => Effect.exit(startWire({ contextsDirectory: directory })))
      const exits = yield* Effect.all(starts, { concurrency: "unbounded" })
      assert.lengthOf(exits.filter(Exit.isSuccess), 1)
    }))

  live("of our own ends with the runtime", () =>
    Effect.gen(function*() {
      const before = process.env.TMPDIR
      const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-own-"))
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (before === undefined) delete process.env.TMPDIR
          else process.env.TMPDIR = before
          Fs.rmSync(folder, { recursive: true })
        })
      )
      process.env.TMPDIR = folder
      const mine = () => Fs.readdirSync(folder).filter((name) => name.startsWith("agb-contexts-"))
      const made = yield* Effect.scoped(Effect.flatMap(startWire(), ({ context, put }) =>
        Effect.promise(async () => {
          await put(await context("x"), "/f", "x")
          return mine()
        })))
      assert.isNotEmpty(made)
      assert.isEmpty(mine())
    }).pipe(Effect.scoped))
})

describe("a runtime that is killed", () => {
  it.scoped("leaves temporary files, which the next one removes", () =>
    Effect.gen(function*() {
      const directory = yield* temporary
      const id = yield* during(directory, async ({ context, put }) => {
        const id = await context("killed")
        assert.strictEqual((await put(id, "/f", "content")).status, 200)
        return id
      })
      const folder = Path.join(directory, id)
      const left = ["context.json.0123456789ab.part", "files.0123456789ab.part"]
      for (const name of left) Fs.writeFileSync(Path.join(folder, name), "{")
      yield* during(directory, async ({ names }) => {
        const found = Fs.readdirSync(folder)
        assert.includeMembers(found, ["blobs", "context.json", "files"])
        assert.deepStrictEqual(found.filter((name) => left.includes(name)), [])
        assert.deepStrictEqual(await names(id), ["/f"])
      })
    }))
})

describe("a machine that stops", () => {
  /** The folders that are synced to disk while `work` runs, by their names. */
  const syncedDuring = async (work: () => Promise<unknown>) => {
    const probe = await Fs.promises.open(Os.tmpdir())
    const handles = Object.getPrototypeOf(probe) as Fs.promises.FileHandle
    await probe.close()
    const folders: Array<string> = []
    const sync = vi.spyOn(handles, "sync").mockImplementation(async function(this: Fs.promises.FileHandle) {
      folders.push(Path.basename(Fs.readlinkSync(`/proc/self/fd/${this.fd}`)))
    })
    await work()
    sync.mockRestore()
    return folders
  }

  it.scoped("keeps what was answered: names are synced as contents are", () =>
    Effect.flatMap(temporary, (directory) =>
      Effect.promise(async () => {
        const limits = { contextBytes: 2 ** 20, contextFiles: 10, totalBytes: 2 ** 20 }
        const root = Path.basename(directory)
        const store = await ContextStore.open({ directory, isDurable: true, limits, now: () => 0 })
        let id = ""
        assert.include(await syncedDuring(async () => id = (await store.getOrCreate("one")).id), root)
        const put = async () => {
          const { files } = store.get(id)
          const staged = await files.stage()
          await files.put("/f", staged)
        }
        assert.sameMembers(await syncedDuring(put), ["blobs", id], "the first line makes the journal")
        assert.deepStrictEqual(await syncedDuring(put), ["blobs"])
        assert.include(await syncedDuring(() => store.rename(id, "two")), id)
        assert.include(await syncedDuring(() => store.remove(id)), root)
      })))
})

describe("quotas", () => {
  const contextLimits = { contextBytes: 1000, contextFiles: 3, totalBytes: 1500 }

  it.live("are kept while bytes arrive, and what does not fit leaves nothing", () =>
    Effect.scoped(Effect.gen(function*() {
      const contextsDirectory = yield* temporary
      const { context, names, post, put } = yield* startWire({ contextsDirectory, contextLimits })
      yield* Effect.promise(async () => {
        const [one, two] = [await context("one"), await context("two")]
        const refused = async (contextId: string, path: string, bytes: number) => {
          const chunks = new ReadableStream({
            start: (controller) => {
              for (let at = 0; at < bytes; at += 100) controller.enqueue(new Uint8Array(100))
              controller.close()
            }
          })
          const response = await put(contextId, path, chunks)
          assert.strictEqual(response.status, 413, path)
          const body = await response.json() as { code: string; success: boolean }
          assert.deepInclude(body, { success: false, code: "QuotaExceeded" }, String(response.status))
        }
        await refused(one, "/too-large", 1100)
        assert.strictEqual((await put(one, "/a", new Uint8Array(900))).status, 200)
        await refused(one, "/b", 200)
        assert.strictEqual((await put(one, "/b", new Uint8Array(100))).status, 200)
        await refused(two, "/all-together", 600)
        assert.strictEqual((await put(two, "/c", new Uint8Array(500))).status, 200)
        await post("/sdk/DeleteContextFile", { contextId: one, filePath: "/a" })
        assert.strictEqual((await put(one, "/a", new Uint8Array(10))).status, 200, "what is deleted counts no more")
        assert.strictEqual((await put(one, "/d", new Uint8Array(1))).status, 200)
        await refused(one, "/fourth", 0)
        assert.strictEqual((await put(one, "/d", new Uint8Array(2))).status, 200, "replacing adds no file")
        assert.deepStrictEqual(await names(one), ["/a", "/b", "/d"])
        assert.lengthOf(Fs.readdirSync(Path.join(contextsDirectory, one, "blobs")), 3)
      })
    })))

  it.live(
    "cannot be exceeded by many uploads at once, nor used up by those that break off",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { context, post, put } = yield* startWire({ contextLimits })
        yield* Effect.promise(async () => {
          const id = await context("many")
          const other = async () => {
            const { status } = await put(id, "/other", new Uint8Array(500))
            await post("/sdk/DeleteContextFile", { contextId: id, filePath: "/other" })
            return status
          }
          const becomes = async (wanted: number) => {
            for (let round = 0; round < 100; round++) {
              if (await other() === wanted) return true
              await delay(10)
            }
            return false
          }
          let breakOff = () => {}
          const half = new ReadableStream<Uint8Array>({
            start: (controller) => {
              controller.enqueue(new Uint8Array(600))
              breakOff = () => controller.error(new Error("gone"))
            }
          })
          const broken = put(id, "/half", half).then(() => "stored", () => "broken off")
          assert.isTrue(await becomes(413), "what is on its way does not count")
          breakOff()
          assert.strictEqual(await broken, "broken off")
          assert.isTrue(await becomes(200), "what broke off counts for ever")
        })
      }))
  )
})

/** A disk of 6 MiB, which only root can make. */
const smallDisk = Effect.acquireRelease(
  Effect.map(temporary, (directory) => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", directory])
    return directory
  }),
  (directory) => Effect.sync(() => execFileSync("umount", [directory]))
)

const canMount = ((): boolean => {
  try {
    Effect.runSync(Effect.scoped(smallDisk))
    return true
  } catch {
    return false
  }
})()

describe("a full disk", () => {
  it.live.skipIf(!canMount)(
    "is a failure that leaves no part of a file, and what is there can be read and deleted",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const contextsDirectory = yield* smallDisk
        yield* during(contextsDirectory, async ({ context, names, post, put }) => {
          const id = await context("full")
          const full = { success: false, code: "InsufficientStorage", httpStatusCode: 507 }
          assert.strictEqual((await put(id, "/fits", new Uint8Array(2_000_000))).status, 200)
          assert.deepInclude(await (await put(id, "/big", new Uint8Array(8_000_000))).json(), full)
          assert.deepStrictEqual(await names(id), ["/fits"])
          assert.lengthOf(Fs.readdirSync(Path.join(contextsDirectory, id, "blobs")), 1)
          let stored = 0
          const path = `/${"p".repeat(3000)}`
          let last = await put(id, `${path}0`, new Uint8Array(12_000))
          while (last.status === 200) last = await put(id, `${path}${stored += 1}`, new Uint8Array(12_000))
          assert.deepInclude(await last.json(), full)
          assert.lengthOf(await names(id), stored + 1)
          const removed = await post("/sdk/DeleteContextFile", { contextId: id, filePath: `${path}0` })
          assert.include([200, 507], removed.status)
        })
        yield* during(contextsDirectory, async ({ context, fetchFile, names }) => {
          const id = await context("full")
          assert.isAbove((await names(id)).length, 1)
          assert.lengthOf(await fetchFile(id, "/fits"), 2_000_000)
        })
      }))
  )
})
