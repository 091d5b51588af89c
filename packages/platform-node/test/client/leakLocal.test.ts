/** The leak test on real sandboxes: a local runtime behind a proxy that loses replies, fails and resets. */
import { Agb } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Logger, Redacted, Stream } from "effect"
import { dice, misbehave } from "../support/chaos.js"
import { codeStream, commandStream, files, oneOf, process, run } from "../support/chaosWork.js"
import { make as makeProxy } from "../support/faultProxy.js"
import { serverLayer } from "../support/runtime.js"

describe("no sandbox is left behind", () => {
  it.live("100 sessions, 40 of them interrupted", () =>
    Effect.gen(function*() {
      const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
      const key = Redacted.value(apiKey)
      const proxy = yield* makeProxy(endpoint, key)
      const roll = dice(7)
      misbehave(proxy.faults, roll, 20)
      const work = oneOf(roll, [
        [0.6, ({ command }) => command.executeCommand("true")],
        [0.1, process("echo begun; sleep 60")],
        [0.1, commandStream("echo begun; sleep 60")],
        [0.1, codeStream("console.log(1); setInterval(() => console.log(2), 10); await new Promise(() => {})")],
        [0.1, files]
      ])
      const undeleted = yield* run({
        roll,
        work,
        programs: 100,
        concurrency: 8,
        pool: { max: 2, share: 0.15 },
        longestMillis: 100
      }).pipe(
        Effect.zipRight(Effect.flatMap(Agb.Agb, (agb) => agb.undeleted)),
        Effect.provide(NodeAgb.layer({
          apiKey,
          endpoint: proxy.endpoint,
          deleteBudget: "5 minutes",
          retry: { baseDelay: Duration.millis(5), maxDelay: Duration.millis(50) }
        }))
      )
      const left = yield* Effect.flatMap(Agb.Agb, (agb) => Stream.runCollect(agb.list())).pipe(
        Effect.provide(NodeAgb.layer({ apiKey, endpoint }))
      )
      assert.isAbove(proxy.ledger.created.length, 60)
      assert.deepStrictEqual({ left: [...left], undeleted }, { left: [], undeleted: [] })
      assert.sameMembers(proxy.ledger.deleted, proxy.ledger.created)
    }).pipe(
      Effect.scoped,
      Effect.provide(serverLayer({ poolSize: 2 })),
      Effect.provide(Logger.remove(Logger.defaultLogger))
    ))
})
