/** What a session could not save when it ended: the client learns it, and the context keeps what it had. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { setTimeout as sleep } from "node:timers/promises"
import { best } from "../support/runtime.js"
import { startWire, type WireClient } from "../support/wireClient.js"

const path = "/tmp/mapped"
const folder = best.level !== "namespaces" ? "\"$TMPDIR\"/mapped" : path

const mapping = (contextId: string, policy: object = {}) => ({
  persistenceDataList: [{ contextId, path, policy: JSON.stringify(policy) }]
})

/** A context of two files, and a session that has changed one and added one that is too large for the context. */
const tooLarge = async (wire: WireClient, policy: object = {}) => {
  const contextId = await wire.context("small")
  for (const name of ["kept", "deleted"]) await wire.put(contextId, `${path}/${name}`, "old")
  const sessionId = await wire.session(mapping(contextId, policy))
  await wire.settled({ sessionId })
  await wire.shell(sessionId, `cd ${folder} && printf new > kept && rm deleted && head -c 5000000 /dev/zero > large`)
  return { contextId, sessionId }
}

const isUnchanged = async (wire: WireClient, contextId: string) => {
  assert.deepStrictEqual(await wire.names(contextId, path), [`${path}/deleted`, `${path}/kept`])
  assert.strictEqual((await wire.fetchFile(contextId, `${path}/kept`)).toString(), "old")
  const next = await wire.session(mapping(contextId))
  await wire.settled({ sessionId: next })
  assert.strictEqual(await wire.shell(next, `cd ${folder} && ls && cat kept`), "deleted\nkept\nold")
  await wire.release(next)
}

const isReported = async (wire: WireClient, sessionId: string, reason: string | RegExp) => {
  const [item, ...others] = await wire.items({ sessionId, taskType: "upload" })
  assert.lengthOf(others, 0)
  assert.include(item, { status: "Failed", path })
  assert.match(item?.errorMessage ?? "", new RegExp(reason))
  assert.strictEqual((await wire.post("/mcp/getSession", {}, { sessionId })).status, 404)
}

/** As the official clients do. */
const releaseAsync = async (wire: WireClient, sessionId: string) => {
  assert.isTrue((await wire.post("/mcp/releaseSessionAsync", {}, { sessionId })).body["success"])
  while ((await wire.post("/mcp/getSessionInfo", {}, { sessionId })).status === 200) await sleep(10)
}

const small = { contextLimits: { contextBytes: 1_000_000 } }

describe("a session whose contexts are not saved", () => {
  it.scopedLive("fails its release, and leaves the context as it was", () =>
    Effect.flatMap(startWire(small), (wire) =>
      Effect.promise(async () => {
        const { contextId, sessionId } = await tooLarge(wire)
        const released = await wire.post("/mcp/releaseSession", {}, { sessionId })
        assert.strictEqual(released.status, 500)
        assert.include(released.body, { success: false, code: "SessionContexts.NotSaved" })
        assert.match(
          String(released.body["message"]),
          /not everything was saved: \/tmp\/mapped to SdkCtx-.*1000000 bytes/
        )
        await isReported(wire, sessionId, "1000000 bytes")
        await isUnchanged(wire, contextId)
      })))

  it.scopedLive("says so in GetContextInfo once it is gone", () =>
    Effect.flatMap(startWire(small), (wire) =>
      Effect.promise(async () => {
        for (const policy of [{}, { uploadPolicy: { uploadMode: "Archive" } }]) {
          const { contextId, sessionId } = await tooLarge(wire, policy)
          await releaseAsync(wire, sessionId)
          await isReported(wire, sessionId, "1000000 bytes")
          await isUnchanged(wire, contextId)
        }
      })))

  it.scopedLive.skipIf(best.level === "none")(
    "says so as well when its sandbox has ended before",
    () =>
      Effect.flatMap(startWire(), (wire) =>
        Effect.promise(async () => {
          const contextId = await wire.context("lost")
          const sessionId = await wire.session(mapping(contextId))
          await wire.settled({ sessionId })
          const args = JSON.stringify({ command: `mkdir -p ${folder}; touch ${folder}/a; kill -9 $PPID; kill -9 -1` })
          await wire.post("/mcp", {}, { sessionId, name: "shell", args })
          while ((await wire.post("/mcp/getSessionInfo", {}, { sessionId })).status === 200) await sleep(10)
          await isReported(wire, sessionId, "The sandbox is gone")
        }))
  )

  it.scopedLive("is released all the same when its context has been deleted", () =>
    Effect.flatMap(startWire(), (wire) =>
      Effect.promise(async () => {
        const contextId = await wire.context("deleted")
        const sessionId = await wire.session(mapping(contextId))
        await wire.settled({ sessionId })
        await wire.shell(sessionId, `mkdir -p ${folder} && touch ${folder}/a`)
        assert.isTrue((await wire.post("/sdk/DeleteContext", { id: contextId })).body["success"])
        await wire.release(sessionId)
      })))
})

describe("a session with the default limits", () => {
  it.scopedLive(
    "holds a file of 1 GiB, and saves it when it is released",
    () =>
      Effect.flatMap(startWire({ limits: {} }), (wire) =>
        Effect.promise(async () => {
          const contextId = await wire.context("large")
          const sessionId = await wire.session(mapping(contextId))
          await wire.settled({ sessionId })
          // Its first half has holes, which cost nothing to read; its second half is in memory.
          await wire.shell(
            sessionId,
            `mkdir -p ${folder} && cd ${folder} && truncate -s 512M f && head -c 536870912 /dev/zero >> f`
          )
          await wire.release(sessionId)
          const listed = await wire.post("/sdk/DescribeContextFiles", { contextId, parentFolderPath: path })
          assert.deepStrictEqual(
            listed.data<ReadonlyArray<{ size: number }>>().map(({ size }) => size),
            [2 ** 30]
          )
        })),
    300_000
  )
})
