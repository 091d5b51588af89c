// Lays the packages out as they are published, compiled and with their publish-time exports, under .stage/: what users
// install is what the benchmarks measure and the package checks read.
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { buildAgent } from "./agentBundle.mjs"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const stage = join(root, ".stage")

export const link = (name, from) => {
  const target = join(stage, "node_modules", name)
  if (existsSync(target)) return
  mkdirSync(dirname(target), { recursive: true })
  symlinkSync(from, target)
}

const place = (name) => {
  const source = join(root, "packages", name)
  const target = join(stage, "node_modules", "@effect-agb", name)
  const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8"))
  mkdirSync(target, { recursive: true })
  cpSync(join(source, "dist"), join(target, "dist"), { recursive: true })
  cpSync(join(source, "src"), join(target, "src"), { recursive: true })
  const { dependencies = {}, peerDependencies, publishConfig } = manifest
  const ranges = Object.entries(dependencies).map((
    [key, range]
  ) => [key, range.replace(/^(workspace|catalog):.*/, "*")])
  const published = { ...manifest, ...publishConfig, dependencies: Object.fromEntries(ranges) }
  delete published.devDependencies
  delete published.scripts
  writeFileSync(join(target, "package.json"), JSON.stringify(published, null, 2))
  for (const dependency of Object.keys({ ...dependencies, ...peerDependencies })) {
    if (!dependency.startsWith("@effect-agb/")) link(dependency, join(source, "node_modules", dependency))
  }
}

export const build = () => {
  execFileSync("npx", ["--no-install", "tsc", "-b", "packages/core", "packages/platform-node"], {
    cwd: root,
    stdio: "inherit"
  })
  buildAgent()
  rmSync(stage, { recursive: true, force: true })
  for (const name of ["core", "platform-node"]) place(name)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build()
