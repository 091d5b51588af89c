// Output while code runs: a loop that prints, read line by line, and a stream that is left early, which ends its code.
import { Code, RichResult, Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect, Option, Stream } from "effect"
import { local } from "./local.js"

const pause = "await new Promise((go) => setTimeout(go, 200))"

const countdown = `for (const n of [3, 2, 1]) { console.log(n); ${pause} }\n({ lift: "off" })`

const forever = `for (let n = 0;; n++) { console.log("tick " + n); ${pause} }`

const lines = (events: Stream.Stream<Code.CodeEvent, Code.RunCodeError>) =>
  events.pipe(
    Stream.filterMap((event) => event._tag === "Stdout" ? Option.some(event.text) : Option.none()),
    Stream.splitLines
  )

const program = Effect.gen(function*() {
  const code = yield* Code.Code

  yield* Stream.runForEach(code.runCodeStream(countdown, "javascript"), (event) => {
    switch (event._tag) {
      case "Stdout":
      case "Stderr":
        return Console.log(`it prints ${event.text.trimEnd()}`)
      case "Result":
        return Console.log(`it displays ${RichResult.show({ stdout: "", stderr: "", results: [event.item] })}`)
      case "Completed":
        return Console.log(`it printed ${event.result.stdout.length} characters`)
    }
  })

  // The kernel is free for the next run: the code ended with its stream.
  yield* Stream.runForEach(Stream.take(lines(code.runCodeStream(forever, "javascript")), 2), Console.log)
  const next = yield* code.runCode("6 * 7", "javascript")
  yield* Console.log(`and then ${next.text}`)
})

const session = Session.layer({ imageId: "agb-code-space-1" })

NodeAgb.runMain(program.pipe(Effect.provide(session), Effect.provide(local)))
