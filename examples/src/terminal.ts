// A shell on a pseudo-terminal: typed into, resized, interrupted, and ended.
import { Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect, Fiber, Stream } from "effect"
import { local } from "./local.js"

const program = Session.use({ imageId: "agb-code-space-1" }, ({ terminal }) =>
  Effect.gen(function*() {
    const shell = yield* terminal.open("exec bash --norc --noediting", { columns: 120, rows: 40 })
    const screen = yield* Effect.fork(
      shell.output.pipe(
        Stream.decodeText(),
        Stream.splitLines,
        Stream.runForEach((line) => Console.log(line))
      )
    )
    yield* shell.write("stty size\r")
    yield* Effect.sleep("500 millis")

    // What runs in the foreground is told of the new size by SIGWINCH.
    yield* shell.resize(100, 30)
    yield* shell.write("stty size\r")

    // Ctrl-C interrupts the command, not the shell.
    yield* shell.write("sleep 60\r")
    yield* Effect.sleep("500 millis")
    yield* shell.write("\x03")
    yield* Effect.sleep("500 millis")

    yield* shell.write("exit 3\r")
    const { exitCode } = yield* shell.exit
    yield* Fiber.join(screen)
    yield* Console.log(`the shell exited with ${exitCode}`)
  }).pipe(Effect.scoped))

NodeAgb.runMain(program.pipe(Effect.provide(local)))
