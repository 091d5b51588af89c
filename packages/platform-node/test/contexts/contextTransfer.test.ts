/** Upload and download through the session's own context, step by step as the official clients do it. */
import { assert, describe, it, layer } from "@effect/vitest"

import * as Crypto from "node:crypto"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Os from "node:os"
import * as Path from "node:path"
import { pipeline } from "node:stream/promises"
import { processTree } from "../../src/internal/sandbox/process/processTree.js"
import { overWire, promise } from "../support/mappedContexts.js"
import { spawnFixture } from "../support/processes/children.js"
import { processesWith, residentPeak } from "../support/processes/processes.js"
import { best } from "../support/runtime.js"
import { type Item, type WireClient, wireClient } from "../support/wireClient.js"

interface Internal {
  readonly contextId: string
  readonly contextPath: string
}

const internalOf = async ({ post }: WireClient, sessionId: string): Promise<Internal> => {
  const contextTypes = JSON.stringify(["file_transfer"])
  const answer = await post("/sdk/GetAndLoadInternalContext", { sessionId, contextTypes }, {})
  const [found] = answer.data<ReadonlyArray<Internal & { readonly contextType: string }>>()
  if (found === undefined) return assert.fail("there is no internal context")
  assert.strictEqual(found.contextType, "file_transfer")
  return found
}

const folderOf = (remote: string): string => remote.endsWith("/") ? remote.slice(0, -1) : Path.posix.dirname(remote)

const finished = new Set(["success", "successful", "ok", "finished", "done", "completed", "complete"])

/** The second wait of the clients: an item with exactly these three fields must say so. */
const waited = (items: ReadonlyArray<Item>, contextId: string, path: string, taskType: string) => {
  const item = items.find((item) => item.contextId === contextId && item.path === path && item.taskType === taskType)
  assert.isTrue(finished.has(item?.status.toLowerCase() ?? ""), JSON.stringify(items))
  assert.strictEqual(item?.errorMessage, "")
}

type Flow = "TypeScript" | "Python"

const upload = async (wire: WireClient, flow: Flow, sessionId: string, remote: string, content: BodyInit) => {
  const { contextId } = await internalOf(wire, sessionId)
  const response = await wire.put(contextId, remote, content)
  assert.include([200, 201, 204], response.status)
  assert.isNotNull(response.headers.get("etag"))
  const path = folderOf(remote)
  for (const { status } of await wire.sync({ sessionId, contextId, path, mode: "download" })) {
    assert.strictEqual(status, "Success")
  }
  waited(await wire.items({ sessionId, contextId, path, taskType: "download" }), contextId, path, "download")
  if (flow === "TypeScript") await wire.post("/sdk/DeleteContextFile", { contextId, filePath: remote })
}

const download = async (wire: WireClient, flow: Flow, sessionId: string, remote: string): Promise<Buffer> => {
  const { contextId } = await internalOf(wire, sessionId)
  const path = folderOf(remote)
  await wire.sync({ sessionId, contextId, path, mode: "upload" })
  waited(await wire.items({ sessionId, contextId, path, taskType: "upload" }), contextId, path, "upload")
  const content = await wire.fetchFile(contextId, remote)
  if (flow === "TypeScript") await wire.post("/sdk/DeleteContextFile", { contextId, filePath: remote })
  return content
}

const sha = (content: Uint8Array): string => Crypto.createHash("sha256").update(content).digest("hex")

