// Runs the benchmarks on the packages as users install them: compiled, under plain Node.
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { build, link, stage } from "./stage.mjs"

build()
const target = join(stage, "bench")
mkdirSync(target, { recursive: true })
writeFileSync(join(stage, "package.json"), `{ "type": "module" }`)
link("@effect/platform-node", join(stage, "..", "bench", "node_modules", "@effect", "platform-node"))
const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
for (const name of readdirSync("bench/src")) {
  const source = join("bench/src", name)
  if (!name.endsWith(".ts")) cpSync(source, join(target, name))
  else {
    const { outputText } = ts.transpileModule(readFileSync(source, "utf8"), { compilerOptions })
    writeFileSync(join(target, name.replace(/\.ts$/, ".js")), outputText)
  }
}
execFileSync(process.execPath, [join(target, "main.js"), ...process.argv.slice(2)], { stdio: "inherit" })
