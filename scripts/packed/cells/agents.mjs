// The package for agents in an empty project: its tools over the local runtime, its server of MCP over the standard streams, and the entry
// point of the AI SDK, with the frameworks that were tested.
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
  {
    group: "agents",
    name: "AI SDK",
    run: async (projects) => {
      const cwd = await project(projects)
      await projects.npm(cwd, "--no-save", fromCatalog("ai"), fromCatalog("zod"))
      const program = `import * as AiSdk from "@effect-agb/ai/AiSdk"\nconsole.log(Object.keys(AiSdk).join())\n`
      writeFileSync(join(cwd, "aiSdk.mjs"), program)
      expectPrinted(await run(process.execPath, ["aiSdk.mjs"], { cwd }), "sandbox,sandboxProvider,tools\n")
    }
  }
]
