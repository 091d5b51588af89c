// Several sessions at once: a session per text, at most three at a time, each deleted when its text is done.
import { Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect, Stream } from "effect"
import { local } from "./local.js"

const texts = [
  "the quick brown fox jumps over the lazy dog",
  "to be or not to be that is the question",
  "all happy families are alike",
  "call me Ishmael"
]

const countWords = (text: string) =>
  Session.use({ imageId: "agb-code-space-1" }, (session) =>
    Effect.gen(function*() {
      yield* session.fileSystem.writeFile("/tmp/text.txt", text)
      const { stdout } = yield* session.command.executeCommand("wc -w < \"${TMPDIR:-/tmp}/text.txt\"")
      return { text, words: Number(stdout.trim()) }
    }))

const program = Stream.fromIterable(texts).pipe(
  Stream.mapEffect(countWords, { concurrency: 3 }),
  Stream.runForEach(({ text, words }) => Console.log(`${words} words: ${text}`))
)

NodeAgb.runMain(program.pipe(Effect.provide(local)))
