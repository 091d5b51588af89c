// Storage that outlives sessions: each run of this program's session finds what the one before has left.
import { Contexts, Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect, Layer } from "effect"
import { local } from "./local.js"

const path = "/tmp/diary"

const writeEntry = (context: Contexts.ContextInfo, entry: string) =>
  Session.use(
    { imageId: "agb-code-space-1", contexts: [{ context, path }] },
    ({ contexts, fileSystem }) =>
      Effect.gen(function*() {
        yield* fileSystem.writeFile(`${path}/entries.txt`, `${entry}\n`, { mode: "append" })
        // What is not confirmed as saved is a failure.
        yield* contexts.sync()
      })
  )

const program = Effect.gen(function*() {
  const contexts = yield* Contexts.Contexts
  const context = yield* contexts.getOrCreate("diary")
  yield* contexts.write(context, `${path}/entries.txt`, "written without a session\n")
  yield* writeEntry(context, "written by the first session")
  yield* writeEntry(context, "written by the second session")
  const bytes = yield* contexts.read(context, `${path}/entries.txt`)
  yield* Console.log(new TextDecoder().decode(bytes))
  yield* contexts.remove(context)
})

NodeAgb.runMain(program.pipe(Effect.provide(Contexts.layer.pipe(Layer.provideMerge(local)))))
