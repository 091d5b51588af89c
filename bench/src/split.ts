// Where the time of a call goes: the client and the socket, the HTTP server, the agent with its pipes, the interpreter.
import { quantile } from "./compare.js"
import type { Contenders } from "./contenders.js"
import { connect, createSession, deleteSession, type Reply, toolText, type Wire } from "./wire.js"

const rounds = 200
const warmup = 20

interface Measured {
  readonly reply: Reply
  /** What the interpreter says that the run took, in milliseconds. */
  readonly kernel: number | undefined
}

const parts = (samples: ReadonlyArray<Measured>): ReadonlyArray<readonly [string, ReadonlyArray<number>]> => {
  const all = samples.map(({ reply }) => reply.millis)
  const timed = samples.flatMap(({ kernel, reply: { millis, timing } }) =>
    timing === undefined ? [] : [{ kernel, millis, ...timing }]
  )
  if (timed.length === 0) return [["client, in all (the server names no server-timing)", all]]
  const ran = timed.flatMap(({ kernel, sandbox }) => kernel === undefined ? [] : [{ kernel, sandbox }])
  return [
    ["client, in all", all],
    ["  client and socket", timed.map(({ millis, total }) => millis - total)],
    ["  HTTP server", timed.map(({ sandbox, total }) => total - sandbox)],
    ...(ran.length === 0
      ? [["  agent, its pipes and what it runs", timed.map(({ sandbox }) => sandbox)] as const]
      : [
        ["  agent and its pipes", ran.map(({ kernel, sandbox }) => sandbox - kernel)] as const,
        ["  interpreter", ran.map(({ kernel }) => kernel)] as const
      ])
  ]
}

const print = (title: string, samples: ReadonlyArray<Measured>): void => {
  console.log(`\n${title}`.padEnd(61), "p50".padStart(13), "p99".padStart(11))
  for (const [name, values] of parts(samples)) {
    const [half, tail] = [quantile(values, 0.5), quantile(values, 0.99)]
    console.log(`  ${name.padEnd(58)} ${half.toFixed(3).padStart(10)} ms${tail.toFixed(3).padStart(12)}`)
  }
}

const kernelMillis = (text: string): number | undefined => {
  const { execution_time: seconds } = JSON.parse(text) as { execution_time?: number }
  return seconds === undefined ? undefined : seconds * 1000
}

const tool = (wire: Wire, sessionId: string, name: string, args: unknown) => async (): Promise<Measured> => {
  const reply = await wire.callTool(sessionId, name, args)
  const text = toolText(reply)
  return { reply, kernel: name === "run_code" ? kernelMillis(text) : undefined }
}

export const split = async ({ local }: Contenders): Promise<void> => {
  const wire = connect(local.server)
  const { sessionId } = await createSession(wire)
  const run = (language: string) => ({
    title: `Where the time goes: runCode 1 + 1 in ${language}`,
    call: tool(wire, sessionId, "run_code", { language, code: "1 + 1", timeout_s: 60 })
  })
  const ping = async (): Promise<Measured> => {
    return { reply: await wire.post("/mcp/getSessionInfo", { sessionId }), kernel: undefined }
  }
  const cases = [
    { title: "Where the time goes: a request that needs no sandbox", call: ping },
    {
      title: "Where the time goes: a tool that runs nothing (get_file_info)",
      call: tool(wire, sessionId, "get_file_info", { path: "/tmp" })
    },
    { title: "Where the time goes: shell true", call: tool(wire, sessionId, "shell", { command: "true" }) },
    ...local.server.languages.map(run)
  ]
  for (const { call, title } of cases) {
    const samples: Array<Measured> = []
    for (let round = -warmup; round < rounds; round++) {
      const measured = await call()
      if (round >= 0) samples.push(measured)
    }
    print(title, samples)
  }
  await deleteSession(wire, sessionId)
  await wire.close()
}
