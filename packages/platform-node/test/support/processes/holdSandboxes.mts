/** A host with two sandboxes of every isolation, one of them with a stopped agent; it says how many and waits to be killed. */
import { Effect, Option } from "effect"
import { nodeOnly } from "../../../src/internal/sandbox/confine/interpreters.js"
import { make } from "../../../src/internal/sandbox/sandbox.js"
import { type Isolation, probe, probeAll } from "../../../src/Isolation.js"

const [agent = "", seconds = "", secondsOfStrays = ""] = process.argv.slice(2)

const hold = (isolation: Isolation, state: string) =>
  Effect.gen(function*() {
    const sandbox = yield* make({ isolation, interpreters: nodeOnly, agent })
    const stray = isolation.level === "namespaces" ? seconds : secondsOfStrays
    const command = `sleep ${seconds} & setsid sleep ${stray} & ${state}; sleep ${seconds}`
    yield* Effect.fork(sandbox.call({ op: "shell", command, timeoutMs: 60_000 }))
  })

const program = Effect.gen(function*() {
  const landlock = yield* Effect.option(probe("landlock"))
  const all = [...(yield* probeAll), ...Option.toArray(landlock), yield* probe("none")]
  for (const isolation of all) {
    yield* hold(isolation, "true")
    yield* hold(isolation, "kill -STOP $PPID")
  }
  yield* Effect.sync(() => process.stdout.write(`${all.length}\n`))
  yield* Effect.never
})

await Effect.runPromise(Effect.scoped(program))
