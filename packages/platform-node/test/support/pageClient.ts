/** A browser's requests to a page, over plain HTTP and WebSockets: by host names that this machine need not resolve. */
import { assert } from "@effect/vitest"
import * as Http from "node:http"
import { WebSocket } from "ws"

/** JSON of any shape, of which a test says what it expects. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Json = Record<string, any>

export interface PageReply {
  readonly status: number
  readonly headers: Http.IncomingHttpHeaders
  readonly text: string
  readonly bytes: Buffer
  readonly json: <A = Json>() => A
}

export interface PageRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** Sends a request to the server on `port` under another host name. */
export const sendTo = (
  port: number,
  host: string,
  target: string,
  { body, headers = {}, method = "GET" }: PageRequest = {}
): Promise<PageReply> =>
  new Promise((resolve, reject) => {
    const request = Http.request({ host: "127.0.0.1", port, path: target, method, headers: { host, ...headers } })
    request.on("error", reject)
    request.on("response", (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", reject)
      response.on("end", () => {
        const bytes = Buffer.concat(chunks)
        const text = bytes.toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          bytes,
          json: () => JSON.parse(text)
        })
      })
    })
    request.end(body)
  })

/** What a page gets over a WebSocket. */
export interface LiveSocket {
  readonly socket: WebSocket
  readonly frames: Array<Json>
  /** Waits for a frame. */
  readonly next: (test: (frame: Json) => boolean) => Promise<Json>
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

/** A page that is open: its cookie, and what it does. */
export interface OpenPage {
  readonly host: string
  readonly cookie: string
  readonly get: (target: string, headers?: Readonly<Record<string, string>>) => Promise<PageReply>
  readonly send: (method: string, target: string, body?: unknown) => Promise<PageReply>
  readonly live: (from?: number) => Promise<LiveSocket>
}

export const liveSocket = (
  port: number,
  host: string,
  target: string,
  headers: Readonly<Record<string, string>>
): Promise<LiveSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`, { headers: { host, ...headers } })
    const frames: Array<Json> = []
    const waiting = new Set<() => void>()
    const closed = new Promise<{ code: number; reason: string }>((end) =>
      socket.on("close", (code, reason) => {
        end({ code, reason: reason.toString() })
        for (const look of waiting) look()
      })
    )
    socket.on("message", (data: Buffer, isBinary) => {
      const told: unknown = isBinary ? { type: "bytes", bytes: data } : JSON.parse(data.toString())
      frames.push(...Array.isArray(told) ? told : [told as Json])
      for (const look of [...waiting]) look()
    })
    const next: LiveSocket["next"] = (test) =>
      new Promise((found, failed) => {
        const look = () => {
          const frame = frames.find(test)
          if (frame === undefined && socket.readyState !== socket.CLOSED) return
          waiting.delete(look)
          if (frame === undefined) failed(new Error(`it was closed; got ${JSON.stringify(frames).slice(0, 2000)}`))
          else found(frame)
        }
        waiting.add(look)
        look()
      })
    socket.on("error", reject)
    socket.on("unexpected-response", (_, response) => reject(new Error(`refused with ${response.statusCode}`)))
    socket.on("open", () => resolve({ socket, frames, next, closed }))
  })

/** Opens the page of an address, as a browser does. */
export const openPage = async (url: string): Promise<OpenPage> => {
  const { host, pathname, port: portText, search } = new URL(url)
  const port = Number(portText)
  const entered = await sendTo(port, host, `${pathname}${search}`, { headers: { "sec-fetch-site": "none" } })
  assert.strictEqual(entered.status, 303, entered.text)
  const cookie = entered.headers["set-cookie"]?.[0]?.split(";")[0] ?? ""
  const origin = `http://${host}`
  const own = { cookie, "sec-fetch-site": "same-origin" }
  return {
    host,
    cookie,
    get: (target, headers = {}) => sendTo(port, host, target, { headers: { ...own, ...headers } }),
    send: (method, target, body) =>
      sendTo(port, host, target, {
        method,
        headers: { ...own, origin, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: Buffer.isBuffer(body) ? body : JSON.stringify(body) })
      }),
    live: (from) => liveSocket(port, host, `/api/live${from === undefined ? "" : `?from=${from}`}`, { cookie, origin })
  }
}