layer(overWire, { excludeTestServices: true })("file transfer", (it) => {
  for (const flow of ["TypeScript", "Python"] as const) {
    it.effect(`as the ${flow} client does it`, () =>
      promise(async (wire) => {
        const sessionId = await wire.session()
        const { contextId, contextPath } = await internalOf(wire, sessionId)
        assert.isTrue(contextPath.startsWith("/"))
        assert.deepStrictEqual(
          await internalOf(wire, sessionId),
          { contextId, contextPath, contextType: "file_transfer" } as Internal
        )
        await wire.shell(sessionId, `test -d ${contextPath}`)
        const content = Crypto.randomBytes(1_500_000)
        await upload(wire, flow, sessionId, `${contextPath}/up.bin`, content)
        assert.include(await wire.shell(sessionId, `sha256sum ${contextPath}/up.bin`), sha(content))
        await wire.shell(
          sessionId,
          `cd ${contextPath} && mkdir -p deep && tac -r -s . up.bin > deep/down.bin || cat up.bin > deep/down.bin`
        )
        const sum = (await wire.shell(sessionId, `sha256sum < ${contextPath}/deep/down.bin`)).slice(0, 64)
        assert.strictEqual(sha(await download(wire, flow, sessionId, `${contextPath}/deep/down.bin`)), sum)
        await wire.release(sessionId)
      }))
  }

  it.effect("below any directory of the session, without the rest of it", () =>
    promise(async (wire) => {
      const sessionId = await wire.session()
      const home = best.level !== "namespaces" ? (await wire.shell(sessionId, "pwd")).trim() : "/home/user"
      const { contextId } = await internalOf(wire, sessionId)
      await upload(wire, "TypeScript", sessionId, `${home}/new folder/a`, "outside")
      assert.strictEqual(await wire.shell(sessionId, `cat '${home}/new folder/a'`), "outside")
      await wire.shell(sessionId, `cd ${home} && mkdir node_modules && touch node_modules/x && printf down > b`)
      assert.strictEqual((await download(wire, "Python", sessionId, `${home}/b`)).toString(), "down")
      assert.notInclude(await wire.names(contextId, home), `${home}/node_modules`)
      await wire.release(sessionId)
    }))

  it.effect("a second upload does not undo what the session did to the first", () =>
    promise(async (wire) => {
      const sessionId = await wire.session()
      const { contextPath } = await internalOf(wire, sessionId)
      await upload(wire, "Python", sessionId, `${contextPath}/one`, "one")
      await wire.shell(sessionId, `printf edited > ${contextPath}/one`)
      await upload(wire, "Python", sessionId, `${contextPath}/two`, "two")
      assert.strictEqual(await wire.shell(sessionId, `cat ${contextPath}/one`), "edited")
      await upload(wire, "Python", sessionId, `${contextPath}/one`, "sent again")
      assert.strictEqual(await wire.shell(sessionId, `cat ${contextPath}/one`), "sent again")
      assert.strictEqual((await download(wire, "Python", sessionId, `${contextPath}/one`)).toString(), "sent again")
      await wire.shell(sessionId, `printf newer > ${contextPath}/one`)
      assert.strictEqual((await download(wire, "Python", sessionId, `${contextPath}/one`)).toString(), "newer")
      await wire.release(sessionId)
    }))

  it.effect("the context belongs to one session and ends with it, unlisted", () =>
    promise(async (wire) => {
      const [one, other] = [await wire.session(), await wire.session()]
      const { contextId, contextPath } = await internalOf(wire, one)
      assert.notStrictEqual((await internalOf(wire, other)).contextId, contextId)
      await upload(wire, "Python", one, `${contextPath}/secret`, "secret")
      assert.strictEqual((await wire.get("/sdk/ListContexts", {})).body["totalCount"], 0)
      const stolen = await wire.post("/sdk/SyncContext", {
        sessionId: other,
        contextId,
        path: contextPath,
        mode: "download"
      })
      assert.strictEqual(stolen.status, 404)
      await wire.release(one)
      assert.strictEqual((await wire.post("/sdk/DescribeContextFiles", { contextId })).status, 404)
      assert.strictEqual(
        (await wire.post("/sdk/GetAndLoadInternalContext", { sessionId: one, contextTypes: "[]" })).status,
        404
      )
      const none = await wire.post("/sdk/GetAndLoadInternalContext", { sessionId: other, contextTypes: "[\"x\"]" })
      assert.deepStrictEqual(none.body["data"], [])
      await wire.release(other)
    }))

  it.effect("a file that is not there", () =>
    promise(async (wire) => {
      const sessionId = await wire.session()
      const { contextId, contextPath } = await internalOf(wire, sessionId)
      for (const remote of [`${contextPath}/no`, "/no/such/folder/file"]) {
        await wire.sync({ sessionId, contextId, path: folderOf(remote), mode: "upload" })
        const missing = await wire.post("/sdk/GetContextFileDownloadUrl", { contextId, filePath: remote })
        assert.strictEqual(missing.status, 404)
      }
      await wire.release(sessionId)
    }))
})

