/** The thread of the JavaScript kernel that interrupts a run: it can act while the main thread is caught in a loop. */
import { Session } from "node:inspector"
import * as Net from "node:net"
import { parentPort } from "node:worker_threads"
import { decodeFields, lines } from "../../../src/internal/agentWire/fields.js"

/** A main thread that does not answer for so long is running code; one that answers is waiting for something. */
const answerMs = 50

const longestLine = 1024

let unanswered: string | undefined

const abandon = (count: string) => parentPort?.postMessage({ interrupt: count })

const terminate = (count: string) => {
  const session = new Session()
  session.connectToMainThread()
  session.post("Runtime.terminateExecution", () => {
    session.disconnect()
    abandon(count)
  })
}

parentPort?.on("message", () => {
  unanswered = undefined
})

const interrupts = new Net.Socket({ fd: 5, readable: true, writable: false })
interrupts.on(
  "data",
  lines(longestLine, (line) => {
    const [kind, count = ""] = decodeFields(line)
    if (kind !== "interrupt") return
    unanswered = count
    parentPort?.postMessage({ ping: count })
    setTimeout(() => unanswered === count ? terminate(count) : abandon(count), answerMs)
  }, () => {})
)
