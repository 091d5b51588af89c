// `agb` from its tarball, which brings what it needs.
import { join } from "node:path"
import { run } from "../run.mjs"
import { nodes } from "../versions.mjs"
import { expectPrinted } from "./node.mjs"

let made
const project = (projects) =>
  made ??= (async () => {
    const cwd = projects.empty("cli")
    await projects.npm(cwd, ...["core", "platform-node", "cli"].map((name) => projects.tarballs[name]))
    return cwd
  })()

const commands = [
  [["--version"], /^\d+\.\d+\.\d+\n$/],
  [["local", "--version"], /^\d+\.\d+\.\d+\n$/],
  [["run", "--local", "--language", "javascript", "--code", "6 * 7"], /^42\n$/],
  [["exec", "--local", "--no-stdin", "--", "echo", "a  b"], /^a  b\n$/]
]

const cellOf = (version) => ({
  group: `cli node ${version}`,
  name: "agb",
  run: async (projects) => {
    const cwd = await project(projects)
    const node = await projects.runtime(`node ${version}`)
    const agb = join(cwd, "node_modules/@effect-agb/cli/dist/agb.cjs")
    for (const [args, expected] of commands) {
      expectPrinted(await run(node, [agb, ...args], { cwd, env: await projects.cloud() }), expected)
    }
    return commands.map(([[name]]) => name).join(", ")
  }
})

export const cells = nodes.map(cellOf)
