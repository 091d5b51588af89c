// Every failure is in the type: an exception of the code, an exit code, a missing file, a timeout, a wrong argument.
import { Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect } from "effect"
import { local } from "./local.js"

const program = Session.use({ imageId: "agb-code-space-1" }, ({ code, command, fileSystem }) =>
  Effect.gen(function*() {
    const raised = yield* code.runCode("throw new RangeError('too far')", "javascript").pipe(
      Effect.catchTag("CodeExecutionError", (error) => Effect.succeed(`${error.name}: ${error.value}`))
    )
    yield* Console.log(`the code raised ${raised}`)

    const exit = yield* command.executeCommand("ls /nowhere").pipe(
      Effect.map(() => 0),
      Effect.catchTag("CommandExitError", (error) => Effect.succeed(error.exitCode))
    )
    yield* Console.log(`ls ended with ${exit}`)

    const content = yield* fileSystem.readFile("/tmp/missing").pipe(
      Effect.catchTag("FileNotFoundError", () => Effect.succeed("(no such file)"))
    )
    yield* Console.log(`the file: ${content}`)

    const slow = yield* command.executeCommand("sleep 5", { timeout: "200 millis" }).pipe(
      Effect.map(() => "finished"),
      Effect.catchTag("ExecutionTimeoutError", (error) => Effect.succeed(`stopped after ${error.timeoutMillis} ms`))
    )
    yield* Console.log(`sleep 5: ${slow}`)

    const refused = yield* Effect.flip(code.runCode("puts 1", "ruby"))
    yield* Console.log(`${refused._tag}: ${refused.message}`)
  }))

NodeAgb.runMain(program.pipe(Effect.provide(local)))
