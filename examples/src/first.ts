// A session, a file, and code that reads it, in Python where that is installed. The session is deleted when the program ends,
// however it ends.
import { Code, FileSystem, Session } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect } from "effect"
import { local } from "./local.js"

const program = Effect.gen(function*() {
  const code = yield* Code.Code
  const files = yield* FileSystem.FileSystem
  const { language, sum } = yield* chosen
  yield* files.writeFile("/tmp/data.json", "[1, 2, 3]")
  const run = yield* code.runCode(sum, language)
  yield* Console.log(`sum in ${language}: ${run.text}`)
  return run.text
}).pipe(Effect.provide(Session.layer({ imageId: "agb-code-space-1" })))

const chosen = Effect.map(LocalAgb.LocalAgb, ({ languages }) =>
  languages.includes("python")
    ? { language: "python", sum: "import json, tempfile\nsum(json.load(open(tempfile.gettempdir() + '/data.json')))" }
    : {
      language: "javascript",
      sum: "JSON.parse(require('fs').readFileSync(require('os').tmpdir() + '/data.json')).reduce((a, b) => a + b)"
    })

NodeAgb.runMain(program.pipe(Effect.provide(local)))
