/**
 * The program that runs inside a sandbox: it takes calls from the host on descriptor 0 and answers on descriptor 1.
 *
 *     node agent.cjs '<configuration as JSON>'
 *
 * The end of descriptor 0 is the end of everything it has started.
 */
import { writeSync } from "node:fs"
import { confine } from "./files/beneath.js"
import { receiveParts } from "./files/parts.js"
import { receiveFile } from "./files/writeFile.js"
import type { Agent, Config, Reply } from "./operation.js"
import { makeOperations } from "./operations.js"
import { closeInherited } from "./process/descriptors.js"
import { makePipes } from "./process/pipes.js"
import { makeProcesses } from "./process/processes.js"
import { nameProcess } from "./process/processName.js"
import { type Args, isRecord } from "./wire/args.js"
import { frameParser, makeOutput, type OnFrame, type Output, readAll } from "./wire/connection.js"
import { Failure, failureOf } from "./wire/failure.js"

const longestMessage = 8192

const log = (error: unknown) => {
  try {
    writeSync(2, `${error instanceof Error ? error.stack : String(error)}\n`)
  } catch { /* nobody reads it */ }
}

const answer = (output: Output, id: number, { body, file, value }: Reply) => {
  const json = { ok: true, value }
  if (file === undefined) output.send(id, json, body)
  else output.sendFile(id, json, file.fd, file.offset, file.length)
}

const refuse = (output: Output, id: number, error: unknown) => {
  if (!(error instanceof Failure)) log(error)
  const { code, message } = failureOf(error, "inside the sandbox")
  output.send(id, { ok: false, code, message: message.slice(0, longestMessage) })
}

/** Gives each frame to its operation. */
const makeDispatch = (agent: Agent): OnFrame => {
  const { output } = agent
  const operations = makeOperations(agent)
  const running = new Map<number, AbortController>()

  const start = async (id: number, args: Args) => {
    const controller = new AbortController()
    running.set(id, controller)
    try {
      const operation = operations.get(String(args["op"]))
      if (operation === undefined) throw new Failure("EINVAL", `Unknown operation: ${String(args["op"])}`)
      answer(output, id, await operation({ id, args, signal: controller.signal }))
    } catch (error) {
      refuse(output, id, error)
    } finally {
      running.delete(id)
      agent.inputs.delete(id)
    }
  }

  const receive = (id: number, file: { readonly write: (chunk: Buffer) => void; readonly end: () => Reply }) => {
    const end = () => {
      try {
        answer(output, id, file.end())
      } catch (error) {
        refuse(output, id, error)
      }
    }
    return { write: file.write, end }
  }

  return (id, json) => {
    const args = isRecord(json) ? json : {}
    if (args["op"] === "writeFile") return receive(id, receiveFile(args))
    if (args["op"] === "writeParts") return receive(id, receiveParts(args))
    if (args["op"] === "input") return agent.inputs.get(Number(args["target"]))?.(args)
    if (args["op"] === "cancel") running.get(Number(args["target"]))?.abort()
    else void start(id, args)
    return undefined
  }
}

const main = () => {
  closeInherited()
  nameProcess("agb-agent")
  const config: Config = JSON.parse(process.argv[2] ?? "")
  if (config.confine === true) confine(config.home, config.tmp)
  const processes = makeProcesses()
  const leave = () => {
    processes.killAll()
    process.exit(0)
  }
  const output = makeOutput(1, leave)
  const pipes = makePipes(config.tmp)
  process.on("uncaughtException", log)
  process.on("unhandledRejection", log)
  // Writing past the limit on the size of a file is then an error of that write instead of the end of this process.
  process.on("SIGXFSZ", () => {})
  process.on("SIGTERM", leave)
  process.on("SIGHUP", leave)

  readAll(0, guarded(frameParser(makeDispatch({ config, inputs: new Map(), output, pipes, processes })), leave), leave)
  output.send(0, { ready: true })
  pipes.prepare()
}

/** After a malformed frame nothing that follows can be understood. */
const guarded = (parse: (chunk: Buffer) => void, leave: () => void): (chunk: Buffer) => void => (chunk) => {
  try {
    parse(chunk)
  } catch (error) {
    log(error)
    leave()
  }
}

main()
