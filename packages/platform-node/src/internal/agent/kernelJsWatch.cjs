// @ts-check
"use strict"

/** The thread of the JavaScript kernel that interrupts a run: it can act while the main thread is caught in a loop. */
const { Session } = require("node:inspector")
const net = require("node:net")
const { parentPort } = require("node:worker_threads")
const { decodeFields, lines } = require("./fields.cjs")

/** A main thread that does not answer for so long is running code; one that answers is waiting for something. */
const answerMs = 50

const longestLine = 1024

/** @type {string | undefined} */
let unanswered

/** @param {string} count */
const abandon = (count) => parentPort?.postMessage({ interrupt: count })

/** @param {string} count */
const terminate = (count) => {
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

const interrupts = new net.Socket({ fd: 5, readable: true, writable: false })
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
