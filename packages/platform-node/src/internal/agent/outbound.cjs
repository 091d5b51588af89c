// @ts-check
"use strict"

/**
 * The session's way out: a proxy on its loopback. For each connection that a program wants the host is asked, which dials
 * and carries, or refuses. So many at a time; the others wait for theirs.
 */
const net = require("node:net")
const { count, text } = require("./args.cjs")
const { carry } = require("./carry.cjs")
const { Failure, failureOf } = require("./failure.cjs")
const { dismiss, receive } = require("./proxy.cjs")

/** @typedef {import("./operation.cjs").Operation} Operation */
/** @typedef {{ readonly socket: import("node:net").Socket, readonly target: import("./proxy.cjs").Target }} Visitor */

/** Clients at a time, those that wait included. */
const mostClients = 1024

const makeOutbound = () => {
  /** @type {Map<number, Visitor>} */
  const asked = new Map()
  /** @type {Array<Visitor>} */
  const waiting = []
  let free = 0
  let last = 0
  /** @type {(number: number, target: import("./proxy.cjs").Target) => void} */
  let ask = () => {}

  const admit = () => {
    while (free > 0) {
      const visitor = waiting.shift()
      if (visitor === undefined) return
      if (visitor.socket.destroyed) continue
      free -= 1
      asked.set(++last, visitor)
      ask(last, visitor.target)
    }
  }

  /** Only after the host has its answer: it counts them too. */
  const leave = () =>
    setImmediate(() => {
      free += 1
      admit()
    })

  /** @param {import("./args.cjs").Args} args */
  const visitorOf = (args) => {
    const number = count(args, "connection") ?? 0
    const visitor = asked.get(number)
    if (visitor === undefined) throw new Failure("EINVAL", "No such connection")
    asked.delete(number)
    return visitor
  }

  /** @type {Operation} */
  const listen = ({ args, id, signal }, { output }) =>
    new Promise((resolve, reject) => {
      free = count(args, "connections") ?? 0
      ask = (connection, { host, port }) => output.send(id, { event: "ask", connection, host, port })
      const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        receive(socket, (target) => {
          waiting.push({ socket, target })
          admit()
        })
      })
      server.maxConnections = mostClients
      server.on("error", (error) => reject(failureOf(error, "the proxy of the session")))
      server.on("close", () => resolve({ value: null }))
      signal.addEventListener("abort", () => server.close())
      server.listen(count(args, "port"), "127.0.0.1", () => output.send(id, { event: "listening" }))
    })

  /** @type {Operation} */
  const accept = async ({ args, id, signal }, agent) => {
    const { socket, target } = visitorOf(args)
    try {
      if (socket.destroyed) throw new Failure("EPIPE", "The program has closed the connection")
      signal.addEventListener("abort", () => socket.resetAndDestroy())
      if (target.greeting.length > 0) socket.write(target.greeting)
      agent.output.send(id, { event: "open" })
      const carried = carry(socket, id, agent)
      socket.resume()
      return await carried
    } catch (error) {
      throw failureOf(error, "a connection to the outside")
    } finally {
      leave()
    }
  }

  /** @type {Operation} */
  const refuse = async ({ args }) => {
    const { socket, target } = visitorOf(args)
    const reason = /** @type {import("./proxy.cjs").Reason} */ (text(args, "reason"))
    dismiss(socket, target.refused(reason, text(args, "message")))
    leave()
    return { value: null }
  }

  return { outbound: listen, accept, refuse }
}

module.exports = { makeOutbound }
