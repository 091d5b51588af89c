/** The stand-in agent in a folder with an awkward name, under a name that finds its processes. */
import { transformSync } from "@swc/wasm-typescript"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"

export interface StandIn {
  readonly agent: string
  /** Part of the command line of every process that builds or is such an agent. */
  readonly marker: string
  readonly remove: () => void
}

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** A module of what host and agent share, as JavaScript. */
const plain = (name: string) => {
  const text = Fs.readFileSync(source(`../../../src/internal/agentWire/${name}.ts`), "utf8")
  return transformSync(text, { mode: "strip-only", module: true }).code.replaceAll(".js\"", ".mjs\"")
}

export const standIn = (text?: string): StandIn => {
  const folder = Fs.mkdtempSync(Path.join(Fs.realpathSync(Os.tmpdir()), "agb agent's #1 "))
  Fs.chmodSync(folder, 0o755)
  const marker = `agent-${folder.slice(-6)}.mjs`
  const agent = Path.join(folder, marker)
  for (const name of ["frames", "jsonLimits"]) Fs.writeFileSync(Path.join(folder, `${name}.mjs`), plain(name))
  Fs.writeFileSync(agent, text ?? Fs.readFileSync(source("standInAgent.mjs")), { mode: 0o644 })
  return { agent, marker, remove: () => Fs.rmSync(folder, { recursive: true, force: true }) }
}
