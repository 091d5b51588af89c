/**
 * The local runtime, given what the official SDKs sent, answers as the wire is documented, tells each client what the
 * recorded server told it, and makes it hand the same outcome to its caller.
 */
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { best, languagesOf } from "../support/runtime.js"
import { check, type Outcome } from "./transcripts/check.js"
import { converse } from "./transcripts/conversations.js"
import { lackingIn, omissionOf, omissions } from "./transcripts/kinds.js"
import * as outcomes from "./transcripts/outcomes.js"
import * as recordings from "./transcripts/recordings.js"
import type { Exchange, Folder, Json } from "./transcripts/recordings.js"
import * as replays from "./transcripts/replay.js"
import { flagHere, recordedFlag } from "./transcripts/saw.js"
import { isSame, meaning } from "./transcripts/values.js"

/** The one that was recorded. */
const apiKey = "akm-00000000-0000-0000-0000-000000000000"

interface Server extends replays.Server {
  readonly languages: ReadonlyArray<string>
}

const start = Effect.gen(function*() {
  const { endpoint, languages } = yield* LocalAgb.make({ apiKey, isolation: best, limits: { workspaceBytes: 2 ** 26 } })
  return { endpoint, languages, apiKey } satisfies Server
})

const Server = Context.GenericTag<Server>("Server")

const expected = (exchange: Exchange, { languages }: Server): Outcome => {
  const language = outcomes.languageOf(exchange)
  if (language !== undefined && !languages.includes(language)) return "tool error"
  return outcomes.deviationOf(exchange)?.outcome ?? outcomes.recordedOutcome(exchange)
}

const create = async (replayer: replays.Replayer, recorded: string, labels: Json) => {
  const { body } = await replayer.ask("/mcp/createSession", { labels: JSON.stringify(labels) }, { imageId: "i" })
  replayer.remember(recorded, body["data"] as unknown as replays.Handles)
}

const callTool = (replayer: replays.Replayer, name: string, args: Json) =>
  replayer.ask("/mcp", { sessionId: "s-stub000001", name, args: replayer.inLocalWords(JSON.stringify(args)) })

/** What was there when the recording went on, made by calls that were not recorded. */
const before: Readonly<Record<string, (replayer: replays.Replayer) => Promise<unknown>>> = {
  "list.default": async (replayer) => {
    for (const n of [1, 2, 3, 4, 5]) {
      await create(replayer, `s-stub00000${n}`, { project: "demo", n: String((n + 1) % 2) })
    }
  },
  "read.emptyFile": async (replayer) => {
    await callTool(replayer, "write_file", { path: "/tmp/d/empty.txt", content: "" })
    await callTool(replayer, "create_directory", { path: "/tmp/d/sub" })
  },
  downloadUrl: (replayer) => replayer.put("http://agb.stub/oss/SdkCtx-stub000001/tmp/a.txt?sig=put", "a"),
  download: (replayer) =>
    callTool(replayer, "write_file", { path: "/tmp/file-transfer/dl.txt", content: "download me\n" })
}

const requestIds = new Set<unknown>()

const isFresh = ({ operation }: Exchange, { body }: replays.Reply) => {
  if (!operation.startsWith("presigned:") && !operation.startsWith("linkUrl:")) {
    assert.isFalse(requestIds.has(body["requestId"]), "every request has an id of its own")
    requestIds.add(body["requestId"])
  }
}

const inRecordedWords = (body: Json, replayer: replays.Replayer): unknown =>
  JSON.parse(
    JSON.stringify(body).replace(/"(s-\w+)"/g, (text, id: string) => JSON.stringify(replayer.recorded(id) ?? text))
  )

/** Reasons of exceptions without which a reply would not have passed. */
const needed = new Set<string>()

const flagDiffers = (exchange: Exchange, reply: replays.Reply): boolean => {
  const flag = recordedFlag(exchange)
  return flag !== undefined && flagHere(exchange, reply) !== flag
}

/** What the reply does not tell although the recorded one did, but for what is omitted for a reason. */
const lacks = (exchange: Exchange, reply: replays.Reply, outcome: Outcome): ReadonlyArray<string> => {
  if (outcome !== "success" || outcomes.isFirstGeneration(exchange)) return []
  return lackingIn(exchange, reply).filter((field) => {
    const omission = omissionOf(field)
    if (omission !== undefined) needed.add(omission.why)
    return omission === undefined
  })
}

/** What the client makes of the reply is what it made of the recorded one. */
const checkClient = (exchange: Exchange, reply: replays.Reply, outcome: Outcome) => {
  if (outcome !== outcomes.recordedOutcome(exchange)) return
  const differs = flagDiffers(exchange, reply)
  const lacking = lacks(exchange, reply, outcome)
  const staged = outcomes.stagedOf(exchange)
  if (staged === undefined) {
    assert.isFalse(differs, `${exchange.id}, another success: ${reply.text}`)
    assert.deepStrictEqual(lacking, [], `${exchange.id} lacks ${lacking.join()}: ${reply.text}`)
  } else if (differs || lacking.length > 0) needed.add(staged.why)
}

