/**
 * A host with two sandboxes of every isolation, or of every one in namespaces, one of them with a stopped agent; it says how many
 * isolations there are and waits to be killed.
 */
import { Effect, Option } from "effect"
import { nodeOnly } from "../../../src/internal/sandbox/confine/interpreters.js"
import { make } from "../../../src/internal/sandbox/sandbox.js"
import { type Isolation, probe, probeAll } from "../../../src/Isolation.js"

const [agent = "", seconds = "", secondsOfStrays = "", which = "all"] = process.argv.slice(2)

const hold = (isolation: Isolation, state: string) =>
  Effect.gen(function*() {
    const sandbox = yield* make({ isolation, interpreters: nodeOnly, agent })
    const stray = isolation.level === "namespaces" ? seconds : secondsOfStrays
    const command = `sleep ${seconds} & setsid sleep ${stray} & ${state}; sleep ${seconds}`
    yield* Effect.fork(sandbox.call({ op: "shell", command, timeoutMs: 60_000 }))
  })

const program = Effect.gen(function*() {
  const confined = yield* probeAll
  const landlock = yield* Effect.option(probe("landlock"))
  const all = which === "namespaces" ? confined : [...confined, ...Option.toArray(landlock), yield* probe("none")]
  for (const isolation of all) {
    yield* hold(isolation, "true")
    yield* hold(isolation, "kill -STOP $PPID")
  }
  yield* Effect.sync(() => process.stdout.write(`${all.length}\n`))
  yield* Effect.never
})

await Effect.runPromise(Effect.scoped(program))
