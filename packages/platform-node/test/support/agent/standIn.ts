/** The stand-in agent in a folder with an awkward name, under a name that finds its processes. */
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

export const standIn = (text?: string): StandIn => {
  const folder = Fs.mkdtempSync(Path.join(Fs.realpathSync(Os.tmpdir()), "agb agent's #1 "))
  Fs.chmodSync(folder, 0o755)
  const marker = `agent-${folder.slice(-6)}.mjs`
  const agent = Path.join(folder, marker)
  for (const name of ["frames.cjs", "modestJson.cjs"]) {
    Fs.copyFileSync(source(`../../../src/internal/agent/${name}`), Path.join(folder, name))
  }
  Fs.writeFileSync(agent, text ?? Fs.readFileSync(source("standInAgent.mjs")), { mode: 0o644 })
  return { agent, marker, remove: () => Fs.rmSync(folder, { recursive: true, force: true }) }
}
