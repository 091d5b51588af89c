/** A runtime in a process of its own, with the contexts in a given directory; it says where it is and serves until killed. */
import { Effect, Redacted } from "effect"
import * as LocalAgb from "../../../src/LocalAgb.js"

const [contextsDirectory] = process.argv.slice(2)

const program = Effect.gen(function*() {
  const { apiKey, endpoint } = yield* LocalAgb.make({
    contextsDirectory,
    poolSize: 0,
    limits: { workspaceBytes: 600 * 2 ** 20 }
  })
  yield* Effect.sync(() => process.stdout.write(`${JSON.stringify({ endpoint, apiKey: Redacted.value(apiKey) })}\n`))
  yield* Effect.never
})

await Effect.runPromise(Effect.scoped(program))
