// Runs a measuring program, `main` or `load`, on the packages as users install them: packed, under plain Node.
import { buildSync } from "esbuild"
import { spawnSync } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { withPacked } from "./pack.mjs"

const [program = "main", ...args] = process.argv.slice(2)

const others = ["@effect/platform-node", "@anthropic-ai/sandbox-runtime"]
const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }

const compile = (target) => {
  mkdirSync(target)
  for (const name of readdirSync("bench/src")) {
    const source = join("bench/src", name)
    if (!name.endsWith(".ts")) cpSync(source, join(target, name))
    else {
      const { outputText } = ts.transpileModule(readFileSync(source, "utf8"), { compilerOptions })
      writeFileSync(join(target, name.replace(/\.ts$/, ".js")), outputText)
    }
  }
}

/** The modules of the agent as they are, one file each, to compare the bundle with. */
const compileAgent = (target) => {
  const folders = ["agent", join("src", "internal", "agentWire")]
  const source = join("packages", "platform-node")
  buildSync({
    entryPoints: folders.flatMap((folder) =>
      readdirSync(join(source, folder), { recursive: true })
        .filter((name) => name.endsWith(".ts"))
        .map((name) => join(source, folder, name))
    ),
    outbase: source,
    outdir: target,
    format: "cjs",
    target: "node20"
  })
  writeFileSync(join(target, "package.json"), `{ "type": "commonjs" }`)
}

process.exitCode = await withPacked((folder) => {
  // Sessions without a root directory of their own read the agent there as another user.
  chmodSync(folder, 0o755)
  const target = join(folder, "bench")
  compile(target)
  compileAgent(join(target, "agentModules"))
  return spawnSync(process.execPath, [join(target, `${program}.js`), ...args], { stdio: "inherit" }).status ?? 1
}, Object.fromEntries(others.map((name) => [name, join("bench/node_modules", name)])))