const large = 256 * 2 ** 20

/** Random bytes, the same ones each time. */
async function* bytes(size: number) {
  const cipher = Crypto.createCipheriv("aes-128-ctr", Buffer.alloc(16, 1), Buffer.alloc(16, 2))
  const zeros = Buffer.alloc(2 ** 20)
  for (let at = 0; at < size; at += zeros.length) yield cipher.update(zeros)
}

const putLarge = async (url: string): Promise<number> => {
  const request = Http.request(url, { method: "PUT", headers: { "content-length": large } })
  const answered = once(request, "response") as Promise<[Http.IncomingMessage]>
  await pipeline(bytes(large), request)
  const [response] = await answered
  response.resume()
  return response.statusCode ?? 0
}

const getSum = async (url: string): Promise<string> => {
  const hash = Crypto.createHash("sha256")
  await pipeline(await new Promise<Http.IncomingMessage>((resolve) => Http.get(url, resolve)), hash)
  return hash.digest("hex")
}

/** The agents of all sessions of a server, as this machine sees them. */
const agentsOf = (server: number): ReadonlyArray<number> => {
  const tree = new Set(processTree(server))
  return processesWith("agent.cjs").filter((pid) => tree.has(pid))
}

describe("256 MiB", () => {
  it("pass through a server and an agent of bounded memory, both ways, and are the same", async () => {
    const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-transfer-test-"))
    const child = await spawnFixture("serveContexts.mts", { args: [directory], stdio: ["ignore", "pipe", "inherit"] })
    try {
      const [line] = await once(child.stdout ?? child, "data") as [Buffer]
      const { apiKey, endpoint } = JSON.parse(line.toString()) as { apiKey: string; endpoint: string }
      const wire = wireClient(endpoint, apiKey)
      const sessionId = await wire.session()
      const { contextId, contextPath } = await internalOf(wire, sessionId)
      const server = child.pid ?? 0
      const agents = agentsOf(server)
      assert.isNotEmpty(agents)
      const before = residentPeak(server)
      const remote = { contextId, filePath: `${contextPath}/large` }
      const up = (await wire.post("/sdk/GetContextFileUploadUrl", remote)).data<{ url: string }>()
      assert.strictEqual(await putLarge(up.url), 200)
      const [sent] = await wire.sync({ sessionId, contextId, path: contextPath, mode: "download" })
      assert.include(sent, { status: "Success", errorMessage: "" })
      const sum = (await wire.shell(sessionId, `sha256sum < ${contextPath}/large && touch ${contextPath}/large`)).slice(
        0,
        64
      )
      await wire.sync({ sessionId, contextId, path: contextPath, mode: "upload" })
      const down = (await wire.post("/sdk/GetContextFileDownloadUrl", remote)).data<{ url: string }>()
      assert.strictEqual(await getSum(down.url), sum)
      const hash = Crypto.createHash("sha256")
      for await (const piece of bytes(large)) hash.update(piece)
      assert.strictEqual(hash.digest("hex"), sum)
      assert.isBelow(residentPeak(server) - before, 160 * 2 ** 20, "far less than the file")
      for (const agent of agents) assert.isBelow(residentPeak(agent), 128 * 2 ** 20, "an agent is Node and little more")
    } finally {
      child.kill("SIGKILL")
      Fs.rmSync(directory, { recursive: true, force: true })
    }
  })
})
