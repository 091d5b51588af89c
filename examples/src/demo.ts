// What `pnpm demo` shows: the SDK's own sources go into a session, code in it counts what they are made of, and the
// failures that a program meets come back as typed values.
import type { AgbError } from "@effect-agb/core"
import { Session } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { local } from "./local.js"

const sources = fileURLToPath(new URL("../../packages/core/src/", import.meta.url))

const input = readdirSync(sources)
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: readFileSync(`${sources}${name}`, "utf8") }))

const python = `
import collections, glob, re
words = collections.Counter()
for path in glob.glob("/tmp/demo/*.ts"):
    words.update(re.findall(r"Effect\\.[a-z]\\w+", open(path).read()))
", ".join(f"{word} {count}" for word, count in words.most_common(5))`

const javascript = `
const fs = require("fs")
const words = new Map()
for (const name of fs.readdirSync("/tmp/demo")) {
  for (const [word] of fs.readFileSync("/tmp/demo/" + name, "utf8").matchAll(/Effect\\.[a-z]\\w+/g)) words.set(word, (words.get(word) ?? 0) + 1)
}
[...words].sort((a, b) => b[1] - a[1]).slice(0, 5).map(([word, count]) => word + " " + count).join(", ")`

const count = (session: Session.Session, language: string) =>
  Effect.gen(function*() {
    yield* session.fileSystem.createDirectory("/tmp/demo")
    yield* Effect.forEach(input, ({ name, text }) => session.fileSystem.writeFile(`/tmp/demo/${name}`, text), {
      concurrency: 4
    })
    const { stdout } = yield* session.command.executeCommand("cat /tmp/demo/*.ts | wc -lc", { timeout: "5 seconds" })
    yield* Console.log(
      `sent ${input.length} files: ${stdout.trim().replace(/\s+/, " lines, ")} bytes, counted in the session`
    )
    const run = yield* session.code.runCode(language === "python" ? python : javascript, language)
    yield* Console.log(`most used, said by ${language}: ${run.text}`)
    yield* session.command.executeCommand("rm -r /tmp/demo")
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

const program = Effect.gen(function*() {
  const runtime = yield* LocalAgb.LocalAgb
  yield* Console.log(`isolation: ${runtime.isolation.level}: ${runtime.isolation.description}`)
  yield* Console.log(`languages: ${runtime.languageSummary}`)
  const language = runtime.languages.includes("python") ? "python" : "javascript"
  yield* Session.use({ imageId: "agb-code-space-1" }, (session) =>
    Effect.zipRight(
      Console.log(`session ${session.sessionId}`),
      Effect.zipRight(count(session, language), fail(session))
    ))
  yield* Console.log("the session is deleted")
})

NodeAgb.runMain(program.pipe(Effect.provide(local)))
