/** Replies that are cut off, endless, slow or no HTTP at all. */
import { Effect } from "effect"
import type { Socket } from "node:net"
import { gzipSync } from "node:zlib"
import { type Fault, type Gate, raw, type Reply } from "./faults.js"

const fields = "content-type: application/json\r\nconnection: close"

const head = (reply: Reply, length: number): string =>
  `HTTP/1.1 ${reply.status} OK\r\n${fields}\r\ncontent-length: ${length}\r\n\r\n`

const whole = (reply: Reply): string => head(reply, Buffer.byteLength(reply.body)) + reply.body

/** The work is done, and the reply ends after so many of its parts. */
const cutAt = (where: (text: string) => number, end: (socket: Socket) => void): Fault =>
  raw("after", (socket, reply) => {
    const text = whole(reply)
    socket.write(text.slice(0, where(text)), () => end(socket))
  })

const inHeader = () => 20
const inBody = (text: string) => text.indexOf("\r\n\r\n") + 10

const close = (socket: Socket) => socket.destroy()
const reset = (socket: Socket) => socket.resetAndDestroy()

export const closedInHeader = cutAt(inHeader, close)
export const closedInBody = cutAt(inBody, close)
export const resetInHeader = cutAt(inHeader, reset)
export const resetInBody = cutAt(inBody, reset)

/** Stands still in the header or in the body until the gate opens, and then goes on. */
export const halfway = (part: "header" | "body", gate: Gate): Fault =>
  raw("after", (socket, reply) => {
    const text = whole(reply)
    const at = part === "header" ? inHeader() : inBody(text)
    socket.write(text.slice(0, at))
    const { wait = Effect.void } = gate.fault("after")
    Effect.runFork(Effect.andThen(wait, () => socket.end(text.slice(at))))
  })

/** No HTTP at all. */
export const garbage = raw("after", (socket) => socket.end("\u0000\u0001 no HTTP\r\n\r\n"))

/** A byte now and then, for ever. */
export const dripping = (everyMillis: number): Fault =>
  raw("after", (socket, reply) => {
    socket.write(head(reply, 2 ** 20))
    const timer = setInterval(() => socket.write(" "), everyMillis)
    socket.once("close", () => clearInterval(timer))
  })

const piece = Buffer.alloc(2 ** 20, " ")

/** A gibibyte, as fast as it is taken; `written` counts the bytes that were. */
export const gibibyte = (written: { bytes: number }, chunked: boolean): Fault =>
  raw("after", (socket) => {
    const length = chunked ? "transfer-encoding: chunked" : `content-length: ${2 ** 30}`
    socket.write(`HTTP/1.1 200 OK\r\n${fields}\r\n${length}\r\n\r\n`)
    const more = () => {
      while (!socket.destroyed && written.bytes < 2 ** 30) {
        if (chunked) socket.write("100000\r\n")
        written.bytes += piece.length
        if (!socket.write(chunked ? Buffer.concat([piece, Buffer.from("\r\n")]) : piece)) {
          return socket.once("drain", more)
        }
      }
    }
    more()
  })

const packed = gzipSync(Buffer.alloc(2 ** 25, " "))

/** 32 MiB of blanks as a few kilobytes, whether or not the client said that it can unpack them. */
export const gzipBomb: Fault = raw("after", (socket) => {
  socket.write(`HTTP/1.1 200 OK\r\n${fields}\r\ncontent-encoding: gzip\r\n`)
  socket.end(Buffer.concat([Buffer.from(`content-length: ${packed.length}\r\n\r\n`), packed]))
})

/** The right reply, a byte a chunk, so that every character of several bytes is split. */
export const bytewise: Fault = raw("after", (socket, reply) => {
  socket.write(`HTTP/1.1 ${reply.status} OK\r\n${fields}\r\ntransfer-encoding: chunked\r\n\r\n`)
  for (const byte of Buffer.from(reply.body)) socket.write(Buffer.from([0x31, 0x0d, 0x0a, byte, 0x0d, 0x0a]))
  socket.end("0\r\n\r\n")
})

const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"

/** The right reply after `100 Continue`, which nobody asked for, with other interim replies around it. */
export const continued = (byte: boolean): Fault =>
  raw("after", (socket, reply) => {
    const interim = `${hints}HTTP/1.1 100 Continue\r\n\r\n${hints}HTTP/1.1 100 Continue\r\nx: y\r\n\r\n`
    const bytes = Buffer.from(interim + whole(reply))
    socket.setNoDelay(true)
    const write = (start: number): void => {
      const end = byte ? start + 1 : bytes.length
      if (start >= bytes.length) socket.end()
      else socket.write(bytes.subarray(start, end), () => setImmediate(write, end))
    }
    write(0)
  })

/** The right reply with a byte that is no UTF-8 in place of the last letter of its body. */
export const invalidUtf8 = (status: number): Fault =>
  raw("after", (socket, reply) => {
    const bytes = Buffer.from(whole({ ...reply, status }))
    bytes[bytes.toString("latin1").search(/[a-z][^a-z]*$/)] = 0xff
    socket.end(bytes)
  })

/** The right reply with a byte order mark before it. */
export const marked: Fault = raw(
  "after",
  (socket, reply) => socket.end(whole({ ...reply, body: `\uFEFF${reply.body}` }))
)
