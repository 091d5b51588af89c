// A process that goes on between calls: followed while it runs, left to the session, found again by its key.
import { Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect, Option, Stream } from "effect"
import { local } from "./local.js"

const program = Session.use({ imageId: "agb-code-space-1" }, ({ command }) =>
  Effect.gen(function*() {
    // Outlives this program; started again with the same key, it is found and not run twice.
    yield* command.startDetached("for i in 1 2 3; do echo step $i; sleep 0.1; done; exit 4", { key: "steps" })

    const steps = yield* command.attach("steps")
    yield* steps.stdout.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runForEach((line) => Console.log(line))
    )
    const { exitCode } = yield* steps.exit
    yield* Console.log(`steps ended with ${exitCode}`)

    // Reading goes on where another reader has stopped: `cursor` says where that is.
    const first = yield* Stream.runHead(steps.logs())
    const rest = yield* Stream.runCount(steps.logs(Option.getOrThrow(first).cursor))
    yield* Console.log(`${rest} pieces after the first`)

    // Ends with its scope, with everything that it has started.
    yield* Effect.scoped(Effect.gen(function*() {
      const sorted = yield* command.start("sort", { stdin: "pipe" })
      yield* Stream.make("pear\n", "apple\n").pipe(Stream.encodeText, Stream.run(sorted.stdin))
      yield* Console.log(yield* Stream.mkString(Stream.decodeText(sorted.stdout)))

      const server = yield* command.start("echo listening; sleep 60")
      yield* server.waitForLog(/listening/)
      yield* server.kill("SIGINT")
      const { signal } = yield* server.exit
      yield* Console.log(`the server got ${Option.getOrElse(signal, () => "no signal")}`)
    }))
  }))

NodeAgb.runMain(program.pipe(Effect.provide(local)))
