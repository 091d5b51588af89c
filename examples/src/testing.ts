// A program under test: on a backend in memory, among faults, and on a recording. No network, no sandbox.
import { Session } from "@effect-agb/core"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { NodeAgb } from "@effect-agb/platform-node"
import { Cause, Console, Effect, Layer } from "effect"

/** Runs the tests of a project until they pass, and keeps the report. */
const review = Session.use({ imageId: "agb-code-space-1" }, ({ command, fileSystem }) =>
  Effect.gen(function*() {
    const { stdout } = yield* command.executeCommand("npm test").pipe(
      Effect.retry({ times: 2, while: ({ _tag }) => _tag === "CommandExitError" })
    )
    yield* fileSystem.writeFile("/tmp/report.txt", stdout)
    return stdout.trim()
  }))

const backend = () =>
  AgbTest.layer({
    command: { "npm test": ({ nth }) => nth === 0 ? { stderr: "1 failing\n", exitCode: 1 } : "all pass\n" }
  })

const scripted = Effect.gen(function*() {
  const said = yield* review
  const { commands, sessions } = yield* AgbTest.AgbTest
  const [session] = yield* sessions
  const report = JSON.stringify(session?.files.text("/tmp/report.txt"))
  const runs = (yield* commands).length
  yield* Console.log(
    `scripted: ${said}, after ${runs} runs; the session is ${session?.status}, with the report ${report}`
  )
}).pipe(Effect.provide(backend()))

const amongFaults = Effect.flip(review).pipe(
  Effect.flatMap(({ _tag }) => Console.log(`among faults: ${_tag}`)),
  Effect.provide(Layer.provide(backend(), AgbTest.faults({ shell: [undefined, AgbTest.lostReply] })))
)

const replayed = Effect.gen(function*() {
  const cassettes: Array<AgbTest.Cassette> = []
  const record = AgbTest.record((cassette) => Effect.sync(() => cassettes.push(cassette)))
  yield* Effect.provide(review, Layer.provide(backend(), record))
  const [cassette = { version: 1, entries: [] }] = cassettes
  const [said, unused] = yield* Effect.zip(review, Effect.flatMap(AgbTest.Replay, ({ unused }) => unused)).pipe(
    Effect.provide(AgbTest.replay(cassette))
  )
  yield* Console.log(`replayed: ${said}, ${unused.length} of ${cassette.entries.length} answers unused`)
})

const unscripted = review.pipe(
  Effect.provide(AgbTest.layer({ command: { "npm run lint": "" } })),
  Effect.catchAllCause((cause) => Console.log(`unscripted: ${String([...Cause.defects(cause)][0])}`))
)

NodeAgb.runMain(Effect.all([scripted, amongFaults, replayed, unscripted], { discard: true }))
