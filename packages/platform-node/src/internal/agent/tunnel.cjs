// @ts-check
"use strict"

/** A byte stream to a port of the session. */
const net = require("node:net")
const { count } = require("./args.cjs")
const { carry } = require("./carry.cjs")
const { codeOf, Failure } = require("./failure.cjs")

/**
 * Connects to a port and stays until both directions have ended.
 *
 * @type {import("./operation.cjs").Operation}
 */
const tunnel = async ({ args, id, signal }, agent) => {
  const port = count(args, "port") ?? 0
  const socket = net.connect({ host: "localhost", port, allowHalfOpen: true })
  socket.on("connect", () => agent.output.send(id, { event: "open" }))
  signal.addEventListener("abort", () => socket.destroy())
  try {
    return await carry(socket, id, agent)
  } catch (error) {
    throw failureOf(error, port)
  }
}

/**
 * @param {unknown} error
 * @param {number} port
 */
const failureOf = (error, port) =>
  codeOf(error) === "ECONNREFUSED"
    ? new Failure("ECONNREFUSED", `Nothing in the session listens on port ${port}`)
    : new Failure("EIO", `The connection to port ${port} of the session failed: ${wordsOf(error)}`)

/** @param {unknown} error */
const wordsOf = (error) => error instanceof Error ? error.message : String(error)

module.exports = { tunnel }
