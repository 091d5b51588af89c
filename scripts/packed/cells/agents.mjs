// The package for agents in an empty project: its tools over the local runtime, its server of MCP over the standard streams, and the entry
// points of the AI SDK and of OpenAI Agents, with the frameworks that were tested.
import { cpSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run } from "../run.mjs"
import { effects, fromCatalog } from "../versions.mjs"

const frameworks = ["@effect/ai", "@effect/experimental", "@effect/rpc", "@modelcontextprotocol/sdk"].map(fromCatalog)

let made

const project = (projects) =>
  made ??= (async () => {
    const cwd = projects.empty("agents")
    await projects.npm(cwd, ...Object.values(projects.tarballs), ...effects.pinned, ...frameworks)
    cpSync(new URL("../programs/agents.mjs", import.meta.url), join(cwd, "agents.mjs"))
    return cwd
  })()

const expectPrinted = (text, expected) => {
  if (text !== expected) throw new Error(`expected ${JSON.stringify(expected)}, but it printed\n${text}`)
}

/** A module that needs a framework beside it, by what it exports. */
const entryPoint = (name, module, framework, exported) => ({
  group: "agents",
  name,
  run: async (projects) => {
    const cwd = await project(projects)
    await projects.npm(cwd, "--no-save", fromCatalog(framework), fromCatalog("zod"))
    const program = `import * as Module from "@effect-agb/ai/${module}"\nconsole.log(Object.keys(Module).join())\n`
    writeFileSync(join(cwd, `${module}.mjs`), program)
    expectPrinted(await run(process.execPath, [`${module}.mjs`], { cwd }), exported)
  }
})

export const cells = [
  {
    group: "agents",
    name: "tools and MCP",
    run: async (projects) =>
      expectPrinted(
        await run(process.execPath, ["agents.mjs"], { cwd: await project(projects) }),
        "toolkit: 42\nmcp: served\n"
      )
  },
  entryPoint("AI SDK", "AiSdk", "ai", "sandbox,sandboxProvider,tools\n"),
  entryPoint("OpenAI Agents", "OpenAiAgents", "@openai/agents-core", "sandboxClient\n")
]
