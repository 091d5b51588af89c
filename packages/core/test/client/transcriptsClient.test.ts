/** Our client, asked for what the official SDKs were asked for: it must send what they sent and see what they saw. */
import { Agb, type AgbApi, AgbConfig, type AgbError } from "@effect-agb/core"
import { HttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Redacted } from "effect"
import { withVirtualClock } from "../../../platform-node/test/support/virtualClock.js"
import { ask, sessionIdOf } from "./transcripts/calls.js"
import { differenceOf, stale } from "./transcripts/differences.js"
import { localCalls, notRefused } from "./transcripts/local.js"
import * as recordings from "./transcripts/recordings.js"
import * as requests from "./transcripts/requests.js"
import * as standIns from "./transcripts/standIn.js"
import * as words from "./transcripts/words.js"

const apiKey = "akm-00000000-0000-0000-0000-000000000000"

const timeoutOf = ({ description }: recordings.RecordedCall): number =>
  Number(/(?:timeoutMs|readTimeout|timeout_ms) (\d+)/.exec(description)?.[1] ?? 60_000)

const layerOf = (client: HttpClient.HttpClient, timeout: number) =>
  Agb.layer.pipe(
    Layer.provide(
      AgbConfig.layer({
        apiKey,
        endpoint: "https://agb.stub",
        timeout,
        deleteBudget: "5 seconds",
        retry: { maxAttempts: 2 }
      })
    ),
    Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
  )

const withSession = <A, E>(
  standIn: standIns.StandIn,
  sessionId: string,
  timeout: number,
  f: (to: Parameters<typeof ask>[1]) => Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    const agb = yield* Agb.Agb
    const session = yield* agb.attach(sessionId)
    yield* standIn.begin
    return yield* Effect.exit(f({ agb, session, standIn }))
  }).pipe(Effect.provide(layerOf(standIn.client, timeout)), withVirtualClock)

const tagOf = <A, E>(exit: Exit.Exit<A, E>): string =>
  Exit.isSuccess(exit) ? "success" : (Cause.squash(exit.cause) as AgbError.AgbError)._tag

const used = new Set<string>()

const conforms = (call: recordings.RecordedCall) =>
  Effect.gen(function*() {
    const standIn = standIns.make(call.exchanges.filter(recordings.isOurs))
    const exit = yield* withSession(standIn, sessionIdOf(call), timeoutOf(call), (to) => ask(call, to))

    const { expected, needed, sent } = requests.compare(call, standIn.sent)
    needed.forEach((name) => used.add(name))
    assert.deepStrictEqual(sent, expected)
    for (const { headers } of standIn.sent) {
      assert.strictEqual(headers["authorization"], `Bearer ${apiKey}`)
      assert.strictEqual(headers["content-type"], "application/json")
    }

    const difference = differenceOf(call.id)
    assert.deepStrictEqual(words.compare(call, exit), difference?.aspects ?? [])
    if (difference === undefined) return
    assert.strictEqual(tagOf(exit), difference.ours)
    if (difference.shows !== undefined) assert.isTrue(Exit.isSuccess(exit) && difference.shows(exit.value))
  })

describe.concurrent.each(recordings.folders)("%s", (folder) => {
  const calls = recordings.callsOf(folder)

  for (const call of calls.filter(({ exchanges }) => exchanges.some(recordings.isOurs))) {
    it.live(call.id, () => conforms(call))
  }

  for (const { callId, group, id } of calls.filter(({ exchanges }) => exchanges.every(recordings.isLocal))) {
    it.live(`${id}, refused by the official SDK`, () =>
      Effect.gen(function*() {
        const standIn = standIns.make([])
        const accepted = notRefused[id]
        const { ask, ours } = accepted ?? localCalls[`${group}/${callId}`] ?? assert.fail(`${id} is not listed`)
        const before = callId.startsWith("refused") ? standIn.vanish : Effect.void
        const exit = yield* withSession(standIn, "s", 60_000, (to) => Effect.zipRight(before, ask(to)))
        assert.strictEqual(tagOf(exit), ours)
        assert.strictEqual(standIn.sent.length > 0, accepted !== undefined)
      }))
  }
})

const handles = (reply: AgbApi.ReplyOf<AgbApi.Endpoints["createSession"]>) => ({
  sessionId: reply.sessionId,
  resourceUrl: reply.resourceUrl,
  linkUrl: reply.linkUrl,
  wsUrl: reply.wsUrl,
  token: reply.token && Redacted.value(reply.token),
  tools: reply.toolList?.map(({ name, server }) => `${name} on ${server}`) ?? []
})

/** The same out of the recorded reply, whose list of tools is an array or its JSON text. */
const recordedHandles = ({ response }: recordings.RecordedExchange) => {
  const { linkUrl, resourceUrl, sessionId, token, toolList, wsUrl } =
    (response?.body as recordings.Json)["data"] as Record<string, string>
  const list: unknown = typeof toolList === "string" ? JSON.parse(toolList) : toolList
  const tools = (list as ReadonlyArray<Record<string, string>>).map(({ name, server }) => `${name} on ${server}`)
  return { sessionId, resourceUrl, linkUrl, wsUrl, token, tools }
}

it.live("what a session can be reached by is read from every reply that has it", () =>
  Effect.gen(function*() {
    const calls = recordings.folders.flatMap(recordings.callsOf).filter(({ callId }) =>
      /^(create|get)\.link/.test(callId)
    )
    assert.lengthOf(calls, 5)
    for (const { callId, exchanges } of calls) {
      const standIn = standIns.make(exchanges)
      const exit = yield* withSession(standIn, "s", 60_000, ({ agb: { client } }) =>
        callId.startsWith("get") ? client.getSession({ sessionId: "s" }) : client.createSession({}))
      assert.deepStrictEqual(handles(yield* exit), recordedHandles(exchanges[0]!))
    }
  }))

it("no recorded exchange is left out", () => {
  const counts = recordings.folders.map((folder) => {
    const all = recordings.exchangesOf(folder)
    const ours = all.filter(recordings.isOurs).length
    const local = all.filter(recordings.isLocal).length
    return [folder, ours, local, all.length - ours - local]
  })
  assert.deepStrictEqual(counts, [["typescript", 175, 15, 8], ["python", 134, 15, 8], ["python-v0.2.2", 33, 2, 0]])
  const others = recordings.folders.flatMap(recordings.exchangesOf)
    .filter((exchange) => !recordings.isOurs(exchange) && !recordings.isLocal(exchange))
  assert.deepStrictEqual([...new Set(others.map(({ operation }) => operation))].sort(), [...recordings.contexts])
})

it.runIf(recordings.areBeside)("the excerpts agree with the recordings", () => {
  for (const folder of recordings.folders) {
    const originals = recordings.readOriginal(folder)
    const excerpts = recordings.readExcerpt(folder)
    assert.deepStrictEqual(originals.map(recordings.excerptOf), excerpts)
  }
})

it("every deviation is still needed", () => {
  const ids = recordings.folders.flatMap(recordings.callsOf).map(({ id }) => id)
  assert.deepStrictEqual(stale(ids), [])
  assert.deepStrictEqual(Object.keys(notRefused).filter((id) => !ids.includes(id)), [])
  assert.deepStrictEqual(Object.keys(localCalls).filter((key) => !ids.some((id) => id.endsWith(`/${key}`))), [])
  assert.deepStrictEqual(
    [...used].sort(),
    [...Object.keys(requests.deviations), ...Object.keys(requests.otherTraffic)].sort()
  )
})
