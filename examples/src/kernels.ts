// Several kernels in one session: each with a state of its own, interrupted and restarted.
import { Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect, Fiber, Stream } from "effect"
import { local } from "./local.js"

const program = Session.use({ imageId: "agb-code-space-1" }, ({ code }) =>
  Effect.gen(function*() {
    const open = code.context({ language: "python" })
    const [first, second] = yield* Effect.all([open, open], { concurrency: 2 })
    yield* first.runCode("x = 1")
    yield* second.runCode("x = 2")
    const texts = yield* Effect.forEach([first, second], (context) => context.runCode("x"))
    yield* Console.log(`first: ${texts[0]?.text}, second: ${texts[1]?.text}`)

    // Output is told while the code runs; an interrupt ends the run and keeps the state.
    const slow = yield* Effect.fork(
      Stream.runForEach(
        first.runCodeStream("import time\nprint('begun')\ntime.sleep(100)"),
        (event) => event._tag === "Stdout" ? first.interrupt : Effect.void
      )
    )
    const error = yield* Effect.flip(Fiber.join(slow))
    if (error._tag === "CodeExecutionError") {
      yield* Console.log(`${error.name}, state kept: ${error.stateKept}`)
    }
    yield* Console.log(`still there: ${(yield* first.runCode("x")).text}`)

    yield* first.restart
    yield* first.runCode("x").pipe(Effect.catchTag("CodeExecutionError", ({ name }) => Console.log(name)))
  }).pipe(Effect.scoped))

NodeAgb.runMain(program.pipe(Effect.provide(local)))
