/** `agb mcp`, asked by the official client. */
import { assert, describe, it } from "@effect/vitest"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { afterAll, beforeAll } from "vitest"
import * as Support from "./support/agb.js"

let server: Support.Server

beforeAll(async () => {
  server = await Support.serve()
})

afterAll(() => server.stop())

const agb = (...args: ReadonlyArray<string>) => Support.agb(args, server.env)

/** Uses a server that was started with these arguments, and ends it. */
const withClient = async <A>(args: ReadonlyArray<string>, use: (client: Client) => Promise<A>): Promise<A> => {
  const client = new Client({ name: "test", version: "1" })
  const env = { PATH: process.env["PATH"] ?? "", ...server.env }
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [Support.program, "mcp", ...args], env })
  )
  return use(client).finally(() => client.close())
}

const textOf = async (client: Client, name: string, parameters: Record<string, unknown>): Promise<string> => {
  const { content } = await client.callTool({ name, arguments: parameters })
  return JSON.stringify(content)
}

const sessions = async () => Support.lines((await agb("ls", "--json")).stdout).length

describe("agb mcp", () => {
  it("serves a session that its first call creates, and that ends with the client", async () => {
    const [before, value, during] = await withClient([], async (client) => {
      await client.listTools()
      const before = await sessions()
      return [before, await textOf(client, "run_code", { code: "6 * 7", language: "javascript" }), await sessions()]
    })
    assert.deepStrictEqual([before, during], [0, 1])
    assert.include(value, "42")
    assert.strictEqual(await Support.until(sessions, (count) => count === 0), 0)
  })

  it("serves a session that is there, and leaves it", async () => {
    const session = (await agb("create")).stdout.trim()
    await withClient(["-s", session], (client) => textOf(client, "shell", { command: "echo kept > file" }))
    assert.strictEqual((await agb("exec", "-n", "-s", session, "--", "cat", "file")).stdout, "kept\n")
    await agb("rm", session)
  })

  it("has standard output for its protocol alone", async () => {
    const { code, stderr, stdout } = await agb("mcp", "--json")
    assert.deepStrictEqual([code, stdout], [2, ""])
    assert.match(stderr, /takes no --json/)
  })
})
