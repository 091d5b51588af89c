/**
 * The session's way out: a proxy on its loopback. For each connection that a program wants the host is asked, which dials
 * and carries, or refuses. So many at a time; the others wait for theirs.
 */
import * as Net from "node:net"
import type { Socket } from "node:net"
import type { Operation } from "../operation.js"
import { type Args, count, text } from "../wire/args.js"
import { Failure, failureOf } from "../wire/failure.js"
import { dismiss, type Reason, receive, type Target } from "./proxy.js"
import { carry } from "./relay.js"

type Visitor = { readonly socket: Socket; readonly target: Target }

/** Clients at a time, those that wait included. */
const mostClients = 1024

export const makeOutbound = () => {
  const asked = new Map<number, Visitor>()
  const waiting: Array<Visitor> = []
  let free = 0
  let last = 0
  let ask: (number: number, target: Target) => void = () => {}

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

  const visitorOf = (args: Args) => {
    const number = count(args, "connection") ?? 0
    const visitor = asked.get(number)
    if (visitor === undefined) throw new Failure("EINVAL", "No such connection")
    asked.delete(number)
    return visitor
  }

  const listen: Operation = ({ args, id, signal }, { output }) =>
    new Promise((resolve, reject) => {
      free = count(args, "connections") ?? 0
      ask = (connection, { host, port }) => output.send(id, { event: "ask", connection, host, port })
      const server = Net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
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

  const accept: Operation = async ({ args, id, signal }, agent) => {
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

  const refuse: Operation = async ({ args }) => {
    const { socket, target } = visitorOf(args)
    const reason = text(args, "reason") as Reason
    dismiss(socket, target.refused(reason, text(args, "message")))
    leave()
    return { value: null }
  }

  return { outbound: listen, accept, refuse }
}
