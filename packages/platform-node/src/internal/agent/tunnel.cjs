// @ts-check
"use strict"

/**
 * A byte stream to a port of the session. What the port sends goes out as events `data` and then `end`; what is for the port
 * comes in as frames of their own. Each direction has its window.
 */
const net = require("node:net")
const { count } = require("./args.cjs")
const { codeOf, Failure } = require("./failure.cjs")
const { makeWindow } = require("./window.cjs")

/**
 * Connects to a port and stays until both directions have ended.
 *
 * @type {import("./operation.cjs").Operation}
 */
const tunnel = ({ args, id, signal }, { inputs, output }) =>
  new Promise((resolve, reject) => {
    const port = count(args, "port") ?? 0
    const socket = net.connect({ host: "localhost", port, allowHalfOpen: true })
    const window = makeWindow(() => socket.resume())
    socket.on("connect", () => output.send(id, { event: "open" }))
    socket.on("data", (chunk) => {
      window.sent(chunk.length)
      output.send(id, { event: "data" }, [chunk])
      if (window.isFull()) socket.pause()
    })
    socket.on("end", () => output.send(id, { event: "end" }))
    socket.on("error", (error) => reject(failureOf(error, port)))
    socket.on("close", () => resolve({ value: null }))
    signal.addEventListener("abort", () => socket.destroy())

    inputs.set(id, (input) => {
      window.used(count(input, "taken") ?? 0)
      return {
        write: (chunk) => {
          const bytes = chunk.length
          socket.write(Buffer.from(chunk), (error) => {
            if (!error && inputs.has(id)) output.send(id, { event: "taken", bytes })
          })
        },
        end: () => {
          if (input["last"] === true) socket.end()
        }
      }
    })
  })

/**
 * @param {Error} error
 * @param {number} port
 */
const failureOf = (error, port) =>
  codeOf(error) === "ECONNREFUSED"
    ? new Failure("ECONNREFUSED", `Nothing in the session listens on port ${port}`)
    : new Failure("EIO", `The connection to port ${port} of the session failed: ${error.message}`)

module.exports = { tunnel }
