// Runs a measuring program, `main` or `load`, on the packages as users install them: compiled, under plain Node.
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { build, link, stage } from "./stage.mjs"

const [program = "main", ...args] = process.argv.slice(2)

build()
const target = join(stage, "bench")
mkdirSync(target, { recursive: true })
writeFileSync(join(stage, "package.json"), `{ "type": "module" }`)
for (const name of ["@effect/platform-node", "@anthropic-ai/sandbox-runtime"]) {
  link(name, join(stage, "..", "bench", "node_modules", name))
}
const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
for (const name of readdirSync("bench/src")) {
  const source = join("bench/src", name)
  if (!name.endsWith(".ts")) cpSync(source, join(target, name))
  else {
    const { outputText } = ts.transpileModule(readFileSync(source, "utf8"), { compilerOptions })
    writeFileSync(join(target, name.replace(/\.ts$/, ".js")), outputText)
  }
}
const { status } = spawnSync(process.execPath, [join(target, `${program}.js`), ...args], { stdio: "inherit" })
process.exit(status ?? 1)
