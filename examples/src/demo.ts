// `pnpm demo`: code that draws while it runs, a figure, failures read from their types, and no session left, also by Ctrl-C.
import { type AgbError, RichResult, Session } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect, Option, Stream } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { local } from "./local.js"
import { paint, showImage, timed } from "./screen.js"

const program = readFileSync(new URL("../programs/mandelbrot.js", import.meta.url), "utf8")

const draw = ({ code }: Session.Session) =>
  Stream.runForEach(code.runCodeStream(program, "javascript"), (event) => {
    if (event._tag === "Stdout") return Console.log(paint("cyan", event.text.trimEnd()))
    const png = event._tag === "Result" ? RichResult.get(event.item, "image/png") : Option.none()
    if (Option.isNone(png) || png.value._tag !== "Binary") return Effect.void
    const file = join(tmpdir(), "agb-mandelbrot.png")
    writeFileSync(file, png.value.bytes)
    return Effect.zipRight(showImage(png.value.bytes), Console.log(`${paint("bold", "figure:")} ${file}`))
  })

const said = (error: AgbError.AgbError, text: string) => Console.log(`  ${paint("red", error._tag.padEnd(18))} ${text}`)

const fail = <A>(effect: Effect.Effect<A, AgbError.AgbError>) =>
  effect.pipe(Effect.catchTags({
    CodeExecutionError: (error) => said(error, `${error.name}: ${error.value}`),
    CommandExitError: (error) =>
      said(error, `exit code ${error.exitCode}, and on standard error: ${error.stderr.trim()}`),
    FileNotFoundError: (error) => said(error, error.path)
  }))

const work = (session: Session.Session) =>
  Effect.gen(function*() {
    const { code, command, fileSystem } = session
    yield* timed(draw(session), () => "drawn in JavaScript, streamed while it ran")
    yield* Console.log(paint("bold", "failures are values, and their types tell them apart:"))
    yield* fail(code.runCode("null.length", "javascript"))
    yield* fail(command.executeCommand("echo no luck >&2; exit 3"))
    yield* fail(fileSystem.readFile("/tmp/missing"))
    const endless = Effect.timeoutOption(Stream.runDrain(code.runCodeStream("for (;;) {}", "javascript")), "300 millis")
    yield* timed(Effect.zipRight(endless, code.runCode("6 * 7", "javascript")), ({ text }) =>
      `an endless loop was interrupted, and the session goes on: 6 * 7 is ${text}`)
  }).pipe(Effect.onInterrupt(() =>
    Console.log("\ninterrupted")
  ))

const demo = Effect.gen(function*() {
  const { isolation, languageSummary, pageUrl } = yield* LocalAgb.LocalAgb
  yield* Console.log(`${paint("bold", "isolation:")} ${isolation.level}, ${isolation.mechanism}`)
  yield* Console.log(`${paint("bold", "languages:")} ${languageSummary}`)
  yield* Console.log(`${paint("bold", "page:")} ${yield* pageUrl}`)
  yield* Session.use({ imageId: "agb-code-space-1" }, work).pipe(Effect.ensuring(Console.log("the session is deleted")))
  yield* Console.log(paint("dim", "next: pnpm agb run --local FILE, pnpm agb sh --local, docs/README.md"))
})

NodeAgb.runMain(demo.pipe(Effect.provide(local)))
