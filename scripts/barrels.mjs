// Writes src/index.ts of every package: one `export * as X` per public module, with the first paragraph of its head comment.
// With --check it writes nothing and fails if a barrel is out of date.
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const check = process.argv.includes("--check")
let stale = 0

const barrel = (dir) =>
  readdirSync(dir)
    .filter((file) => /^[A-Z].*\.ts$/.test(file))
    .sort()
    .map((file) => {
      const head = /^\/\*\*[\s\S]*?\*\//.exec(readFileSync(join(dir, file), "utf8"))?.[0] ?? ""
      const summary = head.split("\n").slice(1, -1).map((line) => line.replace(/^ \* ?/, ""))
      const end = summary.findIndex((line) => line === "" || line.startsWith("@"))
      const text = (end === -1 ? summary : summary.slice(0, end)).map((line) => ` * ${line}\n`).join("")
      return `/**\n${text} */\nexport * as ${file.slice(0, -3)} from "./${file.slice(0, -3)}.js"\n`
    })
    .join("\n")

for (const name of ["core", "platform-node"]) {
  const dir = join("packages", name, "src")
  const target = join(dir, "index.ts")
  const wanted = barrel(dir)
  let found = ""
  try {
    found = readFileSync(target, "utf8")
  } catch { /* a new package has no barrel yet */ }
  if (found === wanted) continue
  if (check) {
    console.error(`${target} is out of date: run pnpm codegen`)
    stale++
  } else writeFileSync(target, wanted)
}
process.exitCode = stale === 0 ? 0 : 1
