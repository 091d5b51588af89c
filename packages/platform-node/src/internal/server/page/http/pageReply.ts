/** Replies on the hosts of pages. */
import type { ApiError } from "@effect-agb/core/AgbServer"
import * as Http from "node:http"
import type { Duplex } from "node:stream"
import type { Exchange } from "../../http/exchange.js"

export const jsonType = "application/json"
const textType = "text/plain; charset=utf-8"
export const htmlType = "text/html; charset=utf-8"

/** Sends a reply as a whole, unless one has been sent or the client has disconnected. */
export const sendReply = (
  { method, response }: Pick<Exchange, "method" | "response">,
  status: number,
  type: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {}
): void => {
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, { ...headers, "content-type": type, "content-length": Buffer.byteLength(body) })
  response.end(method === "HEAD" ? undefined : body)
}

export const sendJson = (exchange: Exchange, status: number, body: unknown): void =>
  sendReply(exchange, status, jsonType, JSON.stringify(body))

export const sendError = (exchange: Exchange, { code, message, status }: ApiError): void =>
  sendJson(exchange, status, { error: { code, message } })

/** The same for whoever may not be here, whatever was asked for, and whether or not there is such a session. */
export const nothingHere =
  "Nothing here. The address of a session's page works once, within 30 minutes: ask for a new one.\n"

export const sendNothing = (exchange: Pick<Exchange, "method" | "response">): void =>
  sendReply(exchange, 404, textType, nothingHere)

export const sendRefusal = (exchange: Exchange, text: string): void =>
  sendJson(exchange, 403, { error: { code: "Forbidden.Origin", message: text } })

export const sendGone = (exchange: Exchange, reason: string): void =>
  sendJson(exchange, 410, { error: { code: "Session.Ended", message: `The session has ended: ${reason}.` } })

const lingerMs = 1000

/** The same instead of an upgrade. */
export const refuseUpgrade = (
  socket: Duplex,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>>
): void => {
  if (!socket.writable) return
  const all = { ...headers, "content-type": textType, "content-length": Buffer.byteLength(text), connection: "close" }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${Http.STATUS_CODES[status] ?? "Error"}\r\n${lines.join("")}\r\n${text}`)
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once("close", () => clearTimeout(timer))
  socket.resume()
}
