/**
 * The HTTP side of the proxy. `CONNECT` opens a tunnel; any other request is rewritten to origin form and sent as the head
 * of a tunnel, with `Connection: close`, so that each connection carries one request.
 */
import type { Reason, Step } from "./proxyProtocol.js"

const maxHeadBytes = 64 * 1024

const requestLine = /^([\w!#$%&'*+.^`|~-]+) (\S+) HTTP\/1\.[01]$/
const field = /^[\w!#$%&'*+.^`|~-]+:/
/** Hop-by-hop headers (RFC 9110, 7.6.1). */
const hopByHop = /^(?:proxy-[\w-]+|connection|keep-alive):/i

const statuses: Readonly<Record<Reason, string>> = {
  forbidden: "403 Forbidden",
  unknown: "502 Bad Gateway",
  unreachable: "502 Bad Gateway",
  closed: "502 Bad Gateway",
  late: "504 Gateway Timeout"
}

const answer = (status: string, message: string) => {
  const body = Buffer.from(`${message}\n`)
  const head = [
    `HTTP/1.1 ${status}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${body.length}`,
    "Connection: close",
    "",
    ""
  ]
  return Buffer.concat([Buffer.from(head.join("\r\n")), body])
}

const rejection = (reason: Reason, message: string) => answer(statuses[reason], `The proxy of this session: ${message}`)

const badRequest = (message: string): ReturnType<Step> => ({
  end: answer("400 Bad Request", `The proxy of this session: ${message}`)
})

/** Host and port of an authority; the brackets of an IPv6 address are removed. */
const authority = (text: string, defaultPort: number | undefined) => {
  const [, wrapped, plain, digits] = /^(?:\[([^\]]*)\]|([^:@[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = wrapped ?? plain ?? ""
  const port = digits === undefined ? defaultPort : Number(digits)
  return host === "" || host.length > 255 || port === undefined || port < 1 || port > 65_535
    ? undefined
    : { host, port }
}

/** Waits for the complete request head. */
export const httpRequest: Step = (received) => {
  const end = received.indexOf("\r\n\r\n")
  if (end < 0) {
    return received.length <= maxHeadBytes
      ? undefined
      : { end: answer("431 Request Header Fields Too Large", "The proxy of this session: the header is too large") }
  }
  const [first = "", ...fields] = received.toString("latin1", 0, end).split("\r\n")
  const [, method = "", target = ""] = requestLine.exec(first) ?? []
  if (method === "" || fields.some((line) => !field.test(line))) return badRequest("this is no request of HTTP/1.1")
  const rest = received.subarray(end + 4)
  return method === "CONNECT" ? connect(target, rest) : forward(method, target, fields, rest)
}

const connect = (target: string, rest: Buffer): ReturnType<Step> => {
  const address = authority(target, undefined)
  if (address === undefined) return badRequest("CONNECT needs a host and a port")
  const connected = Buffer.from("HTTP/1.1 200 Connection established\r\n\r\n")
  return { target: { ...address, connected, head: rest, rejection } }
}

const forward = (method: string, target: string, fields: ReadonlyArray<string>, rest: Buffer): ReturnType<Step> => {
  const [, from = "", path = ""] = /^http:\/\/([^/?#]*)(.*)$/i.exec(target) ?? []
  const address = authority(from, 80)
  if (address === undefined) return badRequest("a request needs a whole URL that starts with http://, or CONNECT")
  const upgrades = fields.some((line) => /^upgrade:/i.test(line))
  const lines = [
    `${method} ${path.startsWith("/") ? "" : "/"}${path} HTTP/1.1`,
    ...fields.filter((line) => !hopByHop.test(line)),
    `Connection: ${upgrades ? "Upgrade" : "close"}`,
    "",
    ""
  ]
  const head = Buffer.concat([Buffer.from(lines.join("\r\n"), "latin1"), rest])
  return { target: { ...address, connected: Buffer.alloc(0), head, rejection } }
}
