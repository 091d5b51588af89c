// What users install: publint and attw on the packages as they are published.
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { build, stage } from "./stage.mjs"

build()
for (const name of ["core", "platform-node"]) {
  const directory = join(stage, "node_modules", "@effect-agb", name)
  const run = (command, ...args) => execFileSync("npx", ["--no-install", command, ...args], { stdio: "inherit" })
  run("publint", directory, "--strict", "--pack", "npm")
  run("attw", "--pack", directory, "--profile", "esm-only", "--quiet")
}