const replayAll = (folder: Folder, exchanges: ReadonlyArray<Exchange>, server: Server) =>
  Effect.promise(async () => {
    const image = exchanges[0]?.group === "linkurl" ? "agb-browser-use-1" : undefined
    const replayer = replays.make(server, folder, image)
    const prepared = new Set<string>()
    for (const exchange of exchanges) {
      const { callId, id, operation, response } = exchange
      if (!prepared.has(callId)) await before[callId]?.(replayer)
      prepared.add(callId)
      const outcome = expected(exchange, server)
      const reply = await replayer.replay(exchange, outcome)
      check(exchange, outcome, reply)
      isFresh(exchange, reply)
      checkClient(exchange, reply, outcome)
      if (!isSame(exchange) || outcome !== "success") continue
      const ours = meaning(exchange, inRecordedWords(reply.body, replayer))
      assert.deepStrictEqual(ours, meaning(exchange, response.body), `${id}, ${operation}`)
    }
  })

const options = { concurrent: true }

/** What takes its time does so in a session of its own. */
const partOf = ({ callId, group }: Exchange): string =>
  /^run\.(timeout|java|r)$/.test(callId) ? `${group}, ${callId}` : group

const partsOf = (folder: Folder): ReadonlyArray<readonly [string, ReadonlyArray<Exchange>]> => {
  const all = recordings.exchangesOf(folder)
  return [...new Set(all.map(partOf))].map((part) => [part, all.filter((exchange) => partOf(exchange) === part)])
}

const hasPython = (await languagesOf(best)).includes("python")

/** Without Python nothing that ran it has the recorded outcome. */
const cannotRun = (recorded: unknown): boolean =>
  !hasPython && /language[\\"]+ ?: ?[\\"]+python/.test(JSON.stringify(recorded))

const isAlone = (part: string): boolean => part === "list" || part === "context"

describe("a server that has no other sessions", () => {
  for (const folder of recordings.folders) {
    for (const [part, exchanges] of partsOf(folder).filter(([part]) => isAlone(part))) {
      it.live(
        `${folder}/${part}`,
        () => Effect.scoped(Effect.flatMap(start, (server) => replayAll(folder, exchanges, server))),
        options
      )
    }
  }
})

layer(Layer.scoped(Server, start), { excludeTestServices: true })("one server", (it) => {
  for (const folder of recordings.folders) {
    for (const [part, exchanges] of partsOf(folder).filter(([part]) => !isAlone(part))) {
      it.effect.skipIf(cannotRun(exchanges))(
        `${folder}/${part}`,
        () => Effect.flatMap(Server, (server) => replayAll(folder, exchanges, server)),
        options
      )
    }
    for (const conversation of recordings.conversationsOf(folder)) {
      it.effect.skipIf(cannotRun(conversation))(
        conversation.id,
        () => Effect.flatMap(Server, (server) => Effect.promise(() => converse(server, conversation))),
        options
      )
    }
  }
})

it("no recorded request is left out", () => {
  const counts = recordings.folders.map((folder) => [
    recordings.exchangesOf(folder).length,
    recordings.conversationsOf(folder).length,
    recordings.unsentOf(folder).length
  ])
  assert.deepStrictEqual(counts, [[299, 21, 24], [210, 6, 15], [33, 0, 2]])
})

it("requests in every form that an official SDK sends are among them", () => {
  const all = recordings.folders.flatMap(recordings.exchangesOf).map(({ request }) => request)
  const posts = all.filter(({ method }) => method === "POST")
  assert.isTrue(posts.some(({ body }) => body === null), "a POST without a body")
  assert.isTrue(posts.some(({ body }) => body !== null && Object.keys(body).length === 0), "an empty record")
  assert.isTrue(all.some(({ query }) => new URLSearchParams(query).toString().includes("+")), "a plus for a space")
  assert.isTrue(
    posts.some(({ body }) => /^{"\w+": /.test(String((body as Json | null)?.["args"]))),
    "spaces in JSON text"
  )
})

it.skipIf(!hasPython)("every exception is still needed", () => {
  const all = recordings.folders.flatMap(recordings.exchangesOf)
  for (const { applies, outcome, why } of outcomes.deviations) {
    assert.isTrue(all.some((exchange) => applies(exchange) && outcomes.recordedOutcome(exchange) !== outcome), why)
  }
  const reasons = [...outcomes.staged, ...omissions].map(({ why }) => why)
  assert.deepStrictEqual(reasons.filter((why) => !needed.has(why)), [])
})
