/** Dispatches each frame of the host to its operation and sends the reply. */
import { listBytes } from "../src/internal/agentWire/answerSizes.js"
import { directoryOperations } from "./files/directories.js"
import { editFile } from "./files/edits.js"
import { handWrite, streamRead, streamWrite } from "./files/fileStreams.js"
import { moveFile } from "./files/moving.js"
import { receiveParts } from "./files/parts.js"
import { readFile } from "./files/readFile.js"
import { searchFiles } from "./files/search.js"
import { listTree, readFiles, readPart } from "./files/tree.js"
import { receiveFile } from "./files/writeFile.js"
import { makeRunCode } from "./kernels/kernels.js"
import { log } from "./log.js"
import { makeEgress } from "./network/egress.js"
import { tunnel } from "./network/tunnel.js"
import { listProcesses } from "./process/listProcesses.js"
import { metrics } from "./process/metrics.js"
import type { Launcher } from "./process/processes.js"
import { makeShell } from "./process/shell.js"
import { fileChange } from "./watch/changes.js"
import { type Args, isRecord } from "./wire/args.js"
import type { OnFrame, Output, Sink } from "./wire/connection.js"
import { Failure, failureOf } from "./wire/failure.js"
import type { Agent, Operation, Reply, Upload } from "./wire/operation.js"

const maxMessageLength = 8192

const makeOperations = (launcher: Launcher): ReadonlyMap<string, Operation> =>
  new Map(Object.entries<Operation>({
    ping: () => Promise.resolve({ value: null }),
    shell: makeShell(launcher),
    runCode: makeRunCode(launcher),
    readFile,
    ...directoryOperations,
    moveFile,
    editFile,
    searchFiles,
    listTree,
    readFiles,
    readPart,
    fileChange,
    streamRead,
    streamWrite,
    handWrite,
    tunnel,
    ...makeEgress(),
    metrics,
    listProcesses
  }))

/** Operations whose request has a body. */
const uploads: ReadonlyMap<unknown, (args: Args) => Upload> = new Map([
  ["writeFile", receiveFile],
  ["writeParts", receiveParts]
])

/** Operations whose answer is JSON of any length. */
const lists: ReadonlySet<unknown> = new Set([
  "listDirectory",
  "describeDirectory",
  "searchFiles",
  "fileChange",
  "editFile"
])

const checkedList = (reply: Reply): Reply => {
  const bytes = Buffer.byteLength(JSON.stringify(reply.value))
  if (bytes <= listBytes) return reply
  throw new Failure("EFBIG", `The answer has ${bytes} bytes of at most ${listBytes}, ask for less at once`)
}

export const makeDispatch = (agent: Agent, launcher: Launcher): OnFrame => {
  const { inputs, output } = agent
  const operations = makeOperations(launcher)
  const running = new Map<number, AbortController>()

  const start = async (id: number, args: Args) => {
    const controller = new AbortController()
    running.set(id, controller)
    try {
      const operation = operations.get(String(args["op"]))
      if (operation === undefined) throw new Failure("EINVAL", `Unknown operation: ${String(args["op"])}`)
      const reply = await operation({ id, args, signal: controller.signal }, agent)
      sendReply(output, id, lists.has(args["op"]) ? checkedList(reply) : reply)
    } catch (error) {
      sendError(output, id, error)
    } finally {
      running.delete(id)
      inputs.delete(id)
    }
  }

  return (id, json) => {
    const args = isRecord(json) ? json : {}
    const receive = uploads.get(args["op"])
    if (receive !== undefined) return uploadSink(output, id, receive(args))
    if (args["op"] === "input") return inputs.get(Number(args["target"]))?.(args)
    if (args["op"] === "cancel") running.get(Number(args["target"]))?.abort()
    else void start(id, args)
    return undefined
  }
}

const uploadSink = (output: Output, id: number, upload: Upload): Sink => ({
  write: upload.write,
  end: () => {
    try {
      sendReply(output, id, upload.end())
    } catch (error) {
      sendError(output, id, error)
    }
  }
})

const sendReply = (output: Output, id: number, { body, file, value }: Reply) => {
  const json = { ok: true, value }
  if (file === undefined) output.send(id, json, body)
  else output.sendFile(id, json, file.fd, file.offset, file.length)
}

const sendError = (output: Output, id: number, error: unknown) => {
  if (!(error instanceof Failure)) log(error)
  const { code, message } = failureOf(error, "inside the sandbox")
  output.send(id, { ok: false, code, message: message.slice(0, maxMessageLength) })
}
