// The runner of `codingAgent.ts`: a process with an engine in memory, which dies with it. Each runner asks the model for all turns again; but
// in the session each turn happens once, and its kernel remembers.
import { AgbWorkflow } from "@effect-agb/cluster"
import { AgbError } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Workflow, WorkflowEngine } from "@effect/workflow"
import { Console, Effect, Layer, Schema } from "effect"

const test = "echo test >> log; sleep 0.5; grep -q 'a + b' sum.js && echo pass || echo fail"
const script = [
  "echo edit >> log; echo 'const sum = (a, b) => a - b' > sum.js; echo wrote sum.js",
  test,
  "code: globalThis.tests = ['fail']; tests.length",
  "echo edit >> log; sed -i 's/a - b/a + b/' sum.js; echo mended sum.js",
  test,
  "code: tests.push('pass'); tests.join(' then ')",
  "echo $(wc -l < log) commands"
]

/** The model: says what to do next from what was said so far. */
const ask = (said: ReadonlyArray<string>) => Effect.succeed(script[said.length] ?? "")

const Agent = Workflow.make({
  name: "Agent",
  payload: { task: Schema.String },
  success: Schema.Array(Schema.String),
  error: AgbError.AgbError,
  idempotencyKey: ({ task }) => task
})

const agent = Agent.toLayer(() =>
  Effect.gen(function*() {
    const session = yield* AgbWorkflow.session({ imageId: "agb-code-space-1" })
    for (const said: Array<string> = [];;) {
      const turn = said.length
      const next = yield* session.step(`ask ${turn}`, { success: Schema.String, execute: ask(said) })
      if (next === "") return said
      yield* Console.log(`turn ${turn}`)
      const [, code] = /^code: (.*)/.exec(next) ?? []
      said.push(
        code === undefined
          ? (yield* session.command(`run ${turn}`, next)).stdout.trim()
          : (yield* session.runCode(`run ${turn}`, code, "javascript")).text
      )
    }
  })
)

const engine = Layer.provideMerge(agent, WorkflowEngine.layerMemory)

const program = Effect.flatMap(Agent.execute({ task: "sum" }), (said) => Console.log(said.join(", ")))

NodeAgb.runMain(program.pipe(Effect.provide(engine), Effect.provide(NodeAgb.layerConfig())))
