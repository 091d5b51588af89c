import type { Reason, Step } from "./proxy.js"
/** What a client says to a SOCKS5 proxy (RFC 1928): no authentication, and `CONNECT` alone. */

const version = 5
const nobody = 0
const noMethod = 0xff
const connect = 1

const codes: Readonly<Record<Reason, number>> = { forbidden: 2, unreachable: 3, unknown: 4, late: 4, closed: 5 }
const unknownCommand = 7
const unknownKind = 8

/** A reply whose address nobody reads. */
const reply = (code: number) => Buffer.from([version, code, 0, 1, 0, 0, 0, 0, 0, 0])

export const socksGreeting: Step = (seen) => {
  const end = 2 + (seen[1] ?? 0)
  if (seen.length < 2 || seen.length < end) return undefined
  return seen.subarray(2, end).includes(nobody)
    ? { say: Buffer.from([version, nobody]), rest: seen.subarray(end), next: request }
    : { end: Buffer.from([version, noMethod]) }
}

/** How an address is written, by the number of its kind: where it starts, how many bytes it has, and its text. */
const kinds = new Map([
  [1, { start: 4, size: () => 4, text: (bytes: Buffer) => bytes.join(".") }],
  [3, {
    start: 5,
    size: (seen: Buffer) => seen[4] ?? 0,
    text: (bytes: Buffer) => bytes.toString("latin1")
  }],
  [4, {
    start: 4,
    size: () => 16,
    text: (bytes: Buffer) => bytes.toString("hex").match(/.{4}/g)?.join(":") ?? ""
  }]
])

const request: Step = (seen) => {
  if (seen.length < 5) return undefined
  const kind = kinds.get(seen[3] ?? 0)
  if (seen[0] !== version || kind === undefined) return { end: reply(unknownKind) }
  const end = kind.start + kind.size(seen)
  if (seen.length < end + 2) return undefined
  if (seen[1] !== connect) return { end: reply(unknownCommand) }
  const port = seen.readUInt16BE(end)
  const host = kind.text(seen.subarray(kind.start, end))
  if (port === 0 || host === "") return { end: reply(unknownKind) }
  const refused = (reason: Reason) => reply(codes[reason])
  return { target: { host, port, greeting: reply(0), ahead: seen.subarray(end + 2), refused } }
}
