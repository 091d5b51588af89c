// A runner as a process of its own.
import { Effect, Layer } from "effect"
import { runner, workflows } from "./workflowsCluster.js"

const [port = "", locks = ""] = process.argv.slice(2)

const ready = Layer.effectDiscard(Effect.sync(() => console.log("ready")))

const layer = ready.pipe(
  Layer.provideMerge(workflows),
  Layer.provide(runner(Number(port), { isTable: locks === "table" }))
)

const fiber = Effect.runFork(Layer.launch(layer))
process.once("SIGTERM", () => {
  fiber.addObserver(() => process.exit(0))
  fiber.unsafeInterruptAsFork(fiber.id())
})
