/** HTTP written byte by byte: what no client library would send, and what comes back. */
import { Effect } from "effect"
import * as Net from "node:net"

export interface RawReply {
  /** The status of every reply that came over the connection, in order. */
  readonly statuses: ReadonlyArray<number>
  /** All that came. */
  readonly text: string
  /** Whether the server ended the connection. */
  readonly ended: boolean
}

export interface RawRequest {
  readonly method?: string
  readonly target: string
  /** Sent as they are; `host`, `connection: close` and the length of the body are added where they are not named. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

const statusLine = /HTTP\/1\.[01] (\d{3}) /g

const statusesOf = (text: string) => [...text.matchAll(statusLine)].map(([, status]) => Number(status))

/** Sends bytes and reads until the server ends the connection, or for as long as `patience` after the last byte. */
export const sendBytes = (
  port: number,
  pieces: ReadonlyArray<string | Buffer>,
  patience = 3000
): Effect.Effect<RawReply> =>
  Effect.async((resume) => {
    const chunks: Array<Buffer> = []
    const socket = Net.connect(port, "127.0.0.1")
    const finish = (ended: boolean) => {
      socket.destroy()
      const text = Buffer.concat(chunks).toString("latin1")
      resume(Effect.succeed({ statuses: statusesOf(text), text, ended }))
    }
    socket.setTimeout(patience, () => finish(false))
    socket.on("data", (chunk) => chunks.push(chunk))
    socket.on("close", () => finish(true))
    socket.on("error", () => {})
    for (const piece of pieces) socket.write(piece)
    return Effect.sync(() => socket.destroy())
  })

export const requestBytes = (port: number, { body = "", headers = {}, method = "GET", target }: RawRequest) => {
  const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
  const added = Object.entries({
    host: `127.0.0.1:${port}`,
    connection: "close",
    ...(body.length > 0 ? { "content-length": String(Buffer.byteLength(body)) } : {})
  }).filter(([name]) => !named.has(name))
  const lines = [...added, ...Object.entries(headers)].map(([name, value]) => `${name}: ${value}\r\n`)
  return [`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`, body]
}

export const sendRequest = (port: number, request: RawRequest): Effect.Effect<RawReply> =>
  sendBytes(port, requestBytes(port, request))

/** The JSON behind the head of the first reply; a body that is none is its text. */
export const jsonOf = ({ text }: RawReply): unknown => {
  const body = text.slice(text.indexOf("\r\n\r\n") + 4)
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
