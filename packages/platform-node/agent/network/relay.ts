/**
 * Relays a connection over the frames between host and agent. What the socket receives is sent as events `data` and finally
 * `end`; what it has to send arrives in frames of input. Each direction has a window of its own.
 */
import type { Socket } from "node:net"
import { makeWindow } from "../../src/internal/agentWire/window.js"
import { countArg } from "../wire/args.js"
import type { Agent, Reply } from "../wire/operation.js"

/** Completes once both directions have ended. The socket must allow half-open connections. */
export const relay = (socket: Socket, id: number, { inputs, output }: Agent): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const window = makeWindow(() => socket.resume())
    socket.on("data", (chunk) => {
      window.sent(chunk.length)
      output.send(id, { event: "data" }, [chunk])
      if (window.isFull()) socket.pause()
    })
    const end = () => output.send(id, { event: "end" })
    if (socket.readableEnded) end()
    else socket.on("end", end)
    socket.on("error", reject)
    socket.on("close", () => resolve({ value: null }))

    inputs.set(id, (input) => {
      window.used(countArg(input, "taken") ?? 0)
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
