// `pnpm demo`: writes the SDK's own sources into a session, runs code there that counts what they use, and shows failures as
// typed values.
import type { AgbError } from "@effect-agb/core"
import { Session } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { local } from "./local.js"

const sources = new URL("../../packages/core/src/", import.meta.url)
const names = readdirSync(sources).filter((name) => name.endsWith(".ts"))
const program = (name: string) => readFileSync(new URL(`../programs/${name}`, import.meta.url), "utf8")

/** Without namespaces, `/tmp` of the file tools is the directory that `TMPDIR` names for programs. */
const folder = "${TMPDIR:-/tmp}/demo"

const count = ({ code, command, fileSystem }: Session.Session, language: string) =>
  Effect.gen(function*() {
    yield* fileSystem.createDirectory("/tmp/demo")
    const send = (name: string) =>
      fileSystem.writeFile(`/tmp/demo/${name}`, readFileSync(new URL(name, sources), "utf8"))
    yield* Effect.forEach(names, send, { concurrency: 4 })
    const { stdout } = yield* command.executeCommand(`cat "${folder}"/*.ts | wc -l`, { timeout: "5 seconds" })
    yield* Console.log(`sent ${names.length} files of ${stdout.trim()} lines, counted in the session`)
    const run = yield* code.runCode(program(language === "python" ? "count.py" : "count.js"), language)
    yield* Console.log(`most used, said by ${language}: ${run.text}`)
    yield* command.executeCommand(`rm -r "${folder}"`)
  })

const say = (error: AgbError.AgbError) => Console.log(`  ${error._tag}: ${error.message}`)

const fail = ({ code, command, fileSystem }: Session.Session) =>
  Effect.gen(function*() {
    yield* Console.log("and when things go wrong:")
    yield* Effect.flatMap(Effect.flip(code.runCode("null.length", "javascript")), say)
    yield* Effect.flatMap(Effect.flip(command.executeCommand("exit 3")), say)
    yield* Effect.flatMap(Effect.flip(fileSystem.readFile("/tmp/missing")), say)
    yield* Effect.flatMap(Effect.flip(fileSystem.readFile("relative/path")), say)
  })

const demo = Effect.gen(function*() {
  const { isolation, languageSummary, languages } = yield* LocalAgb.LocalAgb
  yield* Console.log(`isolation: ${isolation.level}: ${isolation.description}`)
  yield* Console.log(`languages: ${languageSummary}`)
  const language = languages.includes("python") ? "python" : "javascript"
  yield* Session.use({ imageId: "agb-code-space-1" }, (session) =>
    Console.log(`session ${session.sessionId}`).pipe(
      Effect.zipRight(count(session, language)),
      Effect.zipRight(fail(session))
    ))
  yield* Console.log("the session is deleted")
})

NodeAgb.runMain(demo.pipe(Effect.provide(local)))
