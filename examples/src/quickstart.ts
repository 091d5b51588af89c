import { Code, FileSystem, Session } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect } from "effect"

const program = Effect.gen(function*() {
  const code = yield* Code.Code
  const files = yield* FileSystem.FileSystem

  const run = yield* code.runCode("[1, 2, 3].reduce((a, b) => a + b)", "javascript")
  yield* Console.log(`the sum is ${run.text}`)

  yield* files.writeFile("/tmp/notes.txt", "kept as long as the session")
  yield* Console.log(`the file says: ${yield* files.readFile("/tmp/notes.txt")}`)

  yield* code.runCode("null.length", "javascript")
}).pipe(
  Effect.catchTag("CodeExecutionError", (error) => Console.log(`the code raised ${error.name}: ${error.value}`)),
  Effect.provide(Session.layer({ imageId: "agb-code-space-1" })) // deleted when the program ends, however it ends
)

// A failure that nobody caught is logged, and the exit code is 1. For the cloud: NodeAgb.layerConfig() and AGB_API_KEY.
NodeAgb.runMain(program.pipe(Effect.provide(LocalAgb.layer())))
