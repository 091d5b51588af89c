// Runs a measuring program, `main`, `load` or `workflows`, on the packages as users install them: packed, under plain Node.
import { buildSync } from "esbuild"
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { withPacked } from "./pack.mjs"
import { isInstalled, Postgres, programs } from "./postgres.mjs"

const [program = "main", ...args] = process.argv.slice(2)

const others = [
  "@anthropic-ai/sandbox-runtime",
  "@effect/cluster",
  "@effect/experimental",
  "@effect/platform-node",
  "@effect/rpc",
  "@effect/sql",
  "@effect/sql-pg",
  "@effect/workflow"
]
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

/** A database for the program that needs one, as its environment tells it. */
const withDatabase = async (use) => {
  if (program !== "workflows" || !isInstalled) return use({})
  const postgres = new Postgres()
  try {
    await postgres.start()
    return await use({ AGB_BENCH_POSTGRES: postgres.folder, AGB_BENCH_PSQL: join(programs, "psql") })
  } finally {
    await postgres.stop()
    postgres.remove()
  }
}

process.exitCode = await withPacked((folder) => {
  const target = join(folder, "bench")
  compile(target)
  compileAgent(join(target, "agentModules"))
  const command = [join(target, `${program}.js`), ...args]
  return withDatabase((env) =>
    spawnSync(process.execPath, command, { stdio: "inherit", env: { ...process.env, ...env } }).status ?? 1
  )
}, Object.fromEntries(others.map((name) => [name, join("bench/node_modules", name)])))
