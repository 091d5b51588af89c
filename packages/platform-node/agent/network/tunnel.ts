/** A byte stream to a port of the session. */
import * as Net from "node:net"
import type { Operation } from "../operation.js"
import { count } from "../wire/args.js"
import { codeOf, Failure } from "../wire/failure.js"
import { carry } from "./relay.js"

/** Connects to a port and stays until both directions have ended. */
export const tunnel: Operation = async ({ args, id, signal }, agent) => {
  const port = count(args, "port") ?? 0
  const socket = Net.connect({ host: "localhost", port, allowHalfOpen: true })
  socket.on("connect", () => agent.output.send(id, { event: "open" }))
  signal.addEventListener("abort", () => socket.destroy())
  try {
    return await carry(socket, id, agent)
  } catch (error) {
    throw failureOf(error, port)
  }
}

const failureOf = (error: unknown, port: number) =>
  codeOf(error) === "ECONNREFUSED"
    ? new Failure("ECONNREFUSED", `Nothing in the session listens on port ${port}`)
    : new Failure("EIO", `The connection to port ${port} of the session failed: ${wordsOf(error)}`)

const wordsOf = (error: unknown) => error instanceof Error ? error.message : String(error)
