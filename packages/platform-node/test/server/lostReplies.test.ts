/** Creates whose clients are gone before the reply is written: nobody knows the session, so it ends at once. */
import { Agb } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Redacted, Stream } from "effect"
import * as Net from "node:net"
import { serverLayer } from "../support/runtime.js"

const until = (condition: () => boolean) =>
  Effect.suspend(() => condition() ? Effect.void : Effect.repeat(Effect.sleep("10 millis"), { until: condition }))

const log: Array<Record<string, unknown>> = []
const logger = Logger.make(({ annotations }) => void log.push(Object.fromEntries(annotations)))

const created = () =>
  log.filter(({ route, sessionId }) => route === "createSession" && typeof sessionId === "string").length

describe("a session whose creation nobody took", () => {
  it.live("ends at once", () =>
    Effect.gen(function*() {
      const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
      const request = [
        "POST /mcp/createSession?imageId=i HTTP/1.1",
        `host: ${new URL(endpoint).host}`,
        `authorization: Bearer ${Redacted.value(apiKey)}`,
        "content-type: application/json",
        "content-length: 2",
        "\r\n{}"
      ].join("\r\n")
      for (let nth = 0; nth < 3; nth++) {
        const socket = Net.connect(Number(new URL(endpoint).port), "127.0.0.1")
        socket.on("error", () => {})
        yield* Effect.async<void>((resume) => {
          socket.write(request, () => resume(Effect.void))
        })
        socket.destroy()
      }
      yield* until(() => created() === 3)
      const client = NodeAgb.layer({ apiKey, endpoint })
      const agb = yield* Effect.map(Layer.build(client), (context) => Effect.provide(context))
      const list = agb(Effect.flatMap(Agb.Agb, (agb) => Stream.runCollect(agb.list())))
      const session = yield* agb(Effect.flatMap(Agb.Agb, (agb) => agb.create({ imageId: "agb-code-space-1" })))
      yield* Effect.repeat(Effect.delay(list, "10 millis"), { until: (all) => all.length <= 1, times: 1000 })
      assert.deepStrictEqual([...yield* list].map(({ sessionId }) => sessionId), [session.sessionId])
    }).pipe(
      Effect.scoped,
      Effect.provide(serverLayer({ poolSize: 0, requestLogLevel: "Info" })),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger))
    ))
})
