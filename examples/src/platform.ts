// A program for @effect/platform, written without a session in mind: it runs on this machine, and unchanged inside a session.
import { Session, SessionPlatform } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Command, type Error, FileSystem, KeyValueStore, Path } from "@effect/platform"
import { Console, Effect, Option, type Stream } from "effect"
import { local } from "./local.js"

/** Counts the words of a text with the programs of the system. */
const wordsOf = (text: Stream.Stream<Uint8Array, Error.PlatformError>) =>
  Command.make("tr", "-s", "[:space:]", "\\n").pipe(
    Command.stdin(text),
    Command.pipeTo(Command.make("sort")),
    Command.pipeTo(Command.make("uniq", "-c")),
    Command.pipeTo(Command.make("sort", "-rn"))
  )

const program = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const directory = yield* files.makeTempDirectoryScoped({ prefix: "words-" })
  const file = path.join(directory, "text.txt")
  yield* files.writeFileString(file, "the quick brown fox and the lazy dog and the cat\n")

  const [first = ""] = yield* Command.lines(wordsOf(files.stream(file)))
  yield* Console.log(`most frequent: ${first.trim()}`)

  const store = yield* KeyValueStore.KeyValueStore
  yield* store.set("result", first.trim())
  yield* Console.log(`kept: ${Option.getOrElse(yield* store.get("result"), () => "nothing")}`)

  const missing = Effect.catchTag(
    Command.string(Command.make("no-such-program")),
    "SystemError",
    ({ reason }) => Effect.succeed(reason)
  )
  yield* Console.log(`no-such-program: ${yield* missing}`)
}).pipe(Effect.scoped, Effect.provide(KeyValueStore.layerFileSystem("results")))

NodeAgb.runMain(
  program.pipe(
    Effect.provide(SessionPlatform.layer),
    Effect.provide(Session.layer({ imageId: "agb-code-space-1" })),
    Effect.provide(local)
  )
)
