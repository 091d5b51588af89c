/**
 * Egress of the session: a proxy on its loopback interface. Each connection is requested from the host, which dials and
 * relays it, or rejects it. The number of concurrent connections is bounded; further clients wait.
 */
import type { Socket } from "node:net"
import { createServer } from "node:net"
import { type Args, countArg, stringArg } from "../wire/args.js"
import { Failure, failureOf } from "../wire/failure.js"
import type { Operation } from "../wire/operation.js"
import { endWith, readTarget } from "./proxy.js"
import type { Reason, Target } from "./proxyProtocol.js"
import { relay } from "./relay.js"

interface Client {
  readonly socket: Socket
  readonly target: Target
}

/** Including those that wait. */
const maxClients = 1024

export const makeEgress = () => {
  const { claim, enqueue, open, release } = makeAdmission()

  const listen: Operation = ({ args, id, signal }, { output }) =>
    new Promise((resolve, reject) => {
      open(countArg(args, "connections") ?? 0, (connection, { host, port }) =>
        output.send(id, { event: "connect", connection, host, port }))
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
        readTarget(socket, (target) =>
          enqueue({ socket, target })))
      server.maxConnections = maxClients
      server.on("error", (error) =>
        reject(failureOf(error, "the proxy of the session")))
      server.on("close", () =>
        resolve({ value: null }))
      signal.addEventListener("abort", () => server.close())
      server.listen(countArg(args, "port"), "127.0.0.1", () => output.send(id, { event: "listening" }))
    })

  const accept: Operation = async ({ args, id, signal }, agent) => {
    const { socket, target } = claim(args)
    try {
      if (socket.destroyed) throw new Failure("EPIPE", "The program has closed the connection")
      signal.addEventListener("abort", () => socket.resetAndDestroy())
      if (target.connected.length > 0) socket.write(target.connected)
      agent.output.send(id, { event: "open" })
      const ended = relay(socket, id, agent)
      socket.resume()
      return await ended
    } catch (error) {
      throw failureOf(error, "a connection to the outside")
    } finally {
      release()
    }
  }

  const refuse: Operation = async ({ args }) => {
    const { socket, target } = claim(args)
    const reason = stringArg(args, "reason") as Reason
    endWith(socket, target.rejection(reason, stringArg(args, "message")))
    release()
    return { value: null }
  }

  return { egress: listen, accept, refuse }
}

/** The queue of clients, of which a bounded number is requested from the host at a time. */
const makeAdmission = () => {
  const requested = new Map<number, Client>()
  const waiting: Array<Client> = []
  let free = 0
  let last = 0
  let request: (number: number, target: Target) => void = () => {}

  const admit = () => {
    while (free > 0) {
      const client = waiting.shift()
      if (client === undefined) return
      if (client.socket.destroyed) continue
      free -= 1
      requested.set(++last, client)
      request(last, client.target)
    }
  }

  /** Deferred until the host has the reply, because the host counts connections too. */
  const release = () =>
    setImmediate(() => {
      free += 1
      admit()
    })

  return {
    open: (connections: number, onRequest: typeof request) => {
      free = connections
      request = onRequest
    },
    enqueue: (client: Client) => {
      waiting.push(client)
      admit()
    },
    /** The client that a call of the host is about. */
    claim: (args: Args) => {
      const number = countArg(args, "connection") ?? 0
      const client = requested.get(number)
      if (client === undefined) throw new Failure("EINVAL", "No such connection")
      requested.delete(number)
      return client
    },
    release
  }
}
