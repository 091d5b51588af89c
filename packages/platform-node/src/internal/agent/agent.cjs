// @ts-check
"use strict"

/**
 * The program that runs inside a sandbox: it takes calls from the host on descriptor 0 and answers on descriptor 1.
 *
 *     node agent.cjs '<configuration as JSON>'
 *
 * The end of descriptor 0 is the end of everything it has started.
 */
const { writeSync } = require("node:fs")
const { isRecord } = require("./args.cjs")
const { frameParser, makeOutput, readAll } = require("./connection.cjs")
const { closeInherited } = require("./descriptors.cjs")
const { Failure, failureOf } = require("./failure.cjs")
const { makeOperations } = require("./operations.cjs")
const { receiveParts } = require("./parts.cjs")
const { makePipes } = require("./pipes.cjs")
const { confine } = require("./places.cjs")
const { makeProcesses } = require("./processes.cjs")
const { nameProcess } = require("./processName.cjs")
const { receiveFile } = require("./writeFile.cjs")

/** @typedef {import("./args.cjs").Args} Args */
/** @typedef {import("./operation.cjs").Reply} Reply */

const longestMessage = 8192

/** @param {unknown} error */
const log = (error) => {
  try {
    writeSync(2, `${error instanceof Error ? error.stack : String(error)}\n`)
  } catch { /* nobody reads it */ }
}

/**
 * @param {import("./connection.cjs").Output} output
 * @param {number} id
 * @param {Reply} reply
 */
const answer = (output, id, { body, file, value }) => {
  const json = { ok: true, value }
  if (file === undefined) output.send(id, json, body)
  else output.sendFile(id, json, file.fd, file.offset, file.length)
}

/**
 * @param {import("./connection.cjs").Output} output
 * @param {number} id
 * @param {unknown} error
 */
const refuse = (output, id, error) => {
  if (!(error instanceof Failure)) log(error)
  const { code, message } = failureOf(error, "inside the sandbox")
  output.send(id, { ok: false, code, message: message.slice(0, longestMessage) })
}

/**
 * Gives each frame to its operation.
 *
 * @param {import("./operation.cjs").Agent} agent
 * @returns {import("./connection.cjs").OnFrame}
 */
const makeDispatch = (agent) => {
  const { output } = agent
  const operations = makeOperations(agent)
  /** @type {Map<number, AbortController>} */
  const running = new Map()

  /**
   * @param {number} id
   * @param {Args} args
   */
  const start = async (id, args) => {
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

  /**
   * @param {number} id
   * @param {{ readonly write: (chunk: Buffer) => void, readonly end: () => Reply }} file
   */
  const receive = (id, file) => {
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
  /** @type {import("./operation.cjs").Config} */
  const config = JSON.parse(process.argv[2] ?? "")
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

/**
 * After a malformed frame nothing that follows can be understood.
 *
 * @param {(chunk: Buffer) => void} parse
 * @param {() => void} leave
 * @returns {(chunk: Buffer) => void}
 */
const guarded = (parse, leave) => (chunk) => {
  try {
    parse(chunk)
  } catch (error) {
    log(error)
    leave()
  }
}

main()
