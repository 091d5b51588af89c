/**
 * The program that runs inside a sandbox. It receives calls from the host on descriptor 0 and replies on descriptor 1.
 *
 *     node agent.cjs '<configuration as JSON>'
 *
 * When descriptor 0 is closed, it kills everything it has started and exits.
 */
import { anyFirstMark, marksAmongOthers } from "../src/internal/agentWire/marks.js"
import { makeDispatch } from "./dispatch.js"
import { confineTo } from "./files/beneath.js"
import { log } from "./log.js"
import { closeInherited } from "./process/descriptors.js"
import { makePipes } from "./process/pipes.js"
import { makeProcesses } from "./process/processes.js"
import { nameProcess } from "./process/processName.js"
import { frameParser, makeOutput, readAll } from "./wire/connection.js"
import type { Config } from "./wire/operation.js"

const main = () => {
  closeInherited()
  nameProcess("agb-agent")
  const config: Config = JSON.parse(process.argv[2] ?? "")
  if (config.confine === true) confineTo(config.home, config.tmp)
  const processes = makeProcesses(config.marks ?? marksAmongOthers(anyFirstMark()))
  const exit = () => {
    processes.killAll()
    process.exit(0)
  }
  const output = makeOutput(1, exit)
  const pipes = makePipes(config.tmp)
  process.on("uncaughtException", log)
  process.on("unhandledRejection", log)
  // With a handler, exceeding the file size limit fails the write (EFBIG) instead of killing this process.
  process.on("SIGXFSZ", () => {})
  process.on("SIGTERM", exit)
  process.on("SIGHUP", exit)

  const dispatch = makeDispatch({ config, inputs: new Map(), output }, { pipes, processes })
  readAll(0, exitOnMalformed(frameParser(dispatch), exit), exit)
  output.send(0, { ready: true, pid: process.pid })
  pipes.prepare()
}

/** After a malformed frame the frame boundaries are unknown. */
const exitOnMalformed = (parse: (chunk: Buffer) => void, exit: () => void) => (chunk: Buffer) => {
  try {
    parse(chunk)
  } catch (error) {
    log(error)
    exit()
  }
}

main()
