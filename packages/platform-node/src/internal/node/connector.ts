/** Opens the sockets of the transport, and removes interim replies from what they read. */
import type { Duplex } from "node:stream"
import * as undici from "undici"
import { takenCallback } from "./takenBytes.js"

const interim = /^HTTP\/1\.[01] 1(?!01)\d\d[ \r]/

/** What decides whether a reply is an interim one. */
const decisive = "HTTP/1.1 100 ".length

/** An interim reply with longer headers is left to undici, which refuses it. */
const maxInterimBytes = 16_384

/**
 * Finds where the final reply begins: after all interim replies. `undefined` means that more bytes are needed to tell.
 */
const finalReply = (bytes: Buffer): number | undefined => {
  let start = 0
  for (;;) {
    const rest = bytes.subarray(start)
    const head = rest.toString("latin1", 0, decisive)
    if (head.length < decisive && "HTTP/1.".startsWith(head.slice(0, 7))) return undefined
    if (!interim.test(head)) return start
    const end = rest.indexOf("\r\n\r\n")
    if (end === -1) return rest.length > maxInterimBytes ? start : undefined
    start += end + 4
  }
}

/**
 * undici takes an unasked `100 Continue` for a broken reply. Every write begins a request, so what is read after it begins
 * with the head of a reply.
 */
const withoutInterimReplies = (socket: Duplex): void => {
  const read = socket.read.bind(socket)
  const write = socket.write.bind(socket) as (...args: ReadonlyArray<unknown>) => boolean
  let held: Buffer | undefined

  const readFinal = (chunk: Buffer | null): Buffer | null => {
    if (held === undefined || chunk === null) return chunk
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    const start = finalReply(bytes)
    held = start === undefined ? bytes : undefined
    return start === undefined ? readFinal(read()) : bytes.subarray(start)
  }

  Object.assign(socket, {
    write: (...args: ReadonlyArray<unknown>) => {
      held = Buffer.alloc(0)
      const taken = takenCallback(args[0])
      return taken === undefined ? write(...args) : write(args[0], taken)
    },
    // Node itself calls `read(0)`, which returns no data.
    read: (size?: number) => size === undefined ? readFinal(read()) : read(size)
  })
}

/** Connects within 10 seconds, TLS included. The signal destroys all sockets, those that are still connecting too. */
export const make = (signal: AbortSignal): undici.buildConnector.connector => {
  const connect = undici.buildConnector({ timeout: 10_000, signal })
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null)
      withoutInterimReplies(socket)
      callback(null, socket)
    })
}
