// Bytes into a session and out of it: a stream becomes a file, a range of it is read, and it is copied and removed.
import { FileSystem, Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect, Stream } from "effect"
import { local } from "./local.js"

const program = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const numbers = Stream.range(1, 100_000).pipe(Stream.map((n) => `${n}\n`), Stream.encodeText)
  yield* files.writeFile("/tmp/numbers.txt", numbers)
  const { size, type } = yield* files.stat("/tmp/numbers.txt")
  yield* Console.log(`${type} of ${size} bytes`)

  const head = files.readFileStream("/tmp/numbers.txt", { offset: 2, bytesToRead: 4 })
  yield* Console.log(JSON.stringify(yield* Stream.mkString(Stream.decodeText(head))))

  yield* Stream.run(files.readFileStream("/tmp/numbers.txt"), files.sink("/tmp/again.txt"))
  yield* files.copy("/tmp/again.txt", "/tmp/copy.txt")
  yield* files.remove("/tmp/again.txt")
  yield* Console.log(
    `copy: ${yield* files.exists("/tmp/copy.txt")}, original: ${yield* files.exists("/tmp/again.txt")}`
  )
})

NodeAgb.runMain(
  program.pipe(Effect.provide(Session.layer({ imageId: "agb-code-space-1" })), Effect.provide(local))
)
