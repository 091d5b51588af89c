/** A byte stream to a port on which a program of the session listens. */
import { connect } from "node:net"
import { countArg } from "../wire/args.js"
import { codeOf, Failure } from "../wire/failure.js"
import type { Operation } from "../wire/operation.js"
import { relay } from "./relay.js"

export const tunnel: Operation = async ({ args, id, signal }, agent) => {
  const port = countArg(args, "port") ?? 0
  const socket = connect({ host: "localhost", port, allowHalfOpen: true })
  socket.on("connect", () => agent.output.send(id, { event: "open" }))
  signal.addEventListener("abort", () => socket.destroy())
  try {
    return await relay(socket, id, agent)
  } catch (error) {
    throw failureOf(error, port)
  }
}

const failureOf = (error: unknown, port: number) =>
  codeOf(error) === "ECONNREFUSED"
    ? new Failure("ECONNREFUSED", `Nothing in the session listens on port ${port}`)
    : new Failure("EIO", `The connection to port ${port} of the session failed: ${messageOf(error)}`)

const messageOf = (error: unknown) => error instanceof Error ? error.message : String(error)
