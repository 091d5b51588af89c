import type { Reason, Step } from "./proxy.js"
/**
 * What a client says to an HTTP proxy. `CONNECT` opens a stream of bytes; any other request is rewritten to what the server
 * itself expects and sent as the start of such a stream, with `Connection: close`, so that one connection is one request.
 */

const longestHead = 64 * 1024

const requestLine = /^([\w!#$%&'*+.^`|~-]+) (\S+) HTTP\/1\.[01]$/
const field = /^[\w!#$%&'*+.^`|~-]+:/
const ours = /^(?:proxy-[\w-]+|connection|keep-alive):/i

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

const refused = (reason: Reason, message: string) => answer(statuses[reason], `The proxy of this session: ${message}`)

const bad = (message: string): ReturnType<Step> => ({
  end: answer("400 Bad Request", `The proxy of this session: ${message}`)
})

/** Host and port of an authority; an address of IPv6 without its brackets. */
const authority = (text: string, usual: number | undefined) => {
  const [, wrapped, plain, digits] = /^(?:\[([^\]]*)\]|([^:@[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = wrapped ?? plain ?? ""
  const port = digits === undefined ? usual : Number(digits)
  return host === "" || host.length > 255 || port === undefined || port < 1 || port > 65_535
    ? undefined
    : { host, port }
}

/** The whole head of a request, once it is there. */
export const httpRequest: Step = (seen) => {
  const end = seen.indexOf("\r\n\r\n")
  if (end < 0) {
    return seen.length <= longestHead
      ? undefined
      : { end: answer("431 Request Header Fields Too Large", "The proxy of this session: the header is too large") }
  }
  const [first = "", ...fields] = seen.toString("latin1", 0, end).split("\r\n")
  const [, method = "", target = ""] = requestLine.exec(first) ?? []
  if (method === "" || fields.some((line) => !field.test(line))) return bad("this is no request of HTTP/1.1")
  const rest = seen.subarray(end + 4)
  return method === "CONNECT" ? connect(target, rest) : forward(method, target, fields, rest)
}

const connect = (target: string, rest: Buffer): ReturnType<Step> => {
  const place = authority(target, undefined)
  if (place === undefined) return bad("CONNECT needs a host and a port")
  const greeting = Buffer.from("HTTP/1.1 200 Connection established\r\n\r\n")
  return { target: { ...place, greeting, ahead: rest, refused } }
}

const forward = (method: string, target: string, fields: ReadonlyArray<string>, rest: Buffer): ReturnType<Step> => {
  const [, from = "", path = ""] = /^http:\/\/([^/?#]*)(.*)$/i.exec(target) ?? []
  const place = authority(from, 80)
  if (place === undefined) return bad("a request needs a whole URL that starts with http://, or CONNECT")
  const upgrades = fields.some((line) => /^upgrade:/i.test(line))
  const head = [
    `${method} ${path.startsWith("/") ? "" : "/"}${path} HTTP/1.1`,
    ...fields.filter((line) => !ours.test(line)),
    `Connection: ${upgrades ? "Upgrade" : "close"}`,
    "",
    ""
  ]
  const ahead = Buffer.concat([Buffer.from(head.join("\r\n"), "latin1"), rest])
  return { target: { ...place, greeting: Buffer.alloc(0), ahead, refused } }
}
