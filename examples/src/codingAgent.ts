// A coding agent that works in one session while its runner is ended twice. The engine is in memory and forgets everything, so that each
// runner asks the model for all turns again; but a command of the session runs once. One with a database would not even ask again.
import { AgbWorkflow } from "@effect-agb/cluster"
import { Agb, AgbError } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Workflow, WorkflowEngine } from "@effect/workflow"
import { Chunk, Console, Deferred, Effect, Fiber, Layer, Schema, Stream } from "effect"
import { local } from "./local.js"

const script = [
  "echo edit >> log; echo 'const sum = (a, b) => a - b' > sum.js; echo wrote sum.js",
  "echo test >> log; grep -q 'a + b' sum.js && echo pass || echo fail",
  "echo edit >> log; sed -i 's/a - b/a + b/' sum.js; echo mended sum.js",
  "echo test >> log; grep -q 'a + b' sum.js && echo pass || echo fail",
  "echo $(wc -l < log) commands"
]

/** The model: says the next command from what the last ones said. */
const ask = (said: ReadonlyArray<string>) => Effect.succeed(script[said.length] ?? "")

const Agent = Workflow.make({
  name: "Agent",
  payload: { task: Schema.String },
  success: Schema.Array(Schema.String),
  error: AgbError.AgbError,
  idempotencyKey: ({ task }) => task
})

const run = (pause: (turn: number) => Effect.Effect<void>) => {
  const agent = Agent.toLayer(() =>
    Effect.gen(function*() {
      const session = yield* AgbWorkflow.session({ imageId: "agb-code-space-1" })
      const said: Array<string> = []
      for (;;) {
        const command = yield* session.step(`ask ${said.length}`, { success: Schema.String, execute: ask(said) })
        if (command === "") return said
        said.push((yield* session.command(`run ${said.length}`, command)).stdout.trim())
        yield* pause(said.length)
      }
    })
  )
  return Effect.provide(Agent.execute({ task: "sum" }), Layer.provideMerge(agent, WorkflowEngine.layerMemory))
}

const program = Effect.gen(function*() {
  for (const last of [1, 3]) {
    const reached = yield* Deferred.make<void>()
    const stop = Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never)
    const runner = yield* Effect.fork(run((turn) => turn === last ? stop : Effect.void))
    yield* Deferred.await(reached)
    yield* Fiber.interrupt(runner)
    yield* Console.log(`a runner ends after turn ${last}`)
  }
  yield* Console.log((yield* run(() => Effect.void)).join(", "))
  const sessions = Chunk.size(yield* Stream.runCollect((yield* Agb.Agb).list()))
  yield* Console.log(`${sessions} sessions are left`)
})

NodeAgb.runMain(program.pipe(Effect.provide(local)))
