/**
 * Works on a process of the session named by `AGB_SESSION`: `start <key> <command>` says what it found, `startMany` does so for `KEY`s
 * that begin with the key; `read <key> <cursor>` writes each chunk as a line, the digest of everything, or how much more memory it took.
 */
import * as Session from "@effect-agb/core/Session"
import * as NodeAgb from "@effect-agb/platform-node/NodeAgb"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"

const [action = "", key = "", argument = ""] = process.argv.slice(2)

const print = (value: unknown) => Effect.sync(() => process.stdout.write(`${JSON.stringify(value)}\n`))

const measure = (bytes: Stream.Stream<Uint8Array, unknown>) =>
  Effect.gen(function*() {
    const digest = createHash("sha256")
    let [least, most, size] = [Infinity, 0, 0]
    yield* Stream.runForEach(bytes, (chunk) =>
      Effect.sync(() => {
        digest.update(chunk)
        size += chunk.length
        // The first reads fill what the runtime keeps for itself.
        const { rss } = process.memoryUsage()
        if (size > 16 * 2 ** 20) [least, most] = [Math.min(least, rss), Math.max(most, rss)]
      }))
    yield* print({ digest: digest.digest("hex"), size, growth: most - least })
  })

const program = Effect.gen(function*() {
  const { command } = yield* Session.attach(process.env["AGB_SESSION"] ?? "")
  if (action === "start") {
    const { isNew, pid } = yield* command.startDetached(argument, { key })
    return yield* print({ isNew, pid })
  }
  if (action === "startMany") {
    const keys = Array.from({ length: 24 }, (_, nth) => `${key}-${nth}`)
    const start = (key: string) =>
      Effect.flatMap(command.startDetached(argument, { key, envs: { KEY: key } }), ({ ref }) => print(ref))
    return yield* Effect.forEach(keys, start, { concurrency: "unbounded", discard: true })
  }
  const found = yield* command.attach(key)
  if (action === "measure") return yield* measure(found.stdout)
  yield* Stream.runForEach(
    found.logs(JSON.parse(argument)),
    ({ bytes, cursor, stream }) => print({ stream, cursor, base64: Buffer.from(bytes).toString("base64") })
  )
  yield* print({ done: true })
})

await Effect.runPromise(Effect.provide(program, NodeAgb.layerConfig()))
