/**
 * Relays a connection over the frames between host and agent. What the socket receives is sent as events `data` and finally
 * `end`; what it has to send arrives in frames of input. Each direction has a window of its own.
 */
import { readSync } from "node:fs"
import type { Socket } from "node:net"
import { makeWindow } from "../../src/internal/agentWire/window.js"
import { countArg } from "../wire/args.js"
import type { Agent, Reply } from "../wire/operation.js"

const maxLastBytes = 65_536

/**
 * What has been received but not read yet. A program that closes its connection while it is sent more, for example after
 * it has refused a request, resets it: the next write fails, and Node gives up what the program has said.
 */
const lastWords = (socket: Socket): Buffer => {
  const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } | null }
  const bytes = Buffer.alloc(maxLastBytes)
  try {
    return bytes.subarray(0, readSync(handle?.fd ?? -1, bytes))
  } catch {
    return bytes.subarray(0, 0)
  }
}

/** Completes once both directions have ended. The socket must allow half-open connections. */
export const relay = (socket: Socket, id: number, { inputs, output }: Agent): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const window = makeWindow(() => socket.resume())
    const onData = (chunk: Buffer) => {
      window.sent(chunk.length)
      output.send(id, { event: "data" }, [chunk])
      if (window.isFull()) socket.pause()
    }
    socket.on("data", onData)
    // Called before the socket is destroyed.
    const onWriteFailed = () => {
      if (socket.isPaused()) return
      const bytes = lastWords(socket)
      if (bytes.length > 0) onData(bytes)
    }
    const end = () => output.send(id, { event: "end" })
    if (socket.readableEnded) end()
    else socket.on("end", end)
    socket.on("error", reject)
    socket.on("close", () => resolve({ value: null }))

    inputs.set(id, (input) => {
      window.used(countArg(input, "consumed") ?? 0)
      return {
        write: (chunk) => {
          const bytes = chunk.length
          socket.write(Buffer.from(chunk), (error) => {
            if (error) onWriteFailed()
            else if (inputs.has(id)) output.send(id, { event: "consumed", bytes })
          })
        },
        end: () => {
          if (input["last"] === true) socket.end()
        }
      }
    })
  })
