// Writes src/index.ts of every package: one `export * as X` per public module, with the first paragraph of its head comment;
// and the versions of core, which it sends with every request, and of ai, which its server tells.
// With --check it writes nothing and fails if a barrel is out of date.
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { publishedLibraries } from "./publishedPackages.mjs"

const check = process.argv.includes("--check")
let stale = 0

/** Modules with an entry point of their own alone: they or their declarations need more than those of every program. */
const outside = new Set([
  "AgbContract.ts",
  "AgbTest.ts",
  "AiSdk.ts",
  "ComputeSdk.ts",
  "ContextStore.ts",
  "OpenAiAgents.ts",
  "TerminalSocket.ts"
])

const barrel = (dir) =>
  readdirSync(dir)
    .filter((file) => /^[A-Z].*\.ts$/.test(file))
    .sort()
    .filter((file) => !outside.has(file))
    .map((file) => {
      const head = /^\/\*\*[\s\S]*?\*\//.exec(readFileSync(join(dir, file), "utf8"))?.[0] ?? ""
      const summary = head.split("\n").slice(1, -1).map((line) => line.replace(/^ \* ?/, ""))
      const end = summary.findIndex((line) => line === "" || line.startsWith("@"))
      const text = (end === -1 ? summary : summary.slice(0, end)).map((line) => ` * ${line}\n`).join("")
      return `/**\n${text} */\nexport * as ${file.slice(0, -3)} from "./${file.slice(0, -3)}.js"\n`
    })
    .join("\n")

const version = (manifest) =>
  `/** The version of this package; \`pnpm codegen\` writes it from package.json. */\nexport const version = ${
    JSON.stringify(JSON.parse(readFileSync(manifest, "utf8")).version)
  }\n`

/** Writes a file, or says that it is out of date. */
const put = (target, wanted) => {
  let found = ""
  try {
    found = readFileSync(target, "utf8")
  } catch { /* a new package has none yet */ }
  if (found === wanted) return
  if (check) {
    console.error(`${target} is out of date: run pnpm codegen`)
    stale++
  } else writeFileSync(target, wanted)
}

for (const name of publishedLibraries) {
  const dir = join("packages", name, "src")
  put(join(dir, "index.ts"), barrel(dir))
}
put("packages/core/src/internal/client/version.ts", version("packages/core/package.json"))
put("packages/ai/src/internal/mcp/version.ts", version("packages/ai/package.json"))
process.exitCode = stale === 0 ? 0 : 1
