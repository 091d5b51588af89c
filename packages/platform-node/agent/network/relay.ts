/**
 * The bytes of a connection, carried over the frames between host and agent. What the socket sends goes out as events
 * `data` and then `end`; what is for it comes in as frames of their own. Each direction has its window.
 */
import type { Socket } from "node:net"
import { makeWindow } from "../../src/internal/agentWire/window.js"
import type { Agent, Reply } from "../operation.js"
import { count } from "../wire/args.js"

/**
 * Stays until both directions have ended. The socket must be one that allows to be half open.
 *
 * @param id of the call
 */
export const carry = (socket: Socket, id: number, { inputs, output }: Agent): Promise<Reply> =>
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
