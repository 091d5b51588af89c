// The tools of a model over the local runtime, and the same as a server of MCP, which this file is with the argument "server".
import { AgbMcp, AgbToolkit } from "@effect-agb/ai"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { Effect, Layer, Logger } from "effect"
import { fileURLToPath } from "node:url"

const session = AgbToolkit.layerSession({ imageId: "agb-code-space-1" }).pipe(Layer.provide(LocalAgb.layer()))

const server = AgbMcp.serveStdio().pipe(
  Effect.provide(Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)))
)

const client = Effect.promise(async () => {
  const client = new Client({ name: "packed", version: "1" })
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [fileURLToPath(import.meta.url), "server"] })
  )
  const { content } = await client.callTool({ name: "shell", arguments: { command: "echo served" } })
  await client.close()
  return content[0].text
})

const program = Effect.gen(function*() {
  const { handle } = yield* AgbToolkit.toolkit
  const { encodedResult } = yield* handle("run_code", { code: "6 * 7", language: "javascript" })
  yield* Effect.sync(() => console.log(`toolkit: ${encodedResult.output}`))
  const served = JSON.parse(yield* client)
  yield* Effect.sync(() => console.log(`mcp: ${served.stdout}`))
})

NodeAgb.runMain((process.argv[2] === "server" ? server : program).pipe(Effect.provide(session)))
