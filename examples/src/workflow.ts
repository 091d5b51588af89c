// A workflow whose process ends in the middle: another goes on with the same session, and nothing happens twice. The engine is in
// memory and forgets everything; one with a database would not even ask again.
import { AgbWorkflow } from "@effect-agb/cluster"
import { Agb, AgbError } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Workflow, WorkflowEngine } from "@effect/workflow"
import { Chunk, Console, Deferred, Effect, Fiber, Layer, Schema, Stream } from "effect"
import { local } from "./local.js"

const Build = Workflow.make({
  name: "Build",
  payload: { id: Schema.String },
  success: Schema.String,
  error: AgbError.AgbError,
  idempotencyKey: ({ id }) => id
})

/** `built` happens once the build is done, in the middle of the workflow. */
const layer = (built: Effect.Effect<void>) =>
  Build.toLayer(() =>
    Effect.gen(function*() {
      const session = yield* AgbWorkflow.session({ imageId: "agb-code-space-1" })
      yield* session.command("build", "echo built >> log")
      yield* session.runCode("count", "globalThis.runs = (globalThis.runs ?? 0) + 1", "javascript")
      yield* built
      const { stdout } = yield* session.command("check", "wc -l < log")
      const { text } = yield* session.runCode("report", "runs + 1", "javascript")
      return `built ${stdout.trim() === "1" ? "once" : stdout.trim()}, ${text} runs`
    })
  )

const build = (built: Effect.Effect<void>) =>
  Build.execute({ id: "main" }).pipe(Effect.provide(Layer.provideMerge(layer(built), WorkflowEngine.layerMemory)))

const sessions = Effect.flatMap(Agb.Agb, (agb) => Effect.map(Stream.runCollect(agb.list()), Chunk.size))

const program = Effect.gen(function*() {
  const reached = yield* Deferred.make<void>()
  const first = yield* Effect.fork(build(Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never)))
  yield* Deferred.await(reached)
  yield* Fiber.interrupt(first)
  yield* Console.log(`the engine ends in the middle: ${yield* sessions} session`)
  const result = yield* build(Effect.void)
  yield* Console.log(`${result}, then ${(yield* sessions) === 0 ? "no session" : "a session is left"}`)
})

NodeAgb.runMain(program.pipe(Effect.provide(local)))
