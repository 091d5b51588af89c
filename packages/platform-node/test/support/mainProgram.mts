/**
 * A whole process for `process.test.ts`: it makes three sessions, says so, and does what its first argument says; with a
 * second one not before its standard input has ended.
 */
import * as Session from "@effect-agb/core/Session"
import * as NodeAgb from "@effect-agb/platform-node/NodeAgb"
import * as Effect from "effect/Effect"
import { once } from "node:events"

const later = (f: () => void): Effect.Effect<never> => {
  setTimeout(f, 20)
  return Effect.never
}

const endings: Readonly<Record<string, Effect.Effect<unknown, string>>> = {
  succeed: Effect.void,
  fail: Effect.fail("refused to work"),
  wait: Effect.never,
  print: Effect.zipRight(Effect.sync(() => process.stdout.write("more\n")), Effect.never),
  log: Effect.zipRight(Effect.logWarning("nobody reads this"), Effect.never),
  complain: Effect.sync(() => process.stderr.write("nobody reads this\n")),
  throwWhenHungUp: Effect.zipRight(
    Effect.sync(() =>
      process.once("SIGHUP", () => {
        throw new Error("nobody catches this")
      })
    ),
    Effect.never
  ),
  throw: Effect.suspend(() =>
    later(() => {
      throw new Error("nobody catches this")
    })
  ),
  throwTextless: Effect.suspend(() =>
    later(() => {
      throw Object.create(null)
    })
  ),
  reject: Effect.suspend(() => later(() => void Promise.reject(new Error("nobody awaits this"))))
}

const untilInputEnds = Effect.promise(() => once(process.stdin.resume(), "end"))

const program = Effect.gen(function*() {
  yield* Effect.all(Array.from({ length: 3 }, () => Session.make({ imageId: "agb-code-space-1" })))
  yield* Effect.sync(() => process.stdout.write("ready\n"))
  if (process.argv[3] !== undefined) yield* untilInputEnds
  yield* endings[process.argv[2] ?? ""] ?? Effect.fail("no such ending")
}).pipe(Effect.scoped, Effect.provide(NodeAgb.layerConfig()))

NodeAgb.runMain(program)
