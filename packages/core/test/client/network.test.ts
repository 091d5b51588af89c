/** What the client makes of a network that is a function. */
import { Agb, AgbClient, AgbConfig, Transport } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Layer, Stream } from "effect"

type Exchanged = Effect.Effect<Transport.Reply, Transport.ExchangeError>

/** The SDK on a network that answers the nth request like this. */
const on = (answer: (nth: number, exchange: Transport.Exchange<never>) => Exchanged) =>
  Layer.suspend(() => {
    let requests = 0
    return Agb.layerTransport.pipe(
      Layer.provide(
        Layer.succeed(Transport.Transport, {
          exchange: (exchange) => Effect.suspend(() => answer(requests++, { ...exchange, onCancel: () => () => {} }))
        })
      ),
      Layer.provide(Layer.orDie(AgbConfig.layer({ apiKey: "akm-1", retry: { maxAttempts: 2, baseDelay: "1 millis" } })))
    )
  })

const reply = (status: number, fields: object): Exchanged =>
  Effect.succeed({ status, headers: {}, body: JSON.stringify({ requestId: "r", ...fields }) })

const page = (nth: number, nextToken: string) =>
  reply(200, { success: true, data: [{ sessionId: `s-${nth}`, sessionStatus: "running" }], nextToken })

const listed = Effect.flatMap(Agb.Agb, (agb) => Effect.either(Stream.runCollect(agb.list())))

describe("a list", () => {
  for (const length of [1, 2, 3, 7]) {
    it.live(`whose page tokens repeat after ${length} ends with an error`, () => {
      let requests = 0
      return Effect.gen(function*() {
        for (let run = 1; run <= 2; run += 1) {
          const result = yield* listed
          assert.strictEqual(result._tag === "Left" && result.left._tag, "MalformedResponseError")
          assert.strictEqual(requests, run * (length + 1))
        }
      }).pipe(Effect.provide(on((nth) => {
        requests += 1
        return page(nth, `token-${nth % (length + 1) % length}`)
      })))
    })
  }

  it.live("of many pages is whole", () =>
    Effect.gen(function*() {
      const result = yield* listed
      assert.strictEqual(result._tag === "Right" && Chunk.size(result.right), 100)
    }).pipe(Effect.provide(on((nth) => page(nth, nth === 99 ? "" : `token-${nth}`)))))

  it.live("without an end ends with an error", () =>
    Effect.gen(function*() {
      const result = yield* listed
      assert.strictEqual(result._tag === "Left" && result.left._tag, "LimitExceededError")
    }).pipe(Effect.provide(on((nth) => page(nth, `token-${nth}`)))))
})

const unreachable: Exchanged = Effect.fail(
  new Transport.ExchangeError({ reason: "Unreachable", code: "ECONNREFUSED" })
)

describe("the outcome of a call that was repeated", () => {
  const first: ReadonlyArray<readonly [string, Exchanged, boolean]> = [
    ["may have happened", reply(503, { success: false }), true],
    ["was rejected", reply(429, { success: false }), false],
    ["was not sent", unreachable, false]
  ]
  for (const [title, exchanged, mayHaveHappened] of first) {
    it.live(`is exact when the first attempt ${title} and the last was not sent`, () =>
      Effect.gen(function*() {
        const client = yield* AgbClient.AgbClient
        const error = yield* Effect.flip(client.refreshSessionIdleTime({ sessionId: "s-1" }))
        assert.deepStrictEqual([error._tag, error.mayHaveHappened], ["TransportError", mayHaveHappened])
        const read = yield* Effect.flip(client.getSession({ sessionId: "s-1" }))
        assert.isFalse(read.mayHaveHappened)
      }).pipe(Effect.provide(on((nth) => nth === 0 ? exchanged : unreachable))))
  }
})
