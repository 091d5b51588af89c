/** The local runtime, given what the official SDKs sent, answers as the wire is documented. */
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { best } from "./support/runtime.js"
import { deviationOf, deviations, languageOf, recordedOutcome } from "./transcripts/outcomes.js"
import { type Exchange, exchangesOf, type Folder, folders, type Json } from "./transcripts/recordings.js"
import * as replays from "./transcripts/replay.js"
import { check, type Outcome } from "./transcripts/shapes.js"
import { isSame, meaning } from "./transcripts/values.js"

const apiKey = "akm-00000000-0000-0000-0000-000000000000"

interface Server extends replays.Server {
  readonly languages: ReadonlyArray<string>
}

/** Without isolation the recorded paths would be those of this machine. */
const directory = Effect.acquireRelease(
  Effect.sync(() => best.level === "none" ? mkdtempSync(join(tmpdir(), "agb-transcripts-")) : "/tmp"),
  (directory) => Effect.sync(() => directory === "/tmp" || rmSync(directory, { recursive: true, force: true }))
)

const start = Effect.gen(function*() {
  const { endpoint, languages } = yield* LocalAgb.make({ apiKey, isolation: best, limits: { workspaceBytes: 2 ** 26 } })
  return { endpoint, languages, apiKey, directory: yield* directory } satisfies Server
})

const Server = Context.GenericTag<Server>("Server")

const expected = (exchange: Exchange, { languages }: Server): Outcome => {
  const language = languageOf(exchange)
  if (language !== undefined && !languages.includes(language)) return "tool error"
  return deviationOf(exchange)?.outcome ?? recordedOutcome(exchange)
}

const create = async (replayer: replays.Replayer, recorded: string, labels: Json) => {
  const { body } = await replayer.ask("/mcp/createSession", { labels: JSON.stringify(labels) }, { imageId: "i" })
  replayer.remember(recorded, String((body["data"] as Json)["sessionId"]))
}

const callTool = (replayer: replays.Replayer, name: string, args: Json) =>
  replayer.ask("/mcp", { sessionId: "s-stub000001", name, args: JSON.stringify(args) })

/** What was there when the recording went on, made by calls that were not recorded. */
const before: Readonly<Record<string, (replayer: replays.Replayer, { directory }: Server) => Promise<unknown>>> = {
  "list.default": async (replayer) => {
    for (const n of [1, 2, 3, 4, 5]) {
      await create(replayer, `s-stub00000${n}`, { project: "demo", n: String((n + 1) % 2) })
    }
  },
  "read.emptyFile": async (replayer, { directory }) => {
    await callTool(replayer, "write_file", { path: `${directory}/d/empty.txt`, content: "" })
    await callTool(replayer, "create_directory", { path: `${directory}/d/sub` })
  }
}

const requestIds = new Set<unknown>()

const inRecordedWords = (body: Json, replayer: replays.Replayer, { directory }: Server): unknown =>
  JSON.parse(
    JSON.stringify(body)
      .replaceAll(directory, "/tmp")
      .replace(/"(s-\w+)"/g, (text, id: string) => JSON.stringify(replayer.recorded(id) ?? text))
  )

const replayAll = (exchanges: ReadonlyArray<Exchange>, server: Server) =>
  Effect.promise(async () => {
    const replayer = replays.make(server)
    for (const exchange of exchanges) {
      const { callId, id, operation, response } = exchange
      if (id.startsWith("typescript/") || callId === "list.default") await before[callId]?.(replayer, server)
      const outcome = expected(exchange, server)
      const reply = await replayer.replay(exchange, outcome)
      check(operation, outcome, reply, id)
      assert.isFalse(requestIds.has(reply.body["requestId"]), "every request has an id of its own")
      requestIds.add(reply.body["requestId"])
      if (!isSame(exchange) || outcome !== "success") continue
      const ours = meaning(operation, inRecordedWords(reply.body, replayer, server))
      assert.deepStrictEqual(ours, meaning(operation, response.body), id)
    }
  })

const options = { concurrent: true, timeout: 60_000 }

/** What takes its time does so in a session of its own. */
const partOf = ({ callId, group }: Exchange): string =>
  /^run\.(timeout|java|r)$/.test(callId) ? `${group}, ${callId}` : group

const partsOf = (folder: Folder): ReadonlyArray<readonly [string, ReadonlyArray<Exchange>]> => {
  const all = exchangesOf(folder)
  return [...new Set(all.map(partOf))].map((part) => [part, all.filter((exchange) => partOf(exchange) === part)])
}

describe("a server that has no other sessions", () => {
  for (const folder of folders) {
    for (const [part, exchanges] of partsOf(folder).filter(([part]) => part === "list")) {
      it.live(
        `${folder}/${part}`,
        () => Effect.scoped(Effect.flatMap(start, (server) => replayAll(exchanges, server))),
        options
      )
    }
  }
})

layer(Layer.scoped(Server, start), { excludeTestServices: true })("one server", (it) => {
  for (const folder of folders) {
    for (const [part, exchanges] of partsOf(folder).filter(([part]) => part !== "list")) {
      it.effect(`${folder}/${part}`, () => Effect.flatMap(Server, (server) => replayAll(exchanges, server)), options)
    }
  }
})

it("no recorded request is left out", () => {
  assert.deepStrictEqual(folders.map((folder) => exchangesOf(folder).length), [175, 134, 33])
})

it("requests in every form that an official SDK sends are among them", () => {
  const all = folders.flatMap(exchangesOf).map(({ request }) => request)
  const posts = all.filter(({ method }) => method === "POST")
  assert.isTrue(posts.some(({ body }) => body === null), "a POST without a body")
  assert.isTrue(posts.some(({ body }) => body !== null && Object.keys(body).length === 0), "an empty record")
  assert.isTrue(all.some(({ query }) => new URLSearchParams(query).toString().includes("+")), "a plus for a space")
  assert.isTrue(posts.some(({ body }) => /^{"\w+": /.test(String(body?.["args"]))), "spaces in JSON text")
})

it("every deviation is still needed", () => {
  const all = folders.flatMap(exchangesOf)
  for (const { applies, outcome, why } of deviations) {
    assert.isTrue(all.some((exchange) => applies(exchange) && recordedOutcome(exchange) !== outcome), why)
  }
})
