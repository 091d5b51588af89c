/** The thread of the JavaScript kernel that interrupts a run, even while the main thread is in an endless loop. */
import { Session } from "node:inspector"
import { Socket } from "node:net"
import { parentPort } from "node:worker_threads"
import { decodeFields, lines } from "../../../src/internal/agentWire/fields.js"

/** If the main thread does not answer within this time it is executing code; otherwise it is waiting for an event. */
const answerMs = 50

const maxLineBytes = 1024

let unanswered: string | undefined

const abandon = (count: string, wasExecuting: boolean) => parentPort?.postMessage({ interrupt: count, wasExecuting })

const terminate = (count: string) => {
  const session = new Session()
  session.connectToMainThread()
  session.post("Runtime.terminateExecution", () => {
    session.disconnect()
    abandon(count, true)
  })
}

parentPort?.on("message", () => {
  unanswered = undefined
})

const interrupts = new Socket({ fd: 5, readable: true, writable: false })
interrupts.on(
  "data",
  lines(maxLineBytes, (line) => {
    const [kind, count = ""] = decodeFields(line)
    if (kind !== "interrupt") return
    unanswered = count
    parentPort?.postMessage({ ping: count })
    setTimeout(() => unanswered === count ? terminate(count) : abandon(count, false), answerMs)
  }, () => {})
)
