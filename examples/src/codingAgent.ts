// A coding agent that works in one session while its runner is ended twice. The model is asked once for each turn and each of its commands
// runs once, since the workflow records both. The record is in memory here; over a database the runners may be other machines.
import { AgbWorkflow } from "@effect-agb/cluster"
import { Agb, AgbError } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import * as Cluster from "@effect/cluster"
import { Workflow } from "@effect/workflow"
import { Chunk, Console, Effect, Exit, Fiber, Layer, Queue, Schema, Stream } from "effect"
import { local } from "./local.js"

const script = [
  "echo edit >> log; echo 'add = (a, b) => a - b' > sum.js; sleep 1",
  "echo test >> log; sleep 1; grep -c 'a + b' sum.js || true",
  "echo edit >> log; sed -i 's/-/+/' sum.js",
  "echo test >> log; grep -c 'a + b' sum.js; wc -l < log"
]

/** A model that says the next command from what the last ones said. */
const makeModel = Effect.map(Queue.unbounded<number>(), (turns) => ({
  turns,
  ask: (said: ReadonlyArray<string>) => Effect.as(Queue.offer(turns, said.length), script[said.length] ?? "")
}))

const Agent = Workflow.make({
  name: "Agent",
  payload: { task: Schema.String },
  success: Schema.Array(Schema.String),
  error: AgbError.AgbError,
  idempotencyKey: ({ task }) => task
})

const config = { entityTerminationTimeout: 0, entityMessagePollInterval: 100, entityReplyPollInterval: 100 }

const program = Effect.gen(function*() {
  const { ask, turns } = yield* makeModel
  const agent = Agent.toLayer(() =>
    Effect.gen(function*() {
      const session = yield* AgbWorkflow.session({ imageId: "agb-code-space-1" })
      const said: Array<string> = []
      for (;;) {
        const command = yield* session.step(`ask ${said.length}`, { success: Schema.String, execute: ask(said) })
        if (command === "") return said
        said.push((yield* session.command(`run ${said.length}`, command)).stdout.trim())
      }
    })
  )
  const sharding = Cluster.ShardingConfig.layer(config)
  const record = yield* Layer.build(Layer.provide(Cluster.MessageStorage.layerMemory, sharding))
  const storage = Layer.mergeAll(
    Layer.succeedContext(record),
    Cluster.RunnerStorage.layerMemory,
    Cluster.RunnerHealth.layerNoop
  )
  const runner = agent.pipe(
    Layer.provideMerge(Cluster.ClusterWorkflowEngine.layer),
    Layer.provideMerge(Layer.fresh(Cluster.Sharding.layer)),
    Layer.provide(Cluster.Runners.layerNoop),
    Layer.provideMerge(Layer.fresh(storage)),
    Layer.provide(sharding)
  )
  const work = Effect.provide(Agent.execute({ task: "mend the sum" }), runner)
  for (const nth of [1, 2]) {
    const fiber = yield* Effect.fork(work)
    yield* Queue.take(turns)
    yield* Effect.sleep("500 millis")
    yield* Fiber.interrupt(fiber)
    yield* Console.log(`runner ${nth} ends`)
  }
  const said = yield* Effect.exit(work)
  const asked = 2 + (yield* Queue.takeAll(turns)).length
  const sessions = Chunk.size(yield* Stream.runCollect((yield* Agb.Agb).list()))
  yield* Console.log(Exit.isSuccess(said) ? said.value.join(", ") : said.cause)
  yield* Console.log(`the model was asked ${asked} times, ${sessions} sessions are left`)
})

NodeAgb.runMain(Effect.scoped(program).pipe(Effect.provide(local)))
