/** The SOCKS5 side of the proxy (RFC 1928): no authentication, and no command but `CONNECT`. */
import type { Reason, Step } from "./proxyProtocol.js"

export const socksVersion = 5
const noAuthentication = 0
const noAcceptableMethod = 0xff
const connect = 1

const codes: Readonly<Record<Reason, number>> = { forbidden: 2, unreachable: 3, unknown: 4, late: 4, closed: 5 }
const commandNotSupported = 7
const addressTypeNotSupported = 8

/** With a bound address of zeros, which clients ignore. */
const reply = (code: number) => Buffer.from([socksVersion, code, 0, 1, 0, 0, 0, 0, 0, 0])

export const socksGreeting: Step = (received) => {
  const end = 2 + (received[1] ?? 0)
  if (received.length < 2 || received.length < end) return undefined
  return received.subarray(2, end).includes(noAuthentication)
    ? { reply: Buffer.from([socksVersion, noAuthentication]), rest: received.subarray(end), next: request }
    : { end: Buffer.from([socksVersion, noAcceptableMethod]) }
}

/** By address type: where the address starts, its length, and its text form. */
const addressTypes = new Map([
  [1, { start: 4, size: () => 4, text: (bytes: Buffer) => bytes.join(".") }],
  [3, {
    start: 5,
    size: (received: Buffer) => received[4] ?? 0,
    text: (bytes: Buffer) => bytes.toString("latin1")
  }],
  [4, {
    start: 4,
    size: () => 16,
    text: (bytes: Buffer) => bytes.toString("hex").match(/.{4}/g)?.join(":") ?? ""
  }]
])

const request: Step = (received) => {
  if (received.length < 5) return undefined
  const type = addressTypes.get(received[3] ?? 0)
  if (received[0] !== socksVersion || type === undefined) return { end: reply(addressTypeNotSupported) }
  const end = type.start + type.size(received)
  if (received.length < end + 2) return undefined
  if (received[1] !== connect) return { end: reply(commandNotSupported) }
  const port = received.readUInt16BE(end)
  const host = type.text(received.subarray(type.start, end))
  if (port === 0 || host === "") return { end: reply(addressTypeNotSupported) }
  const rejection = (reason: Reason) => reply(codes[reason])
  return { target: { host, port, connected: reply(0), head: received.subarray(end + 2), rejection } }
}
